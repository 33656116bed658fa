"""Bills on a running settlement with its real peers: every method and every reason it documents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from services.kernel.errors import Fault
from services.runtime.call import Caller
from services.runtime.status import from_status
from tests.mesh.harness import OPERATOR_CALLER
from tests.mesh.seeds import INSTITUTION, OPENING_FEN, OTHER_INSTITUTION
from tests.settlement.institution import (
    ELSEWHERE,
    GATEWAY,
    HERE,
    Counter,
    at,
    bill,
    counter_in,
    desk,
    reference,
    reverse_request,
    settle_request,
    stay_bill,
)
from tools.played.people import EMPLOYEE, person
from yibao.common.v1 import codes_pb2, item_pb2
from yibao.settlement.v1 import (
    encounter_pb2,
    fee_pb2,
    ledger_pb2,
    reversal_pb2,
    settlement_pb2,
    settlement_query_pb2,
    stay_bill_pb2,
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """One mesh for the tests of this file."""
    async with counter_in(tmp_path_factory.mktemp("mesh")) as made:
        yield made


async def test_a_visit_is_tried_settled_asked_about_and_reversed(counter: Counter) -> None:
    psn_no = counter.somebody()
    mdtrt_id = await counter.visit(psn_no, 230_000)
    own = codes_pb2.ACCT_USED_FLAG_OWN
    trial = await counter.call(
        "SettlementService.Trial",
        settlement_pb2.TrialRequest(desk=desk(), data=bill(psn_no, mdtrt_id, 230_000, acct_used_flag=own)),
    )
    assert (trial.setlinfo.setl_id, trial.setlinfo.hifp_pay_fen) == ("", 35_000)
    request = settle_request(counter.request_id(), psn_no, mdtrt_id, 230_000, trial.trial_hash, acct_used_flag=own)
    settled = await counter.settle(request)
    info = settled.setlinfo
    assert (info.act_pay_dedc_fen, info.hifp_pay_fen, info.acct_pay_fen) == (180_000, 35_000, 195_000)
    assert (info.balc_fen, info.psn_cash_pay_fen, info.psn_name) == (OPENING_FEN - 195_000, 0, person(1).psn_name)
    assert (info.med_type, info.mdtrt_cert_type) == (codes_pb2.MED_TYPE_OUTPATIENT, codes_pb2.MDTRT_CERT_TYPE_ID_CARD)
    assert (await counter.settle(request)).SerializeToString() == settled.SerializeToString()
    query = settlement_query_pb2.SettlementQuery(psn_no=psn_no, mdtrt_id=mdtrt_id, medins_setl_id=request.desk.msgid)
    found = await counter.call(
        "SettlementService.GetSettlement", settlement_query_pb2.GetSettlementRequest(desk=desk(), data=query)
    )
    assert found.setlinfo == info
    assert (found.record.fixmedins_code, found.record.pay_loc, found.record.year) == (INSTITUTION, "2", "2026")
    assert (found.record.refd_setl_flag, found.counter_setl_id, len(found.layers)) == (False, "", 1)
    assert (found.record.fixmedins_poolarea, found.record.lmtpric_hosp_lv) == ("990100", "3")
    counter_entry = await counter.call("SettlementService.Reverse", reverse_request("2208:R1", info))
    assert counter_entry.setlinfo.medfee_sumamt_fen == -230_000
    account = await counter.call(
        "LedgerService.GetAccount", ledger_pb2.GetAccountRequest(psn_no=psn_no, insutype=EMPLOYEE), OPERATOR_CALLER
    )
    assert account.balance_fen == OPENING_FEN


async def test_a_stay_is_settled_in_between_and_at_the_end_and_reversed(counter: Counter) -> None:
    psn_no = counter.somebody()
    mdtrt_id = await counter.stay(psn_no, 1_000_000)
    trial = await counter.call(
        "SettlementService.TrialStay",
        stay_bill_pb2.TrialStayRequest(desk=desk(), data=stay_bill(psn_no, mdtrt_id, 1_000_000)),
    )
    assert trial.setlinfo.act_pay_dedc_fen == 130_000

    def request(amount: int, **changes: Any) -> stay_bill_pb2.SettleStayRequest:
        request_id = counter.request_id("2304")
        data = stay_bill(psn_no, mdtrt_id, amount, **changes)
        return stay_bill_pb2.SettleStayRequest(request_id=request_id, desk=desk(request_id), data=data)

    assert await counter.reason("SettlementService.SettleStay", request(1_000_000)) == "NOT_DISCHARGED"
    interim = await counter.call("SettlementService.SettleStay", request(1_000_000, mid_setl_flag=True))
    assert interim.setlinfo.act_pay_dedc_fen == 130_000
    await counter.fees("UploadStayFees", fee_pb2.UploadStayFeesRequest, mdtrt_id, psn_no, 100_000)
    await counter.discharge(psn_no, mdtrt_id)
    final = await counter.call("SettlementService.SettleStay", request(100_000))
    assert (final.setlinfo.act_pay_dedc_fen, final.setlinfo.hifp_pay_fen) == (0, 85_000)
    back = reversal_pb2.ReverseStayRequest(request_id="2305:1", desk=desk(), data=reference(interim.setlinfo))
    assert await counter.reason("SettlementService.ReverseStay", back) == "LATER_SETTLEMENT_EXISTS"
    for place, settled in enumerate((final, interim)):
        back = reversal_pb2.ReverseStayRequest(
            request_id=f"2305:R{place}", desk=desk(), data=reference(settled.setlinfo)
        )
        answer = await counter.call("SettlementService.ReverseStay", back)
        assert answer.setlinfo.medfee_sumamt_fen == -settled.setlinfo.medfee_sumamt_fen


@pytest.mark.parametrize(
    "shown",
    [
        {"mdtrt_cert_type": codes_pb2.MDTRT_CERT_TYPE_ID_CARD},
        {"mdtrt_cert_type": codes_pb2.MDTRT_CERT_TYPE_SOCIAL_SECURITY_CARD, "card_sn": "S1"},
    ],
)
async def test_a_stay_admitted_by_number_alone_is_settled(counter: Counter, shown: dict[str, Any]) -> None:
    psn_no = counter.somebody()
    mdtrt_id = await counter.stay(psn_no, 1_000_000, mdtrt_cert_no="", **shown)
    query = encounter_pb2.EncounterQuery(psn_no=psn_no, begntime=at(), endtime=at(), mdtrt_id=mdtrt_id)
    asked = encounter_pb2.ListEncountersRequest(desk=desk(), data=query)
    (told,) = (await counter.call("EncounterService.ListEncounters", asked)).mdtrtinfo
    assert (told.psn_no, told.certno, told.mdtrt_cert_type) == (
        psn_no,
        counter.certno(psn_no),
        shown["mdtrt_cert_type"],
    )
    await counter.discharge(psn_no, mdtrt_id)
    request_id = counter.request_id("2304")
    request = stay_bill_pb2.SettleStayRequest(
        request_id=request_id, desk=desk(request_id), data=stay_bill(psn_no, mdtrt_id, 1_000_000)
    )
    settled = await counter.call("SettlementService.SettleStay", request)
    assert settled.setlinfo.act_pay_dedc_fen == 130_000


async def test_an_admission_without_a_credential_number_names_a_person_and_shows_no_token(counter: Counter) -> None:
    psn_no = counter.somebody()
    by_token = counter.admission(psn_no, mdtrt_cert_type=codes_pb2.MDTRT_CERT_TYPE_EC, mdtrt_cert_no="")
    with pytest.raises(Fault) as caught:
        await counter.call("EncounterService.Admit", by_token)
    (broken,) = caught.value.violations
    assert (caught.value.reason, broken.path, broken.rule) == (
        "INVALID_REQUEST",
        "mdtrtinfo.mdtrt_cert_no",
        "required",
    )
    nobody = counter.admission(psn_no, mdtrt_cert_no="")
    nobody.mdtrtinfo.psn_no = "nobody"
    assert await counter.reason("EncounterService.Admit", nobody) == "PERSON_NOT_FOUND"


async def test_every_documented_refusal_of_a_bill(counter: Counter) -> None:
    psn_no, other = counter.somebody(), counter.somebody()
    mdtrt_id = await counter.visit(psn_no, 5_000)

    async def reason(amount: int = 5_000, **changes: Any) -> str:
        trial_hash = changes.pop("trial_hash", "")
        visit, who = changes.pop("visit", mdtrt_id), changes.pop("who", psn_no)
        request = settle_request(counter.request_id(), who, visit, amount, trial_hash, **changes)
        return await counter.reason("SettlementService.Settle", request)

    assert await reason(5_001) == "FEE_SUM_MISMATCH"
    assert await reason(visit="none") == "ENCOUNTER_NOT_FOUND"
    assert await reason(who=other) == "ENCOUNTER_NOT_FOUND"
    assert await reason(chrg_bchno="7") == "CHARGE_BATCH_NOT_FOUND"
    assert await reason(insutype="390") == "INVALID_REQUEST"
    assert await reason(inscp_scp_amt_fen=4_999) == "SPLIT_CHANGED"
    assert await reason(trial_hash="0" * 64) == "TRIAL_OUTDATED"
    assert await reason(mdtrt_cert_no=counter.certno(other)) == "CERTIFICATE_MISMATCH"
    assert await reason(mdtrt_cert_type=codes_pb2.MDTRT_CERT_TYPE_EC, mdtrt_cert_no="never") == "EC_TOKEN_UNKNOWN"
    assert await reason(med_type=codes_pb2.MED_TYPE_MATERNITY_OUTPATIENT) == "NOT_COVERED_BY_POLICY"
    assert await reason(med_type=codes_pb2.MED_TYPE_INPATIENT) == "MED_TYPE_MISMATCH"
    request = settle_request(counter.request_id(), psn_no, mdtrt_id, 5_000)
    await counter.settle(request)
    assert await reason() == "BATCH_SETTLED"
    request.data.invono = "other"
    assert await counter.reason("SettlementService.Settle", request) == "REQUEST_ID_REUSED"
    request.desk.fixmedins_code = OTHER_INSTITUTION
    assert await counter.reason("SettlementService.Settle", request) == "CALLER_NOT_BOUND"


def batch_items(
    counter: Counter, requests: Sequence[settlement_pb2.SettleRequest], late: settlement_pb2.SettleRequest
) -> list[settlement_pb2.BatchSettleItem]:
    """The requests as a list's items; then one of them as somebody else's, and one whose time is over."""

    def item(request: settlement_pb2.SettleRequest, caller: Caller, **more: Any) -> settlement_pb2.BatchSettleItem:
        context = item_pb2.ItemContext(caller_token=counter.mesh.tokens.sign(caller, "settlement"), **more)
        return settlement_pb2.BatchSettleItem(context=context, request=request)

    over = at(datetime.now(UTC) - timedelta(seconds=1))
    items = [item(request, HERE) for request in requests]
    return [*items, item(requests[1], ELSEWHERE), item(late, HERE, deadline=over)]


async def test_a_list_answers_each_item_as_if_it_had_come_alone(counter: Counter) -> None:
    good, wrong = counter.somebody(), counter.somebody()
    visits = [await counter.visit(psn_no, 5_000) for psn_no in (good, good, wrong)]
    requests = [
        settle_request(counter.request_id(), good, visits[0], 5_000),
        settle_request(counter.request_id(), good, visits[1], 5_000),
        settle_request(counter.request_id(), wrong, visits[2], 4_000),
        settle_request(counter.request_id(), good, visits[0], 5_000),
        settlement_pb2.SettleRequest(request_id="2207:empty"),
    ]
    requests.append(requests[0])
    items = batch_items(counter, requests, settle_request(counter.request_id(), wrong, visits[2], 5_000))
    answer = await counter.call(
        "SettlementService.BatchSettle", settlement_pb2.BatchSettleRequest(items=items), GATEWAY
    )
    told = []
    for outcome in answer.outcomes:
        fault = from_status(outcome.status) if outcome.HasField("status") else None
        told.append("" if fault is None else fault.reason if isinstance(fault, Fault) else "INTERNAL")
    assert told == [
        *("", "", "FEE_SUM_MISMATCH", "BATCH_SETTLED", "INVALID_REQUEST", "", "CALLER_NOT_BOUND", "DEADLINE_EXCEEDED"),
    ]
    assert answer.outcomes[0].response == answer.outcomes[5].response
    balances = [outcome.response.setlinfo.act_pay_dedc_fen for outcome in answer.outcomes[:2]]
    assert balances == [5_000, 5_000]
    token = counter.mesh.tokens.sign(HERE, "settlement")
    trials = settlement_pb2.BatchTrialRequest(
        items=[
            settlement_pb2.BatchTrialItem(
                context=item_pb2.ItemContext(caller_token=token),
                request=settlement_pb2.TrialRequest(desk=desk(), data=bill(wrong, visits[2], amount)),
            )
            for amount in (5_000, 4_000)
        ]
    )
    tried = await counter.call("SettlementService.BatchTrial", trials, GATEWAY)
    assert tried.outcomes[0].response.setlinfo.medfee_sumamt_fen == 5_000
    assert tried.outcomes[1].HasField("status")


async def test_many_unary_settlements_at_once_lose_nothing(counter: Counter) -> None:
    psn_no = counter.somebody()
    visits = [await counter.visit(psn_no, 90_000) for _ in range(6)]
    answers = await asyncio.gather(
        *(counter.settle(settle_request(counter.request_id(), psn_no, visit, 90_000)) for visit in visits)
    )
    assert sum(answer.setlinfo.act_pay_dedc_fen for answer in answers) == 180_000
    verified = await counter.call("LedgerService.VerifyLedger", ledger_pb2.VerifyLedgerRequest(), OPERATOR_CALLER)
    assert list(verified.findings) == []
    assert verified.settlements_checked >= 6
