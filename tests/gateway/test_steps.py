"""What a refusal tells to do next: nothing that bills, registers or opens a second time what stands already."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.national.refusals import LIMIT, refusal
from gateway.problems import problem
from services.kernel.errors import Fault, FaultKind, conflict
from services.runtime.texts.gateway import NEXT_STEPS, RULES, STEPS, next_step
from services.runtime.texts.table import TEXTS
from services.settlement.domain.care.moments import FeeMoment, check_standing_fees, fee_window
from tests.gateway.conftest import Scene, envelope
from tests.gateway.test_national import BILL

SERVICES = Path(__file__).resolve().parents[2] / "services"
CONFLICT = re.compile(r'\b(?:conflict\(|FaultKind\.CONFLICT,)\s*"([A-Z_]+)"')
CHINESE = re.compile(r"[\u4e00-\u9fff]")
LONGEST = 30
DAY = timedelta(days=1)

# Where the step of the kind would lead to a second bill, a second record, or the same refusal for ever.
DANGEROUS = {
    "BATCH_SETTLED": FaultKind.CONFLICT,
    "FEE_LINE_EXISTS": FaultKind.CONFLICT,
    "REQUEST_ID_REUSED": FaultKind.CONFLICT,
    "PERSON_EXISTS": FaultKind.CONFLICT,
    "CERTIFICATE_TAKEN": FaultKind.CONFLICT,
    "LEDGER_OPEN": FaultKind.CONFLICT,
    "CREDENTIAL_ACTIVE": FaultKind.CONFLICT,
    "EC_TOKEN_SPENT": FaultKind.PRECONDITION,
    "STAY_OPEN": FaultKind.PRECONDITION,
    "SETTLEMENT_REFUNDED": FaultKind.PRECONDITION,
    "MESSAGE_VOIDED": FaultKind.PRECONDITION,
    "NOT_REVERSIBLE": FaultKind.PRECONDITION,
    "FEE_SUM_MISMATCH": FaultKind.PRECONDITION,
    "SPLIT_CHANGED": FaultKind.PRECONDITION,
    "SETTLEMENT_NOT_FOUND": FaultKind.NOT_FOUND,
    "ENCOUNTER_NOT_FOUND": FaultKind.NOT_FOUND,
    "CHARGE_BATCH_NOT_FOUND": FaultKind.NOT_FOUND,
    "FEE_LINE_NOT_FOUND": FaultKind.NOT_FOUND,
    "BODY_TOO_LARGE": FaultKind.EXHAUSTED,
    "MESSAGE_TOO_LARGE": FaultKind.EXHAUSTED,
}
# Nothing stands under these, or it is the number itself that is taken.
MAY_TAKE_ANOTHER_NUMBER = {
    "REQUEST_ID_REUSED",
    "MESSAGE_VOIDED",
    "ANSWER_NOT_REPEATABLE",
    "CODE_UNKNOWN",
    "CODE_EXPIRED",
    "CODE_USED",
    "BODY_TOO_LARGE",
    "MESSAGE_TOO_LARGE",
}


def conflicts() -> set[str]:
    """Every reason that code raises as a conflict."""
    return {reason for file in SERVICES.rglob("*.py") for reason in CONFLICT.findall(file.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("reason", sorted(TEXTS))
def test_every_reason_has_a_step_in_both_languages_and_none_repeats_business(reason: str) -> None:
    if reason in DANGEROUS:
        assert reason in STEPS
    for kind in FaultKind:
        fault = Fault(kind, reason)
        chinese, english = next_step(fault, "zh"), next_step(fault, "en")
        assert CHINESE.search(chinese)
        assert english.isascii()
        assert not chinese.endswith("。")
        assert not english.endswith(".")
        if reason not in MAY_TAKE_ANOTHER_NUMBER:
            assert not re.search(r"新的?(msgid|编号)", chinese)
            assert "更换编号" not in chinese
            assert not re.search(r"\bnew (msgid|number)", english)


def test_every_dangerous_reason_and_every_step_is_of_a_reason_or_rule_that_there_is() -> None:
    assert DANGEROUS.keys() <= TEXTS.keys()
    assert STEPS.keys() <= TEXTS.keys() | RULES.keys()


def test_every_conflict_has_a_step_of_its_own() -> None:
    found = conflicts()
    assert {"BATCH_SETTLED", "FEE_LINE_EXISTS", "REQUEST_ID_REUSED", "RECORD_OVERLAPS"} <= found
    assert found - STEPS.keys() == set()


def test_no_kind_tells_to_send_under_another_number() -> None:
    for chinese, english in NEXT_STEPS.values():
        assert "更换" not in chinese
        assert "another" not in english


@pytest.mark.parametrize(("reason", "kind"), DANGEROUS.items())
def test_the_step_is_never_left_out_for_want_of_room(reason: str, kind: FaultKind) -> None:
    names = re.findall(r"\{(\w+)\}", TEXTS[reason][0])
    fault = Fault(kind, reason, dict.fromkeys(names, "9" * LONGEST))
    said = refusal(fault, None)
    assert said.endswith(next_step(fault, "zh"))
    assert len(said) <= LIMIT


async def test_a_bill_settled_already_is_to_be_queried_and_not_uploaded_again(scene: Scene) -> None:
    fault = conflict("BATCH_SETTLED", chrg_bchno="B0001", setl_id="990000002")
    scene.mesh.answers["Settle"] = fault
    said = (await scene.send(envelope("2207", {"data": BILL})))["err_msg"]
    assert said == (
        "[BATCH_SETTLED] 收费批次B0001已结算，结算编号990000002。"
        "请以结算编号或原结算报文的msgid用5203查询，勿再上传同一费用"
    )
    told = problem(fault).body.decode()
    assert "5203" in told
    assert "do not upload the same charges again" in told
    assert "another number" not in told


async def test_what_is_too_large_is_to_be_split(scene: Scene) -> None:
    scene.mesh.answers["UploadFees"] = Fault(FaultKind.EXHAUSTED, "MESSAGE_TOO_LARGE", {"limit_bytes": "4194304"})
    said = (await scene.send(envelope("2204", {"feedetail": [{"feedetl_sn": "1"}]})))["err_msg"]
    assert "请拆分上传" in said
    assert "相同msgid" not in said


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("digits", [3, 17, 30])
@pytest.mark.parametrize("path", ["dscginfo.endtime", "mdtrtinfo.begntime"])
def test_fees_outside_an_encounter_are_told_in_words_however_long_their_numbers(
    count: int, digits: int, path: str
) -> None:
    begin, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)
    late = path == "dscginfo.endtime"
    moments = [FeeMoment(f"{n:0{digits}}", (end if late else begin) + (1 if late else -3) * DAY) for n in range(count)]
    with pytest.raises(Fault) as caught:
        check_standing_fees(moments, fee_window(begin, end if late else None, end + 9 * DAY), path)
    said = refusal(caught.value, None)
    moment = "2026-03-05 08:00:00" if late else "2026-02-26 08:00:00"
    assert f"{path} {count}条" in said
    assert f"首条{moment}" in said
    assert moments[0].feedetl_sn in said
    assert said.endswith(next_step(caught.value, "zh"))
