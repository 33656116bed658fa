"""Bills across cells when all goes well, and when it is refused: what the institution is told, and what stands then."""

from __future__ import annotations

from datetime import date

import pytest

from services.kernel.errors import Fault, FaultKind, Violation, precondition
from services.routing.domain.filing_terms import FilingKind
from services.routing.domain.filings import Filing
from tests.routing.across import Across
from tests.routing.played_cells import AFTER, AREA, BEFORE, VOID, open_gate
from tests.routing.sagas import CARE, INSURED, NOON
from yibao.settlement.v1 import carried_pb2, reversal_pb2


@pytest.mark.parametrize("stay", [False, True], ids=["visit", "stay"])
async def test_a_bill_is_opened_there_booked_here_confirmed_there_and_then_here(across: Across, stay: bool) -> None:
    mdtrt_id = across.visit()
    answer = await across.settled("2207:1", mdtrt_id, stay=stay)
    assert across.standing(mdtrt_id) == [answer.setlinfo.setl_id]
    assert [point[:2] for point in across.peers.seen if point[2] == BEFORE] == [
        (CARE, "GetBill"),
        (INSURED, "Open"),
        (CARE, "Open"),
        (INSURED, "Confirm"),
        (CARE, "Confirm"),
    ]
    await across.at_rest()
    # What stands is told by the cell of care alone.
    before = len(across.peers.seen)
    assert (await across.settled("2207:1", mdtrt_id, stay=stay)).setlinfo == answer.setlinfo
    assert len(across.peers.seen) == before


async def test_a_filing_that_holds_on_the_day_when_the_care_began_is_carried(across: Across) -> None:
    mdtrt_id = across.visit()
    psn_no = across.care.cares[mdtrt_id].psn_no
    day = date(2026, 1, 2)
    across.filings.found[psn_no] = Filing("F1", psn_no, FilingKind.REFERRAL, "110000", day, None, "institution", NOON)
    trial = await across.tried(mdtrt_id)
    assert (trial.trial_hash, trial.setlinfo.medfee_sumamt_fen) == ("t", 10_000)
    assert (await across.tried(mdtrt_id, stay=True)).trial_hash == "t"
    await across.settled("2207:1", mdtrt_id)
    assert across.filings.asked == [(psn_no, AREA, date(2026, 3, 5))] * 3
    assert [
        (each.filing.filing_no, each.filing.kind, each.filing.HasField("filed_to")) for each in across.insured.carried
    ] == [("F1", carried_pb2.FILING_KIND_REFERRAL, False)] * 3
    # A bill of the own cell is brought the filing, and settled there alone.
    own = across.visit(CARE)
    across.filings.found[across.care.cares[own].psn_no] = across.filings.found[psn_no]
    assert (await across.settled("2207:2", own)).setlinfo.setl_id == "SF1"
    assert (await across.settled("2304:3", own, stay=True)).setlinfo.setl_id == "SF1"
    assert (await across.tried(own)).setlinfo.setl_id == "SF1"
    await across.at_rest()


async def test_a_bill_that_is_too_large_beside_others_is_asked_for_alone(across: Across) -> None:
    mdtrt_id, told = across.visit(), []

    async def gate(point: tuple[str, str, str]) -> None:
        if point == (CARE, "GetBill", AFTER):
            told.append(point)
            if len(told) == 1:
                raise Fault(FaultKind.EXHAUSTED, "MESSAGE_TOO_LARGE", {"limit_bytes": "1"})

    across.peers.gate = gate
    await across.settled("2207:1", mdtrt_id)
    assert len(told) == 2
    await across.at_rest()


PARTS = {"part": "preselfpay_amt", "sent": "1.00", "found": "2.00"}
BROKEN = [Violation("carried.preselfpay_amt_fen", "told.there", "it is 2.00", chinese="应为2.00")]
SPLIT = Fault(FaultKind.INVALID, "SPLIT_CHANGED", PARTS, violations=BROKEN)


@pytest.mark.parametrize(
    ("cell", "method", "refusal"),
    [
        (INSURED, "Open", SPLIT),
        (INSURED, "Open", precondition("ORDER_PENDING", order_no="R9", lapses_at="")),
        (CARE, "Open", precondition("CHARGES_SETTLED", mdtrt_id="M1", setl_id="S9")),
        (INSURED, "Confirm", precondition("ORDER_LAPSED", order_no="R1", lapses_at="")),
        (INSURED, "Confirm", precondition("CLOCK_APART", told="", now="")),
    ],
    ids=lambda value: getattr(value, "reason", value),
)
async def test_a_refusal_of_either_cell_is_told_as_it_is_and_leaves_nothing(
    across: Across, cell: str, method: str, refusal: Fault
) -> None:
    mdtrt_id = across.visit()
    played = across.peers.cells[cell]
    played.refuse[method] = refusal
    with pytest.raises(Fault) as raised:
        await across.settled("2207:1", mdtrt_id)
    assert (raised.value.kind, raised.value.reason) == (refusal.kind, refusal.reason)
    assert [each.path for each in raised.value.violations] == ["data.preselfpay_amt_fen"][: len(refusal.violations)]
    assert across.standing(mdtrt_id) == []
    # It is void before that is told: another message need not wait.
    assert {each.phase for each in across.insured.orders.values()} <= {VOID}
    played.refuse.clear()
    assert (await across.settled("2207:2", mdtrt_id)).setlinfo.setl_id
    await across.at_rest()


async def test_other_lines_than_those_that_were_carried_are_told(across: Across) -> None:
    mdtrt_id = across.visit()

    async def gate(point: tuple[str, str, str]) -> None:
        if point == (INSURED, "Open", AFTER):
            across.care.cares[mdtrt_id].version += 1

    across.peers.gate = gate
    with pytest.raises(Fault, match="BILL_CHANGED"):
        await across.settled("2207:1", mdtrt_id)
    across.peers.gate = open_gate
    await across.settled("2207:1", mdtrt_id)
    await across.at_rest()


@pytest.mark.parametrize("stay", [False, True], ids=["visit", "stay"])
async def test_a_settlement_is_reversed_there_then_here_and_again_with_the_same_answer(
    across: Across, stay: bool
) -> None:
    mdtrt_id = across.visit()
    setl_id = (await across.settled("2207:1", mdtrt_id, stay=stay)).setlinfo.setl_id
    counter = await across.reversed("2208:1", setl_id, mdtrt_id, stay=stay)
    assert counter.setlinfo.setl_id == f"C{setl_id}"
    assert across.standing(mdtrt_id) == []
    assert await across.reversed("2208:2", setl_id, mdtrt_id, stay=stay) == counter
    await across.at_rest()


async def test_a_reversal_that_the_insured_cell_refuses_leaves_all_as_it_stood(across: Across) -> None:
    mdtrt_id = across.visit()
    setl_id = (await across.settled("2207:1", mdtrt_id)).setlinfo.setl_id
    across.insured.refuse["ReverseOrder"] = precondition("ORDER_PENDING", order_no="R9", lapses_at="")
    with pytest.raises(Fault, match="ORDER_PENDING"):
        await across.reversed("2208:1", setl_id, mdtrt_id)
    await across.at_rest()
    assert across.standing(mdtrt_id) == [setl_id]
    across.insured.refuse.clear()
    await across.reversed("2208:1", setl_id, mdtrt_id)
    await across.at_rest()


async def test_a_message_is_taken_back_once_it_stands_and_its_repeat_is_void_where_it_never_came(
    across: Across,
) -> None:
    mdtrt_id = across.visit()
    setl_id = (await across.settled("2207:1", mdtrt_id)).setlinfo.setl_id
    told = await across.taken_back("2601:1", "2207:1", mdtrt_id)
    assert (told.outcome, told.setl_id, told.reversed_by) == (
        reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK,
        setl_id,
        f"C{setl_id}",
    )
    assert await across.taken_back("2601:2", "2207:1", mdtrt_id) == told
    never = await across.taken_back("2601:3", "2207:9", mdtrt_id)
    assert never.outcome == reversal_pb2.MESSAGE_OUTCOME_NOT_ARRIVED
    with pytest.raises(Fault, match="MESSAGE_VOIDED"):
        await across.settled("2207:9", mdtrt_id)
    await across.at_rest()
