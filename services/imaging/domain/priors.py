"""Prior examinations of a person: studies of nodes and reports of institutions, one out of both where they are the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.imaging.domain.quality import Quality, passed
from services.imaging.domain.recognition import Planned, Prior, wanted_modality
from services.imaging.domain.recognition_tables import INSURANCE, Item, RecognitionTables
from services.imaging.domain.reports import Report
from services.imaging.domain.scopes import Copy, Scope
from services.imaging.domain.studies import Availability, KeptStudy, Series, State, Study

_NO_STUDY: Final = Study("", "19700101")


@dataclass(frozen=True, slots=True)
class Examination:
    """A study at a node, a report, or both."""

    copy: Copy | None = None
    report: Report | None = None

    @property
    def study(self) -> Study:
        """What a node tells; without any of it where none does."""
        return self.copy.study if self.copy is not None else _NO_STUDY

    @property
    def fixmedins_code(self) -> str:
        """The institution that made it."""
        return self.report.fixmedins_code if self.report is not None else self.study.fixmedins_code

    @property
    def study_uid(self) -> str:
        """The study where a node has one."""
        return self.copy.kept.uid if self.copy is not None else ""

    @property
    def report_no(self) -> str:
        """Number of its report, "" for none."""
        return self.report.report_no if self.report is not None else self.study.report_no


def visible(copies: Sequence[Copy], reports: Iterable[Report], scope: Scope) -> list[Examination]:
    """What a reader may see: studies with the report that names them, and reports of which no node has a study. A report goes
    with its studies: where one of them is hidden, it is too.
    """
    by_uid = {each.kept.uid: each for each in copies}
    shown = {each.kept.uid for each in copies if scope.shows(each.kept.uid, each.study)}
    report_of: dict[str, Report] = {}
    alone: list[Examination] = []
    for report in reports:
        uids = [each.study_uid for each in report.pictures]
        at_nodes = [each for each in uids if each in by_uid and _is_of(by_uid[each], report)]
        if not scope.hidden_studies.isdisjoint(uids):
            continue
        if at_nodes:
            report_of |= dict.fromkeys(at_nodes, report)
        elif any(scope.shows(each, _as_study(report)) for each in uids or [""]):
            alone.append(Examination(report=report))
    return [*(Examination(by_uid[uid], report_of.get(uid)) for uid in by_uid if uid in shown), *alone]


def disputed(standing: Iterable[KeptStudy], person_key: bytes) -> frozenset[str]:
    """UIDs under which nodes have, or had, studies and none of this person that may be found: taken out, in conflict, or another
    person's. What a report says of them is not shown either (I§6.8).
    """
    rows = list(standing)
    found = {each.uid for each in rows if each.state is State.ACTIVE and each.person_key == person_key}
    return frozenset(each.uid for each in rows) - found


def prior_of(
    found: Examination,
    planned: Planned,
    tables: RecognitionTables,
    series: Mapping[int, Sequence[Series]],
    results: Sequence[Quality],
) -> Prior:
    """The examination as recognition judges it. Where node and report tell a part, the node's counts if it is known; items of
    both count. Of a report alone nobody told a mark, and its picture lies with the institution.
    """
    copy, study, report = found.copy, found.study, found.report
    modalities = study.modalities or (tuple(tables.modality_of(each) for each in report.modalities) if report else ())
    texts = [text for text in (study.body_part, report.body_part if report is not None else "") if text]
    wanted = wanted_modality(planned, tables)
    day = study.study_date if report is None or copy is not None else report.day
    made = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    judged = (wanted,) if wanted else tuple(tables.modality_of(each) for each in modalities)
    return Prior(
        fixmedins_code=found.fixmedins_code,
        day=made,
        items=_items(study, report),
        body_part=next((each for each in texts if tables.sites_of(each).whole), texts[0] if texts else ""),
        sides=frozenset(each.laterality for each in series.get(copy.kept.ref, ()) if each.laterality)
        if copy
        else frozenset(),
        modalities=modalities,
        marked=study.recognition if copy is not None else None,
        availability=study.availability if copy is not None else Availability.OFFLINE,
        away=copy is not None and not copy.place.up,
        passed=passed(results, found.fixmedins_code, judged, made),
    )


def _items(study: Study, report: Report | None) -> tuple[Item, ...]:
    of_node = [(study.item_system, study.item_code)] if study.item_code else []
    of_report = [(INSURANCE, each.code) for each in report.items if each.code] if report is not None else []
    return tuple(dict.fromkeys((*of_node, *of_report)))


def _is_of(copy: Copy, report: Report) -> bool:
    return copy.study.fixmedins_code == report.fixmedins_code


def _as_study(report: Report) -> Study:
    return Study(report.fixmedins_code, report.day, modalities=report.modalities)
