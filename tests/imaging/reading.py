"""Readers as tests have them: sessions on a store, played cells of persons, a log in memory, a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Final

import pytest

from services.imaging.domain.audit import Access
from services.imaging.domain.scopes import Scope
from services.imaging.domain.sessions import OPERATORS, Grant, GrantDecision, MeantPerson, Purpose, Reader
from services.imaging.operations.patients import AddedPerson, Patients
from services.imaging.operations.ports import Also
from services.imaging.operations.pseudonyms import Pseudonyms
from services.imaging.operations.sessions import Sessions
from services.imaging.store.unit import ImagingStore
from services.kernel.clock import to_micros
from services.kernel.errors import Fault, FaultKind, denied
from services.kernel.requests import RequestStamp
from services.runtime.blocks import Blocks
from tests.imaging.conftest import key_of
from tests.imaging.entries import NOON

HERE: Final = "H11010500001"
DOCTOR: Final = Reader(Purpose.TREATMENT, HERE, "D110000000001")
LISTING: Final = Reader(Purpose.OWN, HERE)
CHECKER: Final = Reader(Purpose.SUPERVISION, OPERATORS, "OP1", "C1")
INSTITUTION, OPERATOR = f"institution:{HERE}", "operator:OP1"
BEIJING, SHANDONG = "110000", "370000"


@dataclass
class PlayedPersons:
    """Cells that know who granted what, by number of the person; Shandong may be dark."""

    granted: dict[str, str] = field(default_factory=dict)
    scopes: dict[str, Scope] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    dark: bool = False
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    shown: dict[tuple[str, str], Grant] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: count(1))

    def number(self, cell: str = BEIJING) -> str:
        """That of a new grant."""
        return f"G{cell}{next(self.numbers):020d}"

    async def found(self, reader: Reader, person: MeantPerson) -> Grant:
        """By who granted."""
        self.asked.append(("found", reader, person))
        grant_no = self.granted.get(person.psn_no or person.certno)
        if grant_no is None:
            raise denied("NO_ACCESS")
        return self._grant(grant_no, person.psn_no or person.certno)

    async def proved(self, request_id: str, fixmedins_code: str, shown: str) -> Grant:
        """A code is the person's number behind `code:`; it is good once, and a repeat of the request gets the same answer."""
        self.asked.append(("proved", fixmedins_code, shown))
        known = self.shown.get((request_id, shown))
        if known is None:
            if any(code == shown for _, code in self.shown):
                raise Fault(FaultKind.PRECONDITION, "CODE_USED")
            known = self.shown[request_id, shown] = self._grant(self.number(), shown.removeprefix("code:"))
        return known

    async def broken(self, request_id: str, reader: Reader, person: MeantPerson, reason: str) -> Grant:
        """Everybody below 1990 is registered."""
        self.asked.append(("broken", request_id, reader, person, reason))
        if not person.psn_no.startswith("P"):
            raise denied("NO_ACCESS")
        return self.shown.setdefault((request_id, "!"), self._grant(self.number(), person.psn_no))

    async def decided(self, reader: Reader, grant_nos: Sequence[str]) -> Sequence[GrantDecision]:
        """By what has not ended."""
        self.asked.append(("decided", reader, tuple(grant_nos)))
        return [self._decision(each) for each in grant_nos]

    def _grant(self, grant_no: str, who: str) -> Grant:
        self.scopes.setdefault(grant_no, Scope())
        self.owners[grant_no] = key_of(who)
        return Grant(grant_no, key_of(who), to_micros(NOON + timedelta(hours=24)))

    owners: dict[str, bytes] = field(default_factory=dict)

    def _decision(self, grant_no: str) -> GrantDecision:
        if self.dark and grant_no.startswith(f"G{SHANDONG}"):
            return GrantDecision(away=True)
        if grant_no in self.ended or grant_no not in self.scopes:
            return GrantDecision()
        return GrantDecision(self.scopes[grant_no], self.owners[grant_no], 7)


@dataclass
class PlayedLog:
    """What was written, and a log that takes nothing."""

    store: ImagingStore
    entries: list[Access] = field(default_factory=list)
    down: bool = False

    async def write(self, accesses: Sequence[Access], also: Also | None = None) -> None:
        """In one transaction with what is written beside it."""
        if self.down:
            raise Fault(FaultKind.UNAVAILABLE, "AUDIT_UNAVAILABLE")
        if also is not None:
            async with self.store.write() as work:
                await also(work)
        self.entries.extend(accesses)

    def told(self) -> list[str]:
        """Action and outcome of every entry."""
        return [f"{each.action.name} {each.outcome.name}" for each in self.entries]


class PlayedSecrets:
    """One secret."""

    async def key(self, name: str, length: int) -> bytes:
        """By name."""
        return name.encode().ljust(length, b"!")


@dataclass
class Desk:
    """A reader's desk: who calls, and what is done."""

    store: ImagingStore
    caller: str = INSTITUTION
    now: datetime = NOON
    cells: PlayedPersons = field(default_factory=PlayedPersons)
    log: PlayedLog = field(init=False)
    sessions: Sessions = field(init=False)
    patients: Patients = field(init=False)
    requests: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        numbers = count(1)
        self.log = PlayedLog(self.store)
        dice = (bytes([number % 256, number // 256]) * 16 for number in count(1))
        pseudonyms = Pseudonyms(PlayedSecrets(), Blocks, lambda: self.now)
        self.sessions = Sessions(
            *(self.store, self.log, self.cells, pseudonyms, lambda: self.now),
            *(lambda length: next(dice)[:length], lambda: f"RS{next(numbers):020d}", lambda: self.caller),
        )
        self.patients = Patients(self.sessions, self.cells, self.log)

    async def opened(self, reader: Reader = DOCTOR) -> str:
        """The token of a session."""
        return (await self.sessions.open(reader))[1]

    async def granted(self, psn_no: str, cell: str = BEIJING) -> str:
        """Somebody's grant."""
        self.cells.granted[psn_no] = self.cells.number(cell)
        return self.cells.granted[psn_no]

    async def add(self, token: str, psn_no: str = "", shown: str = "", certno: str = "") -> AddedPerson:
        """Adds a person."""
        return await self.patients.add(token, shown, MeantPerson(psn_no, "01" if certno else "", certno))

    async def break_glass(self, token: str, psn_no: str, request_id: str = "") -> bytes:
        """In an emergency."""
        stamp = RequestStamp("H1", request_id or f"r{next(self.requests)}", "/s/BreakGlass", f"{token} {psn_no}")
        encode = partial(lambda added: f"{added.patient_id} {added.grant_no}".encode())
        return await self.patients.break_glass(stamp, token, MeantPerson(psn_no), "昏迷送院", encode)

    def later(self, **delta: float) -> None:
        """Time goes by."""
        self.now += timedelta(**delta)


async def refused(call: Awaitable[object]) -> str:
    """The reason of a refusal."""
    with pytest.raises(Fault) as raised:
        await call
    return raised.value.reason
