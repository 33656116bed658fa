"""Searches: who asks is known by a session, what may be seen is decided by the persons' cells, what was asked is
written to the audit log before it is answered.

Where a list names no person, the session's persons are meant. A person or study that the session may not see is answered as one
that there is not, by the same steps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from services.imaging.domain.qido.asked import Question
from services.imaging.domain.qido.attributes import Level, Record
from services.imaging.domain.qido.records import series_record, study_record
from services.imaging.domain.qido.values import Range
from services.imaging.domain.scopes import Copy, DecidedScopes, Place, best_of, copies_of, rank
from services.imaging.domain.studies import KeptStudy, Series
from services.imaging.operations import looking
from services.kernel.elsewhere import cell_unavailable
from services.runtime.pieces import in_pieces

MOST_SERIES_OF: Final = 200
"""Studies whose series one list tells."""


@dataclass(frozen=True, slots=True)
class Patient:
    """A person whom a session reads of, by one grant: the key under which studies are kept, the pseudonym in answers, and the one
    of the period before, which is a key of questions still."""

    grant_no: str
    person_key: bytes
    patient_id: str
    former_id: str = ""


@dataclass(frozen=True, slots=True)
class Sitting:
    """A session of a reader. `reader` is the organisation for which pseudonyms are made: an institution, `person` or `operator`;
    `own_institution` the institution whose own studies are listed, "" for none. It ends at `ends_at`, in microseconds since 1970.
    """

    session_no: str
    purpose: str
    reader: str
    patients: tuple[Patient, ...]
    own_institution: str = ""
    dr_codg: str = ""
    opter_no: str = ""
    case_no: str = ""
    ends_at: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """What a search found: `more` are further records that answer, `away` nodes with some of them that do not answer, `behind`
    nodes of which something may be missing. Nothing is told of persons whose consent is kept by the cells `undecided`, which do
    not answer.
    """

    records: list[Record]
    more: int = 0
    away: tuple[str, ...] = ()
    behind: tuple[Place, ...] = ()
    undecided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundStudy:
    """Where a study lies that a reader may see, the best place first; the grant by which it may, None for an own one, and until
    when that holds.
    """

    copies: list[Copy]
    patient: Patient | None = None
    until: datetime | None = None


class ScopesDeciding(Protocol):
    """The persons' cells."""

    async def scopes(self, sitting: Sitting, patients: Sequence[Patient]) -> DecidedScopes:
        """By grant what its reader may see now; CELL_UNAVAILABLE where that is known of nobody."""
        ...


class SearchIndex(looking.Index, Protocol):
    """Reads of the store."""

    async def of_uids(self, uids: Collection[str], own: str = "") -> Sequence[KeptStudy]:
        """Studies under UIDs, whosesoever they are; those in conflict only of the institution `own`."""
        ...

    async def of_study(self, uid: str, keys: Sequence[bytes]) -> Sequence[KeptStudy]:
        """A study under its UID where it is of one of these persons: of others nothing is read, as if there were none."""
        ...

    async def of_accession(self, fixmedins_code: str, accession_no: str) -> Sequence[KeptStudy]:
        """An institution's own studies with an accession number."""
        ...

    async def own(
        self, fixmedins_code: str, dates: Range | None, offset: int, limit: int
    ) -> tuple[Sequence[KeptStudy], int]:
        """An institution's own studies, the latest first, from a place on, and how many there are; any depth costs the same."""
        ...

    async def series_of(self, refs: Sequence[int]) -> Mapping[int, Sequence[Series]]:
        """Series of studies by the studies' refs."""
        ...


class Auditing(Protocol):
    """The audit log."""

    async def searched(
        self, sitting: Sitting, level: Level, question: Question, grants: Sequence[str], found: int
    ) -> None:
        """Writes that a search was made; a search that cannot be written is not answered."""
        ...


class Pseudonym(Protocol):
    """Under which a reader knows the person of a key."""

    def __call__(self, organisation: str, person_key: bytes) -> str:
        """The pseudonym that an organisation is told."""
        ...

    def of_all(self, organisation: str, person_keys: Sequence[bytes]) -> Sequence[str]:
        """The same of several persons, in the order of their keys."""
        ...

    def keys_of(self, organisation: str, patient_id: str) -> Sequence[bytes]:
        """Whom an organisation may mean by it: keys, of which at most one is somebody's; none for what is no pseudonym."""
        ...


@dataclass(frozen=True, slots=True)
class _Seen:
    """Studies with their records, and the cells whose persons could not be decided on."""

    studies: list[tuple[Copy, Record]]
    undecided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Searching:
    """Searches of the index."""

    index: SearchIndex
    deciding: ScopesDeciding
    auditing: Auditing
    pseudonym: Pseudonym

    async def studies(self, sitting: Sitting, question: Question, root: str) -> Page:
        """A page of studies; SEARCH_TOO_BROAD, CELL_UNAVAILABLE."""
        if sitting.own_institution and question.indexed and question.patient_ids is None and not question.study_uids:
            return await self._own_page(sitting, question, root)
        found = await self._found(sitting, question, root, Level.STUDY)
        return await self._told(sitting, question, Level.STUDY, [record for _, record in found.studies], found)

    async def series(self, sitting: Sitting, question: Question, root: str) -> Page:
        """A page of series: of one study where the question names it, else of all that it finds; SEARCH_TOO_BROAD,
        CELL_UNAVAILABLE."""
        found = await self._found(sitting, question, root, Level.SERIES)
        return await self._told(sitting, question, Level.SERIES, await self._series(question, found), found)

    async def study(self, sitting: Sitting, question: Question, root: str) -> tuple[Record, list[Record]] | None:
        """The one study that the question names, with all its series; None where there is none that the reader may see.

        One decision and one entry of the log for both: that of a list of series. CELL_UNAVAILABLE.
        """
        found = await self._found(sitting, question, root, Level.SERIES)
        if not found.studies and found.undecided:
            raise cell_unavailable(found.undecided[0])
        series = await self._series(question, found)
        await self._told(sitting, replace(question, limit=len(series)), Level.SERIES, series, found)
        return (found.studies[0][1], series) if found.studies else None

    async def _series(self, question: Question, found: _Seen) -> list[Record]:
        """Series of studies that answer, in order; SEARCH_TOO_BROAD."""
        if len(found.studies) > MOST_SERIES_OF:
            raise looking.too_broad(MOST_SERIES_OF)
        rows = await self.index.series_of([copy.kept.ref for copy, _ in found.studies])
        parts = [
            (of_study, series)
            for copy, of_study in found.studies
            for series in sorted(rows.get(copy.kept.ref, ()), key=lambda one: (one.series_no, one.series_instance_uid))
        ]
        made = await in_pieces(lambda part: _answer(question, series_record(*part)), parts)
        return [each for each in made if each is not None]

    async def find(self, sitting: Sitting, study_uid: str) -> FoundStudy | None:
        """A study that the reader may see; None where it may not, or there is none: both are found out by the same steps.

        CELL_UNAVAILABLE where it is not known whether it may.
        """
        institution = sitting.own_institution
        if institution:
            kept = await self.index.of_uids([study_uid], institution)
            own = [each for each in kept if _is_of(each, institution)]
            copies = copies_of(own, await self.index.places(), institution)
            return FoundStudy(sorted(copies, key=rank)) if copies else None
        decided = await self.deciding.scopes(sitting, sitting.patients)
        keys = {each.person_key for each in sitting.patients if each.grant_no in decided.scopes}
        kept = await self.index.of_study(study_uid, list(keys))
        visible = await looking.shown(self.index, kept, sitting.patients, decided.scopes)
        if not visible:
            if decided.away:
                raise cell_unavailable(decided.away[0])
            return None
        patient = visible[0][1]
        return FoundStudy(
            sorted((copy for copy, _ in visible), key=rank), patient, decided.scopes[patient.grant_no].until
        )

    async def _found(self, sitting: Sitting, question: Question, root: str, level: Level) -> _Seen:
        """Studies that answer what is asked of studies, in order; at the level of series all that may."""
        undecided: tuple[str, ...] = ()
        if sitting.own_institution:
            told = await self._own(sitting, question)
        else:
            patients = _chosen(sitting, question)
            decided = await self.deciding.scopes(sitting, patients)
            undecided = decided.away
            visible = await looking.seen_of(self.index, patients, decided.scopes, question.dates)
            ids = {copy.kept.ref: patient.patient_id for copy, patient in visible}
            told = [(copy, ids[copy.kept.ref]) for copy in best_of(copy for copy, _ in visible)]
        if question.study_uids is not None:
            told = [each for each in told if each[0].kept.uid in question.study_uids]
        if level is Level.SERIES:
            return _Seen([(copy, study_record(copy, patient_id, root)) for copy, patient_id in told], undecided)
        made = await in_pieces(lambda each: _answer(question, study_record(*each, root)), told)
        seen = [(copy, record) for (copy, _), record in zip(told, made, strict=True) if record is not None]
        return _Seen(seen, undecided)

    async def _own(self, sitting: Sitting, question: Question) -> list[tuple[Copy, str]]:
        """An institution's own studies that a search looks through: it made them, so that no decision is asked for."""
        institution = sitting.own_institution
        kept: Sequence[KeptStudy]
        if question.patient_ids is not None:
            named = [key for each in question.patient_ids for key in self.pseudonym.keys_of(sitting.reader, each)]
            found = await self.index.of_persons(named, question.dates, looking.MOST_STUDIES, institution)
            if len(found) > looking.MOST_STUDIES:
                raise looking.too_broad(looking.MOST_STUDIES)
            kept = [each for each in found if _is_of(each, institution)]
        elif question.study_uids:
            found = await self.index.of_uids(question.study_uids, institution)
            kept = [each for each in found if _is_of(each, institution)]
        elif question.accession:
            kept = await self.index.of_accession(institution, question.accession)
        else:
            _, count = await self.index.own(institution, question.dates, 0, 0)
            if count > looking.MOST_STUDIES:
                raise looking.too_broad(looking.MOST_STUDIES)
            kept, _ = await self.index.own(institution, question.dates, 0, looking.MOST_STUDIES)
        copies = copies_of(kept, await self.index.places(), institution)
        return self._named(sitting, best_of(copies))

    async def _own_page(self, sitting: Sitting, question: Question, root: str) -> Page:
        """A page of an own list by nothing but days."""
        institution = sitting.own_institution
        kept, count = await self.index.own(institution, question.dates, question.offset, question.limit)
        copies = await self._nearest(kept, institution)
        records = [study_record(each, patient_id, root) for each, patient_id in self._named(sitting, copies)]
        more = max(0, count - question.offset - len(kept))
        return await self._written(sitting, Level.STUDY, question, [], Page(records, more, _away(copies)))

    async def _nearest(self, kept: Sequence[KeptStudy], institution: str) -> list[Copy]:
        """Studies of an own list in its order, those of nodes that do not answer as another node has them, where one does."""
        places = await self.index.places()
        copies = copies_of(kept, places, institution)
        away = [each.kept.uid for each in copies if not each.place.up]
        if not away:
            return copies
        others = [each for each in await self.index.of_uids(away, institution) if _is_of(each, institution)]
        nearest = {each.kept.uid: each for each in best_of(copies_of(others, places, institution))}
        return [nearest.get(each.kept.uid, each) for each in copies]

    def _named(self, sitting: Sitting, copies: Sequence[Copy]) -> list[tuple[Copy, str]]:
        """Studies with the pseudonyms of their persons, "" where there is nobody: made for all at once."""
        keys = [each.kept.person_key for each in copies]
        names = iter(self.pseudonym.of_all(sitting.reader, [each for each in keys if each is not None]))
        return [(copy, "" if key is None else next(names)) for copy, key in zip(copies, keys, strict=True)]

    async def _told(
        self, sitting: Sitting, question: Question, level: Level, records: list[Record], found: _Seen
    ) -> Page:
        page = records[question.offset : question.offset + question.limit]
        grants = sorted({each.grant_no for each in _chosen(sitting, question)})
        more = max(0, len(records) - question.offset - len(page))
        told = Page(page, more, _away([copy for copy, _ in found.studies]), undecided=found.undecided)
        return await self._written(sitting, level, question, grants, told)

    async def _written(
        self, sitting: Sitting, level: Level, question: Question, grants: Sequence[str], page: Page
    ) -> Page:
        """The page, once the log has it, with the nodes that are behind."""
        await self.auditing.searched(sitting, level, question, grants, len(page.records))
        places = (await self.index.places()).values()
        behind = sorted((each for each in places if each.behind), key=lambda each: each.node_no)
        return replace(page, behind=tuple(behind)) if behind else page


def _answer(question: Question, record: Record) -> Record | None:
    """A record where it answers."""
    return record if question.answered_by(record) else None


def _chosen(sitting: Sitting, question: Question) -> tuple[Patient, ...]:
    named = question.patient_ids
    if named is None:
        return sitting.patients
    return tuple(
        each for each in sitting.patients if each.patient_id in named or (each.former_id and each.former_id in named)
    )


def _is_of(kept: KeptStudy, institution: str) -> bool:
    return kept.study is not None and kept.study.fixmedins_code == institution


def _away(copies: Sequence[Copy]) -> tuple[str, ...]:
    return tuple(sorted({each.place.node_no for each in copies if not each.place.up}))
