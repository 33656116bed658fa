"""An index in memory with decisions and an audit log, and sessions that search it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.imaging.domain.qido.asked import Question
from services.imaging.domain.qido.attributes import Level
from services.imaging.domain.qido.values import Range
from services.imaging.domain.scopes import DecidedScopes, Place, Scope, ToldAs
from services.imaging.domain.studies import KeptStudy, Series, State, Study
from services.imaging.operations.searching import Patient, Sitting
from services.kernel.errors import Fault, FaultKind

ME, OTHER = b"k" * 16, b"o" * 16
SITTING = Sitting("R1", "TREATMENT", "H11010100901", (Patient("GS1", ME, "PSEUDO1"), Patient("GS2", OTHER, "PSEUDO2")))
REFS = itertools.count(1_000)
OWN = Sitting("R2", "OWN", "H37010200901", (), "H37010200901")


def kept(uid: str, key: bytes = ME, ref: int = 0, **changes: Any) -> KeptStudy:
    """A CT of an invented person."""
    study = Study("H37010200901", "20260315", "1015", modalities=("CT",), patient_name="ceshi^jia", series_count=1)
    own = {name: changes.pop(name) for name in ("state", "version", "node_ref") if name in changes}
    base = KeptStudy(ref or next(REFS), 1, uid, 1, State.ACTIVE, key, b"h" * 16, replace(study, **changes))
    return replace(base, **own)


@dataclass
class Memory:
    """An index, decisions and an audit log."""

    studies: list[KeptStudy] = field(default_factory=list)
    scopes_now: dict[str, Scope] = field(default_factory=lambda: {"GS1": Scope(), "GS2": Scope()})
    up: dict[int, bool] = field(default_factory=dict)
    behind: set[int] = field(default_factory=set)
    told_places: dict[int, Place] = field(default_factory=dict)
    rows: dict[int, list[Series]] = field(default_factory=dict)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    audited: list[tuple[Any, ...]] = field(default_factory=list)
    audit_down: bool = False
    dark: tuple[str, ...] = ()

    async def scopes(self, sitting: Sitting, patients: Sequence[Patient]) -> DecidedScopes:
        self.asked.append(("scopes", tuple(each.grant_no for each in patients)))
        now = {each.grant_no: self.scopes_now[each.grant_no] for each in patients if each.grant_no in self.scopes_now}
        return DecidedScopes(now, self.dark)

    async def of_persons(
        self,
        keys: Sequence[bytes],
        dates: Range | None,
        most: int,
        own: str = "",
        behind: tuple[int, int] | None = None,
    ) -> list[KeptStudy]:
        self.asked.append(("of_persons", len(keys)))
        first, last = dates or ("", "9")
        found = [
            each
            for each in (self._own(own) if own else self.studies)
            if each.study is not None and each.person_key in keys and first <= each.study.study_date <= last
        ]
        found.sort(key=lambda each: each.place, reverse=True)
        return [each for each in found if behind is None or each.place < behind][: most + 1]

    async def told_as(self, keys: Collection[bytes], institutions: Collection[str]) -> list[ToldAs]:
        self.asked.append(("told_as", len(keys)))
        return [
            (each.person_key, each.study.fixmedins_code, each.uid)
            for each in self.studies
            if each.study is not None and each.person_key in keys and each.study.fixmedins_code in institutions
            if each.person_key is not None
        ]

    async def of_uids(self, uids: Collection[str], own: str = "") -> list[KeptStudy]:
        return [each for each in self.studies if each.uid in uids]

    async def of_study(self, uid: str, keys: Sequence[bytes]) -> list[KeptStudy]:
        return [each for each in self.studies if each.uid == uid and each.person_key in keys]

    async def of_accession(self, fixmedins_code: str, accession_no: str) -> list[KeptStudy]:
        return [each for each in self._own(fixmedins_code) if each.study and each.study.accession_no == accession_no]

    async def own(
        self, fixmedins_code: str, dates: Range | None, offset: int, limit: int
    ) -> tuple[list[KeptStudy], int]:
        found = self._own(fixmedins_code)
        self.asked.append(("own", offset, limit))
        return found[offset : offset + limit], len(found)

    def _own(self, fixmedins_code: str) -> list[KeptStudy]:
        return [each for each in self.studies if each.study is not None and each.study.fixmedins_code == fixmedins_code]

    async def series_of(self, refs: Sequence[int]) -> Mapping[int, list[Series]]:
        return {ref: self.rows.get(ref, []) for ref in refs}

    async def places(self) -> dict[int, Place]:
        return self.told_places or {
            ref: Place(ref, f"N{ref}", self.up.get(ref, True), f"https://node{ref}.example", ref in self.behind)
            for ref in (1, 2)
        }

    async def searched(
        self, sitting: Sitting, level: Level, question: Question, grants: Sequence[str], found: int
    ) -> None:
        if self.audit_down:
            raise Fault(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE")
        self.audited.append((sitting.session_no, level, tuple(grants), found))


class Names:
    """Pseudonyms as a test plays them: the first letter of a person's key behind the organisation."""

    def __call__(self, organisation: str, person_key: bytes) -> str:
        return f"{organisation}-{person_key[:1].decode()}"

    def of_all(self, organisation: str, person_keys: Sequence[bytes]) -> Sequence[str]:
        return [self(organisation, each) for each in person_keys]

    def keys_of(self, organisation: str, patient_id: str) -> Sequence[bytes]:
        return [key for key in (ME, OTHER) if self(organisation, key) == patient_id]
