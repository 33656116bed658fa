"""A person's consent as tests ask for it: operations on a store, with a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, Final

import pytest

from services.identity.domain import consent
from services.identity.domain.consent import Decision, Grant, Hidden, Kind, Purpose, Reader, Scope
from services.identity.domain.credential import Credential
from services.identity.operations.consent_desk import ConsentDesk, MeantPerson
from services.identity.operations.consents import Consents
from services.identity.operations.credentials import CredentialOperations
from services.identity.store.unit import IdentityStore
from services.kernel.clock import to_micros
from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from tests.identity.people import NOON, Dice, Ticking, person, record

HERE: Final = "H99010000001"
THERE: Final = "H99010000002"
IN_BEIJING: Final = "H11010500001"
DOCTOR: Final = "D99000000001"
STUDY: Final = "1.2.156.990100.1"
HOUR: Final = 3600
WHO, OTHER, NOBODY = (person(number).psn_no for number in (1, 2, 99))
DOCTOR_HERE: Final = Reader(Purpose.TREATMENT, HERE, DOCTOR)
MYSELF: Final = Reader(Purpose.SELF)
CHECKER: Final = Reader(Purpose.SUPERVISION, opter_no="OP1", case_no="C1")


def _number(grant: Grant) -> bytes:
    return grant.grant_no.encode()


def _hidden(hidden: Hidden) -> bytes:
    return hidden.hidden_no.encode()


@dataclass(frozen=True, slots=True)
class Consenting:
    """What a test does with consent."""

    store: IdentityStore
    clock: Ticking
    consents: Consents
    desk: ConsentDesk
    credentials: CredentialOperations
    requests: Any = field(default_factory=partial(count, 1))

    @property
    def now(self) -> int:
        """The moment."""
        return to_micros(self.clock())

    def stamp(self, of: str = "test") -> RequestStamp:
        """Of a request of its own."""
        return RequestStamp(of, f"r{next(self.requests)}", "/s/rpc", "content")

    async def grant(self, reader: str = HERE, days: int = 1, who: str = WHO, begins_in_s: int = 0, **scope: Any) -> str:
        """A grant of a person."""
        begins = self.now + begins_in_s * 1_000_000
        asked = Grant(
            "", who, Kind.GRANTED, Purpose.TREATMENT, reader, begins, 0, self.now, "person", scope=Scope(**scope)
        )
        return (await self.consents.grant(self.stamp(), asked, days, self.now, _number)).decode()

    async def revoke(self, grant_no: str, who: str = WHO) -> None:
        """Ends one."""
        await self.consents.revoke(self.stamp(), who, grant_no, self.now, _number)

    async def hide(self, study_uid: str = STUDY, fixmedins_code: str = "", who: str = WHO) -> str:
        """Hides a study, or an institution's."""
        asked = Hidden("", who, study_uid, fixmedins_code, self.now)
        return (await self.consents.hide(self.stamp(), asked, self.now, _hidden)).decode()

    async def unhide(self, hidden_no: str) -> None:
        """Shows it again."""
        await self.consents.unhide(self.stamp(), WHO, hidden_no, self.now)

    async def prove(self, shown: str, at: str = HERE) -> str:
        """A code or ecToken at a desk."""
        return (await self.desk.prove(self.stamp(), at, shown, self.now, _number)).decode()

    async def find(self, reader: Reader = DOCTOR_HERE, who: str = WHO) -> str:
        """The number of the grant that lets the reader read."""
        return (await self.desk.find(MeantPerson(who), reader, self.now)).grant_no

    async def break_glass(self, reader: Reader = DOCTOR_HERE, who: str = WHO, reason: str = "昏迷送院") -> str:
        """In an emergency."""
        return (await self.desk.break_glass(self.stamp(), MeantPerson(who), reader, reason, self.now, _number)).decode()

    async def decide(self, grant_no: str, reader: Reader = DOCTOR_HERE) -> Decision | None:
        """One decision."""
        (decided,) = await self.desk.decide([(grant_no, reader)], self.now)
        return decided

    async def review(self, grant_no: str, *, justified: bool, by: str = "OP2") -> None:
        """What a review found."""
        verdict = partial(consent.reviewed, justified=justified, now=self.now, by=by, memo="复核")
        await self.consents.review(self.stamp(), grant_no, verdict, self.now, _number)

    async def emergencies(self, *, reviewed: bool = False) -> list[Grant]:
        """The review list."""
        return list((await self.consents.emergencies((0, ""), 50, reviewed=reviewed)).entries)

    async def code(self, who: str = WHO) -> str:
        """A dynamic code of the person."""
        return (await self.credentials.show_code(who, None, self.clock()))[0]


async def consenting(store: IdentityStore, clock: Ticking, dice: Dice) -> Consenting:
    """Two persons with credentials, who have granted nothing."""
    numbers = count(1)

    def new_no() -> str:
        return f"GS{next(numbers):020d}"

    async with store.write() as work:
        await work.persons.add([record(1), record(2)])
        for psn_no in (WHO, OTHER):
            await work.credentials.add(Credential(f"c{psn_no}", psn_no, "APP", NOON))
    credentials = CredentialOperations(
        store, lambda prefix: f"{prefix}{next(numbers)}", dice, lambda: [b"k" * 32], "sandbox"
    )
    desk = ConsentDesk(store, new_no, dice, "sandbox")
    return Consenting(store, clock, Consents(store, new_no), desk, credentials)


async def refused(call: Awaitable[object]) -> str:
    """The reason of a refusal."""
    with pytest.raises(Fault) as raised:
        await call
    return raised.value.reason
