"""Reports, advices, months and quality control as rows, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import pytest

from services.imaging.domain.advice import (
    AdviceDecision,
    Choice,
    Count,
    KeptAdvice,
    RepeatReason,
    counted_choice,
    decided,
)
from services.imaging.domain.quality import Quality, passed
from services.imaging.domain.recognition import Planned, Verdict
from services.imaging.domain.reports import KeptReport, Picture, Report, ReportItem
from services.imaging.store.unit import ImagingStore
from services.kernel.errors import Fault
from tests.imaging.conftest import key_of
from tests.imaging.entries import HOSPITAL, NOON, PSN_NO, uid

REPORT: Final = Report(
    *(HOSPITAL, "R1", "20260301", "20260302", "01", "胸部CT", "胸部", "1", "2", "右肺上叶结节"),
    organisation="测试医院",
    doctor="李四",
    items=(ReportItem("002103009010000", "CT平扫"),),
    pictures=(Picture(uid(1), "CT"), Picture(uid(2))),
)
BARE: Final = Report(HOSPITAL, "R2", "20260228")
PLANNED: Final = Planned(HOSPITAL, date(2026, 3, 5), "002103009010000", "", "CHEST", "CT", acute=True)
ADVICE: Final = KeptAdvice(
    "A1", HOSPITAL, NOON, "D1", PLANNED, ((uid(1), "R1", Verdict.RECOGNISABLE), ("", "R2", Verdict.UNKNOWN))
)


async def test_reports_are_found_by_number_by_person_and_in_their_institutions_list(store: ImagingStore) -> None:
    key = key_of(PSN_NO)
    kept = [KeptReport(each, key, bytes(16)) for each in (REPORT, BARE)]
    async with store.write() as work:
        for each in kept:
            await work.reports.put(each, stood=False)
        await work.reports.put(KeptReport(replace(BARE, report_no="R3"), key_of("other"), b"h"), stood=False)
    async with store.read() as work:
        assert await work.reports.find(HOSPITAL, "R1") == kept[0]
        assert await work.reports.find(HOSPITAL, "R9") is None
        assert await work.reports.of_person(key, 0, 10) == kept
        assert await work.reports.of_person(key, REPORT.started, 10) == kept[:1]
        assert await work.reports.of_person(key, 0, 1) == kept[:1]
        listed = await work.reports.own(HOSPITAL, (2**31 - 1, 0), 9)
        assert sorted(each.report.report_no for each in listed) == ["R1", "R2", "R3"]
        assert listed[0] == kept[0]
        middle = listed[1].report
        assert await work.reports.own(HOSPITAL, (middle.started, middle.place), 9) == listed[2:]
    corrected = KeptReport(replace(REPORT, body_part="腹部", pictures=()), key, b"2")
    async with store.write() as work:
        await work.reports.put(corrected, stood=True)
        await work.reports.drop(HOSPITAL, "R2")
    async with store.read() as work:
        assert await work.reports.of_person(key, 0, 10) == [corrected]


async def test_an_advice_is_decided_once_and_counted_in_its_month(store: ImagingStore) -> None:
    choice = Choice(AdviceDecision.REPEATED, reason=RepeatReason.EMERGENCY, memo="急诊")
    answered = decided(ADVICE, HOSPITAL, "A1", choice, NOON)
    async with store.write() as work:
        await work.advices.add(ADVICE)
        for _ in range(2):
            await work.advices.count(HOSPITAL, ADVICE.month, Count.OFFERED)
        assert await work.advices.find("A1") == ADVICE
        assert await work.advices.decide(answered)
        assert not await work.advices.decide(answered)
        await work.advices.count(HOSPITAL, ADVICE.month, counted_choice(choice))
    async with store.read() as work:
        assert await work.advices.find("A1") == answered
        assert await work.advices.find("A2") is None
        (month,) = await work.advices.months(HOSPITAL, 202601, 202612)
        assert (month.month, month.repeated, month.unanswered) == (202603, {RepeatReason.EMERGENCY: 1}, 1)
        assert not await work.advices.months(HOSPITAL, 202604, 202612)


async def test_quality_control_counts_from_a_day_until_the_next_result(store: ImagingStore) -> None:
    results = [
        Quality(HOSPITAL, "", date(2025, 1, 1), passed=True),
        Quality(HOSPITAL, "CT", date(2026, 1, 1), passed=True),
        Quality(HOSPITAL, "CT", date(2026, 2, 1), passed=False),
    ]
    async with store.write() as work:
        await work.quality.put(replace(results[1], passed=False))
        for each in results:
            await work.quality.put(each)
    async with store.read() as work:
        kept = await work.quality.of([HOSPITAL, "H99010000009"])
        assert set(kept) == set(results)
        assert await work.quality.of([]) == ()
    states = {
        day: passed(kept, HOSPITAL, ["CT"], day) for day in (date(2024, 12, 31), date(2026, 1, 31), date(2026, 2, 1))
    }
    assert list(states.values()) == [None, True, False]
    assert passed(kept, HOSPITAL, ["MR"], date(2026, 2, 1)) is True
    assert passed(kept, HOSPITAL, [], date(2026, 2, 1)) is True
    assert passed(kept, "H99010000009", ["CT"], date(2026, 2, 1)) is None


@pytest.mark.parametrize(
    ("advice", "institution", "choice", "reason"),
    [
        (None, HOSPITAL, Choice(AdviceDecision.ACCEPTED, uid(1)), "ADVICE_NOT_FOUND"),
        (ADVICE, "H99010000009", Choice(AdviceDecision.ACCEPTED, uid(1)), "ADVICE_NOT_FOUND"),
        (ADVICE, HOSPITAL, Choice(AdviceDecision.ACCEPTED, uid(9)), "INVALID_REQUEST"),
        (ADVICE, HOSPITAL, Choice(AdviceDecision.ACCEPTED, uid(1), "R2"), "INVALID_REQUEST"),
        (ADVICE, HOSPITAL, Choice(AdviceDecision.ACCEPTED), "INVALID_REQUEST"),
        (replace(ADVICE, listed=()), HOSPITAL, Choice(AdviceDecision.ACCEPTED, uid(1)), "INVALID_REQUEST"),
        (
            replace(ADVICE, choice=Choice(AdviceDecision.ACCEPTED, uid(1)), decided_at=NOON),
            *(HOSPITAL, Choice(AdviceDecision.REPEATED, reason=RepeatReason.EMERGENCY), "ADVICE_DECIDED"),
        ),
    ],
)
def test_what_cannot_be_decided_on_an_advice(
    advice: KeptAdvice | None, institution: str, choice: Choice, reason: str
) -> None:
    with pytest.raises(Fault) as caught:
        decided(advice, institution, "A1", choice, NOON)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("choice", "path"),
    [
        (Choice(AdviceDecision.ACCEPTED, uid(9)), "accepted.study_uid"),
        (Choice(AdviceDecision.ACCEPTED, uid(9), "R2"), "accepted.study_uid"),
        (Choice(AdviceDecision.ACCEPTED, uid(1), "R2"), "accepted.report_no"),
        (Choice(AdviceDecision.ACCEPTED, report_no="R9"), "accepted.report_no"),
        (Choice(AdviceDecision.ACCEPTED), "accepted.study_uid"),
    ],
)
def test_what_is_not_of_the_advice_is_named_by_its_own_field(choice: Choice, path: str) -> None:
    with pytest.raises(Fault) as caught:
        decided(ADVICE, HOSPITAL, "A1", choice, NOON)
    assert [each.path for each in caught.value.violations] == [path]


def test_the_same_decision_again_is_the_same_and_either_number_names_what_is_accepted() -> None:
    first = decided(ADVICE, HOSPITAL, "A1", Choice(AdviceDecision.ACCEPTED, report_no="R2"), NOON)
    assert (
        decided(first, HOSPITAL, "A1", Choice(AdviceDecision.ACCEPTED, report_no="R2"), NOON + timedelta(hours=1))
        == first
    )
    assert decided(ADVICE, HOSPITAL, "A1", Choice(AdviceDecision.ACCEPTED, uid(1)), NOON).decided_at == NOON
