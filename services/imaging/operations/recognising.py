"""Recognition: which prior examinations of a person stand for a planned one. Who may ask is decided by the person's cell each
time, and what was asked is in the audit log before it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from services.imaging.domain.advice import (
    Choice,
    Evidence,
    KeptAdvice,
    MonthOf,
    counted,
    counted_choice,
    decided,
    ordered,
)
from services.imaging.domain.audit import Access, AccessOutcome, Action
from services.imaging.domain.priors import Examination, disputed, prior_of, visible
from services.imaging.domain.quality import Quality
from services.imaging.domain.recognition import Planned, judge
from services.imaging.domain.recognition_tables import RecognitionTables
from services.imaging.domain.reports import Report
from services.imaging.domain.scopes import best_of, copies_of
from services.imaging.domain.sessions import Purpose
from services.imaging.domain.studies import Series, minutes_of
from services.imaging.operations import looking
from services.imaging.operations.granting import Granted
from services.imaging.operations.looking import hidden_uids
from services.imaging.operations.ports import Also, Log
from services.imaging.store.unit import ImagingStore, Unit
from services.kernel.errors import invalid
from services.kernel.requests import Entry, Moved, RequestStamp
from services.runtime.writes import Frame, as_it_stands

MOST_STUDIES: Final = 500
"""Studies of a person that one advice looks at, the youngest ones (our decision)."""
MOST_REPORTS: Final = 200
"""The same of reports."""

_AHEAD: Final = timedelta(days=1)
_FIRST: Final = "19000101"


class Grants(Protocol):
    """The persons' cells."""

    async def granted(self, fixmedins_code: str, dr_codg: str, psn_no: str) -> Granted | None:
        """What lets an institution's doctor read of a person now; None of nobody as of somebody who granted nothing.
        CELL_UNAVAILABLE, PEER_UNAVAILABLE."""
        ...


class RecognitionIndex(looking.Index, Protocol):
    """Reads of the index."""

    async def series_of(self, refs: Sequence[int]) -> Mapping[int, Sequence[Series]]:
        """Series of studies by the studies' refs."""
        ...


@dataclass(frozen=True, slots=True)
class WhoAsks:
    """Who asks, about whom."""

    fixmedins_code: str
    dr_codg: str
    psn_no: str


@dataclass(frozen=True, slots=True)
class Priors:
    """What is known of a person's examinations, as far as a reader may see it."""

    store: ImagingStore
    index: RecognitionIndex
    tables: RecognitionTables

    async def of(self, granted: Granted, since: str, until: str) -> list[Examination]:
        """Those between two days, yyyyMMdd, the youngest ones."""
        keys = [granted.person_key]
        kept = await self.index.of_persons(keys, (since, until), MOST_STUDIES)
        async with self.store.read() as work:
            told = await work.reports.of_person(granted.person_key, minutes_of(since), MOST_REPORTS)
            standing = await work.studies.of_uids({one.study_uid for each in told for one in each.report.pictures})
        told_of = copies_of(kept, await self.index.places())
        unseen = await hidden_uids(self.index, {granted.person_key: (granted.scope,)})
        copies = best_of(each for each in told_of if each.kept.uid not in unseen)
        hidden = disputed(standing, granted.person_key) | unseen
        reports = [each.report for each in told if each.report.day <= until and each.report.is_clear_of(hidden)]
        return visible(copies, reports, granted.scope)

    async def judged(self, found: Sequence[Examination], planned: Planned) -> list[tuple[Examination, Evidence]]:
        """Each with what speaks for and against it."""
        refs = [each.copy.kept.ref for each in found if each.copy is not None]
        series = await self.index.series_of(refs) if refs else {}
        async with self.store.read() as work:
            results = await work.quality.of(sorted({each.fixmedins_code for each in found}))
        judged = []
        for each in found:
            prior = prior_of(each, planned, self.tables, series, results)
            evidence = Evidence(each.study_uid, each.report_no, prior, judge(planned, prior, self.tables))
            judged.append((each, evidence))
        return judged

    async def of_plan(self, granted: Granted, planned: Planned) -> list[tuple[Examination, Evidence]]:
        """Those that are not older than any result holds, judged."""
        since = planned.day - timedelta(days=self.tables.longest_days)
        found = await self.of(granted, f"{since:%Y%m%d}", f"{planned.day + _AHEAD:%Y%m%d}")
        return await self.judged(found, planned)

    async def report(self, granted: Granted, fixmedins_code: str, report_no: str, today: date) -> Examination | None:
        """That of a number at an institution, of whatever day."""
        for each in await self.of(granted, _FIRST, f"{today + _AHEAD:%Y%m%d}"):
            if (each.fixmedins_code, each.report_no) == (fixmedins_code, report_no):
                return each
        return None


@dataclass(frozen=True, slots=True)
class Recognising:
    """What RecognitionService does, and what 5401 and 5402 ask."""

    grants: Grants
    priors: Priors
    audit: Log
    new_no: Callable[[], str]

    async def advise(self, asked: WhoAsks, planned: Planned, now: datetime) -> tuple[str, tuple[Evidence, ...]]:
        """Number of the advice, and prior examinations, the best ones first."""
        granted = await self.grants.granted(asked.fixmedins_code, asked.dr_codg, asked.psn_no)
        judged = await self.priors.of_plan(granted, planned) if granted is not None else []
        listed = ordered(evidence for _, evidence in judged)
        told = tuple((each.study_uid, each.report_no, each.judgement.verdict) for each in listed)
        advice = KeptAdvice(self.new_no(), asked.fixmedins_code, now, asked.dr_codg, planned, told)

        async def also(work: Unit) -> None:
            await work.advices.add(advice)
            await work.advices.count(asked.fixmedins_code, advice.month, counted(advice))

        await self._log(asked, granted, f"advice {advice.advice_no}: {len(told)}", also)
        return advice.advice_no, listed

    async def recognisable(
        self, asked: WhoAsks, planned: Planned, fits: Callable[[Examination], bool]
    ) -> list[tuple[Examination, Evidence]]:
        """Examinations against which nothing speaks and that fit what is asked, in order."""
        granted = await self.grants.granted(asked.fixmedins_code, asked.dr_codg, asked.psn_no)
        judged = await self.priors.of_plan(granted, planned) if granted is not None else []
        fitting = {
            id(evidence): (each, evidence) for each, evidence in judged if evidence.judgement.stands and fits(each)
        }
        listed = ordered(evidence for _, evidence in fitting.values())
        await self._log(asked, granted, f"5401: {len(listed)}")
        return [fitting[id(each)] for each in listed]

    async def report(
        self, asked: WhoAsks, planned: Planned, fixmedins_code: str, report_no: str
    ) -> tuple[Examination, Evidence] | None:
        """A report by its institution and number."""
        granted = await self.grants.granted(asked.fixmedins_code, asked.dr_codg, asked.psn_no)
        found = (
            await self.priors.report(granted, fixmedins_code, report_no, planned.day) if granted is not None else None
        )
        judged = await self.priors.judged([found], planned) if found is not None else []
        uid = found.study_uid if found is not None else ""
        await self._log(asked, granted, f"5402: {len(judged)}", study_uid=uid)
        return judged[0] if judged else None

    async def _log(
        self, asked: WhoAsks, granted: Granted | None, detail: str, also: Also | None = None, *, study_uid: str = ""
    ) -> None:
        access = Access(
            *(Action.RECOGNITION, AccessOutcome.SUCCESS if granted is not None else AccessOutcome.REFUSED),
            organisation=asked.fixmedins_code,
            reader=asked.dr_codg,
            purpose=Purpose.TREATMENT,
            study_uid=study_uid,
            detail=detail,
        )
        if granted is not None:
            access = replace(access, person_key=granted.person_key, grant_no=granted.grant_no)
        await self.audit.write([access], also)


class RecognitionBooks:
    """What is recorded of advices and of quality control."""

    def __init__(self, store: ImagingStore, tables: RecognitionTables, modalities: frozenset[str]) -> None:
        self._store = store
        self._tables = tables
        self._modalities = modalities
        self._frame: Frame[Unit, Entry] = Frame(store.write, _find, "STORE_UNAVAILABLE")

    async def decide(
        self, stamp: RequestStamp, fixmedins_code: str, advice_no: str, choice: Choice, now: datetime, answer: bytes
    ) -> bytes:
        """Records a decision; ADVICE_NOT_FOUND, ADVICE_DECIDED, REQUEST_ID_REUSED."""

        async def act(work: Unit) -> Entry:
            standing = await work.advices.find(advice_no)
            advice = decided(standing, fixmedins_code, advice_no, choice, now)
            if advice != standing:
                if not await work.advices.decide(advice):
                    raise Moved("imaging_advice")
                if advice.offers:
                    await work.advices.count(fixmedins_code, advice.month, counted_choice(choice))
            return await _journalled(work, stamp, answer, now)

        kept: Entry = await self._frame.once(stamp, act, as_it_stands)
        return kept.response

    async def months(self, fixmedins_code: str, first: int, last: int) -> Sequence[MonthOf]:
        """What came of an institution's advices."""
        async with self._store.read() as work:
            return await work.advices.months(fixmedins_code, first, last)

    async def set_quality(
        self, stamp: RequestStamp, quality: Quality, now: datetime, encode: Callable[[Quality], bytes]
    ) -> bytes:
        """Keeps a result of quality control, of the modality that stands for those that are alike; REQUEST_ID_REUSED."""
        kept = replace(quality, modality=self._tables.modality_of(quality.modality))

        async def act(work: Unit) -> Entry:
            if kept.modality and kept.modality not in self._modalities:
                raise invalid("quality.modality", "entry.modality", "no modality of DICOM")
            await work.quality.put(kept)
            return await _journalled(work, stamp, encode(kept), now)

        stored: Entry = await self._frame.once(stamp, act, as_it_stands)
        return stored.response

    async def quality(self, fixmedins_code: str) -> Sequence[Quality]:
        """All results of an institution, by modality and day."""
        async with self._store.read() as work:
            found = await work.quality.of([fixmedins_code])
        return sorted(found, key=lambda each: (each.modality, each.from_day))


async def _journalled(work: Unit, stamp: RequestStamp, answer: bytes, now: datetime) -> Entry:
    entry = Entry(stamp, answer, now)
    await work.journal.add(entry)
    return entry


async def _find(work: Unit, stamp: RequestStamp) -> Entry | None:
    return await work.journal.find(stamp)


def fits(asked_code: str, asked_name: str, item_name: str) -> Callable[[Examination], bool]:
    """Which examinations 5401 asks for: of an institution by code, else by the name that its reports tell, and, where no item is
    asked by code, of an item by its name."""

    def fit(found: Examination) -> bool:
        report = found.report
        if asked_code and found.fixmedins_code != asked_code:
            return False
        if not asked_code and asked_name and (report is None or report.organisation != asked_name):
            return False
        return not item_name or (report is not None and item_name in _names(report))

    return fit


def _names(report: Report) -> set[str]:
    return {report.name, *(each.name for each in report.items)}
