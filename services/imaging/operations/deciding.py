"""What readers may see, as the persons' cells say: nothing of it is kept here. And what is logged of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.imaging.domain.accesses import of_search
from services.imaging.domain.qido.asked import Question
from services.imaging.domain.qido.attributes import Level
from services.imaging.domain.scopes import DecidedScopes
from services.imaging.domain.sessions import Purpose, Reader
from services.imaging.operations.ports import GrantDeciding, Log
from services.imaging.operations.searching import Patient, Sitting
from services.kernel.consents import cell_of_grant
from services.kernel.elsewhere import cell_unavailable


@dataclass(frozen=True, slots=True)
class Deciding:
    """Asks for decisions."""

    cells: GrantDeciding

    async def scopes(self, sitting: Sitting, patients: Sequence[Patient]) -> DecidedScopes:
        """What the session's reader may see of these persons. Those whose cell does not answer are left out and their cell is
        named; where that is everybody, UNAVAILABLE CELL_UNAVAILABLE (our decision). PEER_UNAVAILABLE where routing is away."""
        if not patients:
            return DecidedScopes()
        said = await self.cells.decided(reader_of(sitting), [each.grant_no for each in patients])
        pairs = list(zip(patients, said, strict=True))
        away = tuple(sorted({cell_of_grant(each.grant_no) or "" for each, told in pairs if told.away}))
        if away and all(told.away for _, told in pairs):
            raise cell_unavailable(away[0])
        # A grant of another person than it was added for would show that other one's studies.
        shown = {
            each.grant_no: told.scope
            for each, told in pairs
            if told.scope is not None and told.person_key == each.person_key
        }
        return DecidedScopes(shown, away)


def reader_of(sitting: Sitting) -> Reader:
    """Who sits."""
    purpose = Purpose(sitting.purpose)
    return Reader(purpose, sitting.reader, sitting.opter_no or sitting.dr_codg, sitting.case_no)


@dataclass(frozen=True, slots=True)
class SearchLog:
    """Writes searches to the audit log."""

    log: Log

    async def searched(
        self, sitting: Sitting, level: Level, question: Question, grants: Sequence[str], found: int
    ) -> None:
        """One entry about all who were asked about; AUDIT_UNAVAILABLE."""
        meant = frozenset(grants)
        asked = [(each.grant_no, each.person_key) for each in sitting.patients if each.grant_no in meant]
        await self.log.write(of_search(reader_of(sitting), sitting.session_no, asked, level, question.keywords, found))
