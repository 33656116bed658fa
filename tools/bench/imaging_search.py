"""Searches of the index through the gateway's door: by person, UID, accession number, the first and a deep page of an own list,
as the index grows; and whether the time of an answer tells that there is a study. Beside them the same questions to an Orthanc.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from statistics import median
from typing import Final

from tools.bench import imaging_made, imaging_orthanc, report
from tools.bench.imaging_asking import Asked, Door, Question, Took, measured, told
from tools.bench.imaging_desk import STUDIES_OF, Desk, desk
from tools.bench.measures import Terms

MOST_MS: Final = 4.0
"""Processor time of a search by person, through gateway, gRPC, consent and audit."""
MOST_GROWTH: Final = 1.5
"""That at the most studies beside that at the fewest."""
MOST_PAGE_MS: Final = 10.0
MOST_APART: Final = 0.05
"""Between the medians of answers of none and of somebody else's."""
PAGE: Final = 25
PERSON, UID = "by person", "by StudyInstanceUID"
ACCESSION: Final = "own list, AccessionNumber"
FIRST, DEEP, DEEP_OF_DAYS = "own list, first page", "own list, deep page", "own list by days, deep page"
_DEPTH: Final = 30
"""The deep page begins so many studies before the end of the list."""
FEWEST: Final = 1_000
_COUNTS, _QUICK_COUNTS = (FEWEST, 10_000, 100_000, 1_000_000), (FEWEST, 10_000)
_RUNS, _ASKED, _QUICK_ASKED = 3, 300, 60
_ANSWERS, _QUICK_ANSWERS = 2_000, 500
_TRACES: Final = 0.05
_NONE: Final = "2.25.78467111459673040331395583335159200399"


def searches(terms: Terms) -> None:
    """At 10^3 to 10^6 studies, on each database; then Orthanc's beside those of the first."""
    quick, beside = terms.runs == 1, None
    for database in terms.databases:
        choice = terms.choice(database, _TRACES)
        print(report.heading(f"searches by QIDO-RS, {choice}"))
        with desk(choice) as few, desk(choice) as at:
            few.fill(FEWEST)
            figures = {count: _at(few, at, count, quick=quick) for count in (_QUICK_COUNTS if quick else _COUNTS)}
            _existence(at, _QUICK_ANSWERS if quick else _ANSWERS)
        beside = beside or figures
    imaging_orthanc.beside(beside or {}, quick=quick)


def _at(few: Desk, at: Desk, count: int, *, quick: bool) -> Mapping[str, Took]:
    """Figures at so many studies, in turn with those of a mesh that stays at the fewest."""
    begun = time.perf_counter()
    at.fill(count)
    print(
        f"   {count:,} studies, {at.listed:,} in the own list (filled in {time.perf_counter() - begun:.0f} s)", end=""
    )
    few.heard()
    asked = [Asked(each.subject.port, each.subject.serving_pids, _questions(each)) for each in (few, at)]
    least, most = measured(asked, _RUNS, _QUICK_ASKED if quick else _ASKED)
    print(f", load {os.getloadavg()[0]:.1f}")
    for name, took in most.items():
        print(told(name, took, f"   {took.cpu_ms / least[name].cpu_ms:.2f}× that at {FEWEST:,}"), flush=True)
    person, growth = most[PERSON].cpu_ms, most[PERSON].cpu_ms / least[PERSON].cpu_ms
    first, deep, of_days = (most[name].cpu_ms for name in (FIRST, DEEP, DEEP_OF_DAYS))
    print(
        f"     must: by person ≤ {MOST_MS:g} ms {_held(person <= MOST_MS)},"
        f" growth ≤ {MOST_GROWTH:g} {_held(growth <= MOST_GROWTH)},"
        f" pages ≤ {MOST_PAGE_MS:g} ms {_held(max(first, deep, of_days) <= MOST_PAGE_MS)},"
        f" the deep page {deep / first:.2f}× the first",
        flush=True,
    )
    return most


def _questions(at: Desk) -> Mapping[str, Sequence[Question]]:
    """By kind, those of a round."""
    persons = [
        Question(f"studies?PatientID={each.patient_id}&limit={PAGE}", each.token, STUDIES_OF) for each in at.sittings
    ]
    studies = [Question(f"studies?StudyInstanceUID={each.study_uid}", each.token, 1) for each in at.sittings]
    own = at.own_token
    deep = f"studies?limit={PAGE}&offset={at.listed - _DEPTH}"
    days = f"{imaging_made.FIRST_DAY:%Y%m%d}-{imaging_made.FIRST_DAY + timedelta(days=imaging_made.DAYS):%Y%m%d}"
    return {
        PERSON: persons,
        UID: studies,
        f"own list, {UID.removeprefix('by ')}": [Question(f"studies?StudyInstanceUID={at.own_uid}", own, 1)],
        ACCESSION: [Question(f"studies?AccessionNumber={at.own_accession}", own, 1)],
        FIRST: [Question(f"studies?limit={PAGE}", own, PAGE)],
        DEEP: [Question(deep, own, PAGE)],
        DEEP_OF_DAYS: [Question(f"{deep}&StudyDate={days}", own, PAGE)],
    }


def _existence(at: Desk, answers: int) -> None:
    """Medians of answers about somebody else's study and about none, asked in turns that nobody foresees."""
    at.heard()
    token, door, chance = at.sittings[0].token, Door(at.subject.port), random.Random(1)
    took: dict[str, list[float]] = {at.foreign_uid: [], _NONE: []}
    try:
        for _ in range(answers):
            for uid in chance.sample(sorted(took), 2):
                begun = time.perf_counter()
                door.ask(Question(f"studies?StudyInstanceUID={uid}", token, 0))
                took[uid].append((time.perf_counter() - begun) * 1e3)
    finally:
        door.close()
    theirs, none = median(took[at.foreign_uid]), median(took[_NONE])
    apart = abs(theirs - none) / none
    print(
        f"   medians of {answers:,} answers: somebody else's {theirs:.2f} ms, none {none:.2f} ms, {apart:.1%} apart"
        f" (less than {MOST_APART:.0%}): {_held(apart < MOST_APART)}",
        flush=True,
    )


def _held(holds: bool) -> str:
    return "held" if holds else "NOT held"
