"""Advice on planned examinations: who is told what, what is recorded, and what reports of institutions add to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

import pytest

from services.imaging.domain.advice import AdviceDecision, Choice, Count, RepeatReason
from services.imaging.domain.audit import AccessOutcome
from services.imaging.domain.priors import Examination
from services.imaging.domain.quality import Quality
from services.imaging.domain.recognition import Ground, Verdict
from services.imaging.domain.reports import Picture
from services.imaging.domain.scopes import Scope
from services.imaging.domain.sessions import GrantDecision, Reader
from services.imaging.operations.recognising import WhoAsks, fits
from services.imaging.operations.reporting import BEGIN, ReportResult
from services.imaging.servicer.recognition import RecognitionServicer
from services.kernel.elsewhere import cell_unavailable
from services.kernel.errors import Fault, FaultKind
from tests.imaging.conftest import House, key_of
from tests.imaging.entries import HOSPITAL, NOON, OTHER_NODE, OTHER_PSN_NO, PSN_NO, move, uid, upsert, withdrawal
from tests.imaging.recognising import CT, ELSEWHERE, PLANNED, REPORT, Desk
from yibao.imaging.v1 import entry_pb2, recognition_pb2

MARKED: Mapping[str, Any] = {"recognition": entry_pb2.RECOGNITION_RANGE_NATION, "item_code": CT}


@pytest.fixture
async def desk(small_house: House) -> Desk:
    """The person has a marked chest CT at a node that is heard; nobody may read yet."""
    made = Desk(small_house)
    await small_house.upload(upsert(1, **MARKED))
    await made.node_is_heard()
    return made


async def test_a_recent_equal_examination_is_recognisable_with_its_grounds(desk: Desk) -> None:
    desk.let()
    _, (prior,) = await desk.advise()
    assert (prior.study_uid, prior.prior.fixmedins_code) == (uid(1), HOSPITAL)
    assert prior.judgement.verdict is Verdict.RECOGNISABLE
    assert Ground.RANGE_COVERS in prior.judgement.grounds


async def test_without_a_grant_the_same_is_known_as_of_nobody_and_both_stand_in_the_log(desk: Desk) -> None:
    assert [(await desk.advise(psn_no=each))[1] for each in (PSN_NO, "99000000000000009999")] == [(), ()]
    assert desk.cells.asked == ["found", "found"]
    one, other = desk.log.entries
    assert replace(one, detail="") == replace(other, detail="")
    assert (one.outcome, one.person_key, one.organisation, one.reader) == (AccessOutcome.REFUSED, None, ELSEWHERE, "D1")
    assert PSN_NO not in one.detail
    (month,) = await desk.books.months(ELSEWHERE, 202603, 202603)
    assert month.counts == {Count.WITHOUT: 2}


async def test_an_advice_is_in_the_audit_log_with_the_grant_it_was_given_under(desk: Desk) -> None:
    desk.let()
    advice_no, _ = await desk.advise()
    (entry,) = desk.log.entries
    assert (entry.outcome, entry.grant_no, entry.person_key) == (AccessOutcome.SUCCESS, f"G{PSN_NO}", key_of(PSN_NO))
    assert entry.detail == f"advice {advice_no}: 1"


async def test_what_cannot_be_logged_is_not_answered_and_counts_nowhere(desk: Desk) -> None:
    desk.let()
    desk.log.broken = Fault(FaultKind.UNAVAILABLE, "AUDIT_UNAVAILABLE")
    with pytest.raises(Fault, match="AUDIT_UNAVAILABLE"):
        await desk.advise()
    assert not await desk.books.months(ELSEWHERE, 202603, 202603)


async def test_a_cell_that_is_away_is_told_and_not_taken_for_a_person_without_examinations(desk: Desk) -> None:
    desk.cells.away = cell_unavailable("110000")
    with pytest.raises(Fault, match="CELL_UNAVAILABLE"):
        await desk.advise()


@pytest.mark.parametrize("said", [GrantDecision(), GrantDecision(Scope(), key_of("another")), GrantDecision(away=True)])
async def test_a_grant_that_ended_since_or_is_anothers_lets_nobody_ask(desk: Desk, said: GrantDecision) -> None:
    desk.let()

    async def decided(reader: Reader, grant_nos: Sequence[str]) -> Sequence[GrantDecision]:
        return [said]

    desk.cells.decided = decided  # type: ignore[method-assign]
    if said.away:
        with pytest.raises(Fault, match="CELL_UNAVAILABLE"):
            await desk.advise()
    else:
        assert (await desk.advise())[1] == ()


SCOPES: Final = (
    (Scope(), 1),
    (Scope(frozenset({"MR"})), 0),
    (Scope(study_uid=uid(1)), 1),
    (Scope(study_uid=uid(2)), 0),
    (Scope(hidden_studies=frozenset({uid(1)})), 0),
    (Scope(hidden_institutions=frozenset({HOSPITAL})), 0),
)


async def test_only_what_the_person_lets_be_seen_is_advised(desk: Desk) -> None:
    await desk.report()
    for scope, seen in SCOPES:
        desk.let(scope)
        assert len((await desk.advise())[1]) == seen, scope


async def test_a_node_that_is_silent_leaves_it_to_the_doctor(small_house: House) -> None:
    desk = Desk(small_house)
    await small_house.upload(upsert(1, **MARKED))
    desk.let()
    _, (prior,) = await desk.advise()
    assert (prior.judgement.verdict, Ground.IMAGE_AWAY in prior.judgement.grounds) == (Verdict.UNKNOWN, True)


async def test_a_report_tells_the_item_that_the_node_does_not(small_house: House) -> None:
    desk = Desk(small_house)
    await small_house.upload(upsert(1, recognition=entry_pb2.RECOGNITION_RANGE_NATION, body_part=""))
    await desk.node_is_heard()
    desk.let()
    _, (before,) = await desk.advise()
    assert {Ground.ITEM_NOT_TOLD, Ground.PART_NOT_TOLD} <= set(before.judgement.grounds)
    assert await desk.report() is ReportResult.ACCEPTED
    _, (after,) = await desk.advise()
    assert (after.judgement.verdict, after.report_no, after.study_uid) == (Verdict.RECOGNISABLE, "R1", uid(1))


async def test_a_report_without_a_study_at_a_node_is_found_and_left_to_the_doctor(small_house: House) -> None:
    desk = Desk(small_house)
    desk.let()
    await desk.report()
    _, (prior,) = await desk.advise()
    assert (prior.study_uid, prior.report_no, prior.judgement.verdict) == ("", "R1", Verdict.UNKNOWN)
    assert {Ground.IMAGE_OFFLINE, Ground.RANGE_NOT_TOLD} <= set(prior.judgement.grounds)


async def test_a_report_alone_is_hidden_as_its_study_would_be(small_house: House) -> None:
    desk = Desk(small_house)
    await desk.report()
    for scope, seen in SCOPES:
        desk.let(scope)
        assert len((await desk.advise())[1]) == seen, scope


async def test_a_copy_of_another_day_advises_nothing_of_a_hidden_institution(small_house: House) -> None:
    desk = Desk(small_house)
    await small_house.upload(upsert(1, study_date="20200101"))
    copy = upsert(1, 1, fixmedins_code="H99010000002", **MARKED)
    await small_house.upload(copy, node_no=OTHER_NODE.node_no)
    desk.let()
    assert len((await desk.advise())[1]) == 1
    desk.let(Scope(hidden_institutions=frozenset({HOSPITAL})))
    assert (await desk.advise())[1] == ()


async def test_a_report_goes_with_the_study_that_its_node_took_out(desk: Desk) -> None:
    desk.let()
    await desk.report()
    await desk.house.upload(withdrawal(2, 1, 2))
    assert (await desk.advise())[1] == ()
    await desk.house.upload(upsert(3, 1, 3, **MARKED))
    assert len((await desk.advise())[1]) == 1


async def test_a_report_whose_study_is_another_persons_by_now_is_not_shown(desk: Desk) -> None:
    desk.let()
    await desk.report()
    await desk.house.upload(move(2, 1, 2))
    assert (await desk.advise())[1] == ()
    await desk.house.upload(upsert(1, 1, **MARKED), node_no=OTHER_NODE.node_no)
    assert (await desk.advise())[1] == ()


async def test_a_report_of_another_institution_says_nothing_of_a_study(desk: Desk) -> None:
    desk.let()
    await desk.report(replace(REPORT, fixmedins_code="H99030000001"))
    assert sorted((each.study_uid, each.report_no) for each in (await desk.advise())[1]) == [("", "R1"), (uid(1), "")]


async def test_sides_of_series_and_quality_control_are_looked_at(desk: Desk) -> None:
    knee = upsert(2, **MARKED, body_part="KNEE")
    knee.series[0].laterality = "R"
    await desk.house.upload(knee)
    desk.let()
    left = replace(PLANNED, body_part="左膝")
    grounds = {each.study_uid: each.judgement.grounds for each in (await desk.advise(left))[1]}
    assert Ground.SIDE_OTHER in grounds[uid(2)]
    failed = Quality(HOSPITAL, "CT", date(2026, 1, 1), passed=False)
    await desk.books.set_quality(desk.stamp(), failed, NOON, lambda each: b"")
    assert all(Ground.QUALITY_FAILED in each.judgement.grounds for each in (await desk.advise(left))[1])


async def test_examinations_that_no_rule_lets_stand_any_more_are_not_read(desk: Desk) -> None:
    desk.let()
    assert (await desk.advise(replace(PLANNED, day=date(2027, 3, 5))))[1] == ()


async def test_a_decision_is_recorded_once_and_counted(desk: Desk) -> None:
    desk.let()
    numbers = [(await desk.advise())[0] for _ in range(3)]
    accepted, repeated = (
        Choice(AdviceDecision.ACCEPTED, uid(1)),
        Choice(AdviceDecision.REPEATED, reason=RepeatReason.EMERGENCY),
    )
    assert await desk.decide(numbers[0], accepted, request_id="one") == b"told"
    assert await desk.decide(numbers[0], accepted, request_id="one") == b"told"
    await desk.decide(numbers[0], accepted)
    await desk.decide(numbers[1], repeated)
    with pytest.raises(Fault, match="ADVICE_DECIDED"):
        await desk.decide(numbers[1], accepted)
    with pytest.raises(Fault, match="ADVICE_NOT_FOUND"):
        await desk.decide(numbers[2], accepted, institution=HOSPITAL)
    (month,) = await desk.books.months(ELSEWHERE, 202603, 202603)
    assert (month.counts[Count.OFFERED], month.counts[Count.ACCEPTED]) == (3, 1)
    assert (month.repeated, month.unanswered) == ({RepeatReason.EMERGENCY: 1}, 1)
    asked = recognition_pb2.CountRecognitionsRequest(fixmedins_code=ELSEWHERE, first_month="2026-03")
    (told,) = (await RecognitionServicer(desk.recognising, desk.books).CountRecognitions(asked, None)).months
    assert (told.month, told.offered, told.accepted, told.unanswered) == ("2026-03", 3, 1, 1)
    (reason,) = told.repeated
    assert (reason.repeat_reason, reason.count) == (recognition_pb2.REPEAT_REASON_EMERGENCY, 1)


async def test_a_decision_on_an_advice_without_examinations_is_kept_and_not_counted(desk: Desk) -> None:
    number, _ = await desk.advise()
    await desk.decide(number, Choice(AdviceDecision.REPEATED, reason=RepeatReason.OTHER_NEED))
    (month,) = await desk.books.months(ELSEWHERE, 202603, 202603)
    assert (month.counts, month.unanswered) == ({Count.WITHOUT: 1}, 0)


async def test_5401_lists_what_nothing_speaks_against_and_keeps_every_condition(desk: Desk) -> None:
    desk.let()
    await desk.house.upload(upsert(2, **MARKED, study_date="20200101"), upsert(3, study_date="20260302"))
    await desk.report()
    asked = WhoAsks(ELSEWHERE, "0001", PSN_NO)
    plain = replace(PLANNED, item_code="", body_part="")

    async def found(planned: Any = plain, **names: str) -> list[str]:
        told = {"asked_code": "", "asked_name": "", "item_name": ""} | names
        listed = await desk.recognising.recognisable(asked, planned, fits(**told))
        return [each.study_uid for each, _ in listed]

    assert await found() == [uid(1)]
    assert await found(asked_code=HOSPITAL) == [uid(1)]
    assert await found(asked_code="H99030000001") == []
    assert await found(asked_name="测试医院") == [uid(1)]
    assert await found(asked_name="别的医院") == []
    assert await found(item_name="CT平扫") == [uid(1)]
    assert await found(item_name="MR平扫") == []
    assert await found(replace(plain, item_code="002102009010000")) == []


async def test_5402_tells_a_report_by_its_institution_and_number(desk: Desk) -> None:
    await desk.report()
    asked = WhoAsks(ELSEWHERE, "0001", PSN_NO)

    async def found(code: str = HOSPITAL, number: str = "R1") -> Examination | None:
        told = await desk.recognising.report(asked, PLANNED, code, number)
        return None if told is None else told[0]

    assert await found() is None
    desk.let()
    told = await found()
    assert told is not None
    assert told.report == REPORT
    assert await found(number="R2") is None
    assert await found(code=ELSEWHERE) is None


async def test_a_report_is_kept_once_corrected_moved_and_taken_out(small_house: House) -> None:
    desk = Desk(small_house)
    assert await desk.report(request_id="one") is ReportResult.ACCEPTED
    assert await desk.report(request_id="one") is ReportResult.ACCEPTED
    assert await desk.report() is ReportResult.UNCHANGED
    assert await desk.report(replace(REPORT, conclusion="未见异常")) is ReportResult.ACCEPTED
    assert await desk.report(psn_no=OTHER_PSN_NO) is ReportResult.ACCEPTED
    listed = await desk.reporting.listed(HOSPITAL, BEGIN, 10)
    assert listed.entries == (REPORT,)
    with pytest.raises(Fault, match="REPORT_NOT_FOUND"):
        await desk.reporting.withdraw(desk.stamp(), lambda: REPORT, PSN_NO, NOON, lambda each: bytes([each]))
    taken = await desk.reporting.withdraw(desk.stamp(), lambda: REPORT, OTHER_PSN_NO, NOON, lambda each: bytes([each]))
    assert ReportResult(taken[0]) is ReportResult.WITHDRAWN
    assert not (await desk.reporting.listed(HOSPITAL, BEGIN, 10)).entries


WRONG: Final = (
    (replace(REPORT, report_no=""), "examinfo.rpotc_no", "entry.needed"),
    (replace(REPORT, day=""), "examinfo.exam_date", "entry.needed"),
    (replace(REPORT, day="18940101"), "examinfo.exam_date", "entry.day"),
    (replace(REPORT, day="20260307"), "examinfo.exam_date", "entry.day_to_come"),
    (replace(REPORT, pictures=(Picture("1.02"),)), "imageinfo[0].study_uid", "entry.uid"),
    (replace(REPORT, pictures=(Picture(uid(1)), Picture(uid(1)))), "imageinfo[1].study_uid", "entry.twice"),
    (replace(REPORT, pictures=(Picture(uid(1), "X光机"),)), "imageinfo[0].modality", "entry.modality"),
)


async def test_a_report_that_cannot_be_is_refused_by_its_field_and_nothing_is_kept(small_house: House) -> None:
    desk = Desk(small_house)
    for report, path, rule in WRONG:
        with pytest.raises(Fault) as caught:
            await desk.report(report)
        assert [(each.path, each.rule) for each in caught.value.violations] == [(path, rule)]
    assert not (await desk.reporting.listed(HOSPITAL, BEGIN, 10)).entries


async def test_a_shown_code_lets_the_institution_ask_once_for_each_message(small_house: House) -> None:
    desk = Desk(small_house)
    await desk.report()
    assert (await desk.advise())[1] == ()
    stamp = desk.stamp("m1", "c")
    for _ in range(2):
        told = await desk.reporting.authorise(
            stamp, ELSEWHERE, PSN_NO, PSN_NO, NOON, lambda each: each.grant_no.encode()
        )
        assert told == f"G{PSN_NO}".encode()
    assert len(desk.cells.proofs) == 1
    assert len((await desk.advise())[1]) == 1
    with pytest.raises(Fault, match="INVALID_REQUEST"):
        await desk.reporting.authorise(desk.stamp(), ELSEWHERE, "", PSN_NO, NOON, lambda each: b"")
    with pytest.raises(Fault, match="EC_TOKEN_WRONG_PERSON"):
        await desk.reporting.authorise(desk.stamp(), ELSEWHERE, PSN_NO, OTHER_PSN_NO, NOON, lambda each: b"")
