"""Bills of another cell: decided by the policies of home on the lines that came along, and kept with them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from services.kernel.errors import Fault
from services.runtime.call import CallContext, Caller, Role
from services.settlement.domain.care.catalogue import Institution
from services.settlement.operations.books.settle import OpenedOrder
from services.settlement.servicer.convert_carried_lines import unpacked
from services.settlement.servicer.convert_orders import OpeningReader
from services.settlement.store.own_books import OwnBookRows
from tests.settlement.ordering import confirm, open_all, reason_of, reverse_order, void
from tests.settlement.split_lines import SplitLine, carried_lines, packed_lines
from tests.settlement.world import Still, World, sqlite_url, world_on
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import carried_pb2, common_pb2, order_pb2, settlement_pb2

ELSEWHERE = "H37010000001"
CALLER = Caller(Role.SERVICE, "routing", sandbox=True)
LONG_TERM, REFERRAL = carried_pb2.FILING_KIND_LONG_TERM, carried_pb2.FILING_KIND_REFERRAL


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(sqlite_url(tmp_path), clock=Still()) as made:
        made.catalogue.institutions[ELSEWHERE] = Institution(ELSEWHERE, "济南测试医院", "1", "1", "", "3", "370100")
        made.person("P1")
        yield made


def at(world: World, seconds: float = 0) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(world.clock.at + timedelta(seconds=seconds))
    return made


def line(world: World, number: str, inscp: int, *, presel: int = 0, over: int = 0) -> SplitLine:
    amount = inscp + presel + over
    return SplitLine(
        line=common_pb2.FeeLine(
            feedetl_sn=number,
            chrg_bchno="1",
            fee_ocur_time=at(world, -60),
            med_list_codg="XTEST1",
            det_item_fee_sumamt_fen=amount,
            cnt="1",
            pric=f"{amount / 100:.2f}",
        ),
        split=common_pb2.FeeLineSplit(
            feedetl_sn=number,
            det_item_fee_sumamt_fen=amount,
            cnt="1",
            overlmt_amt_fen=over,
            preselfpay_amt_fen=presel,
            inscp_scp_amt_fen=inscp,
            hosp_part_amt_fen=over,
        ),
    )


def carried(world: World, *lines: SplitLine, **changes: Any) -> carried_pb2.CarriedBill:
    """A bill of a hospital in another province."""
    rows = lines or (line(world, "1", 200_000), line(world, "2", 30_000, presel=1_000))
    fields: dict[str, Any] = {
        "desk": common_pb2.Desk(fixmedins_code=ELSEWHERE, msgid="M1", opter="op9", opter_name="收费员"),
        "mdtrt_id": "C1",
        "psn_no": "P1",
        "insutype": "310",
        "med_type": codes_pb2.MED_TYPE_OUTPATIENT,
        "begin_time": at(world, -3600),
        "medfee_sumamt_fen": sum(row.split.det_item_fee_sumamt_fen for row in rows),
        "setl_time": at(world),
        "lines": packed_lines(*rows),
    }
    return carried_pb2.CarriedBill(**fields | changes)


def filing(kind: Any, world: World, days: int = -10, until: int | None = None) -> carried_pb2.CarriedFiling:
    def day(away: int) -> Date:
        found: date = (world.clock.at + timedelta(days=away)).date()
        return Date(year=found.year, month=found.month, day=found.day)

    return carried_pb2.CarriedFiling(
        kind=kind, filing_no="F1", filed_from=day(days), filed_to=None if until is None else day(until)
    )


def call(world: World, business_date: date | None = None) -> CallContext:
    return CallContext(CALLER, "/yibao.settlement.v1.OrderService/Open", None, business_date, world.clock.at)


async def opened(
    world: World, bill: carried_pb2.CarriedBill, order_no: str = "O1", business_date: date | None = None
) -> settlement_pb2.SettleResponse:
    request = order_pb2.OpenRequest(
        request_id=f"r:{order_no}", opener="routing", order_no=order_no, expires_after_s=60, carried=bill
    )
    (found,) = await open_all(world, await OpeningReader().opened(request, call(world, business_date)))
    if isinstance(found, BaseException):
        raise found
    assert isinstance(found, OpenedOrder)
    return settlement_pb2.SettleResponse.FromString(found.response)


async def tried(world: World, bill: carried_pb2.CarriedBill) -> settlement_pb2.TrialResponse:
    return await world.try_bill(await OpeningReader().carried(bill, call(world)))


async def test_the_policies_of_home_decide_and_the_filing_or_an_emergency_says_how_remote_it_is(world: World) -> None:
    emergency = json.dumps({"OTP_ER_REFL_FLAG": "1"})
    shares = {}
    told: dict[str, dict[str, Any]] = {
        "none": {},
        "long": {"filing": filing(LONG_TERM, world)},
        "referral": {"filing": filing(REFERRAL, world)},
        "emergency": {"exp_content": emergency},
        "emergency of the encounter": {"encounter_exp_content": emergency},
        "temporary": {"filing": filing(carried_pb2.FILING_KIND_TEMPORARY, world)},
    }
    for name, changes in told.items():
        info = (await tried(world, carried(world, **changes))).setlinfo
        assert (info.act_pay_dedc_fen, info.preselfpay_amt_fen, info.inscp_scp_amt_fen) == (180_000, 1_000, 230_000)
        shares[name] = info.hifp_pay_fen
    # 50,000 fen above the deductible: 70 % at home, 20 points less for who went away without more (beijing-employee).
    assert shares == {
        "none": 25_000,
        "long": 35_000,
        "referral": 35_000,
        "emergency": 35_000,
        "emergency of the encounter": 35_000,
        "temporary": 25_000,
    }


async def test_a_carried_bill_moves_the_books_and_is_shown_with_its_lines(world: World) -> None:
    await world.open_ledger("P1", balance=50_000)
    bill = carried(world, filing=filing(LONG_TERM, world), acct_used_flag=codes_pb2.ACCT_USED_FLAG_OWN)
    trial = await tried(world, bill)
    bill.trial_hash = trial.trial_hash
    bill.preselfpay_amt_fen = 1_000
    info = (await opened(world, bill)).setlinfo
    assert (info.hifp_pay_fen, info.acct_pay_fen, info.mdtrt_id, info.setl_time) == (35_000, 50_000, "C1", at(world))
    assert await world.accumulators("P1") == {"op_dedc": 180_000, "op_inscp": 230_000}
    own = OwnBookRows(world.database)
    async with own.reading() as snapshot:
        assert await snapshot.settlements("P1", 0, 1 << 62, None, 10) == []
        assert [each.reason for each in await snapshot.movements("P1", "310", None, 10)] == ["order", "opening"]
    assert await world.findings() == ()
    await confirm(world, "O1")
    async with own.reading() as snapshot:
        assert [each.setl_id for each in await snapshot.settlements("P1", 0, 1 << 62, None, 10)] == [info.setl_id]
        assert [each.reason for each in await snapshot.movements("P1", "310", None, 10)] == ["settlement", "opening"]
        encounter = await snapshot.encounter("C1", info.setl_id)
        assert encounter is not None
        assert (encounter.fixmedins_code, encounter.med_type, encounter.mdtrt_id) == (ELSEWHERE, "11", "C1")
        kept = await snapshot.carried_lines(info.setl_id)
        assert kept is not None
        lines = await unpacked(kept, 0, 10)
        assert [(each.line.feedetl_sn, each.line.split.amount_fen) for each in lines] == [
            ("1", 200_000),
            ("2", 31_000),
        ]
        assert [each.line.feedetl_sn for each in await unpacked(kept, 1, 10)] == ["2"]
    assert await world.findings() == ()


async def test_a_void_carried_bill_leaves_nothing_and_what_the_hospital_bears_adds_up(world: World) -> None:
    bill = carried(world, line(world, "1", 230_000, over=500))
    assert (await opened(world, bill)).setlinfo.hosp_part_amt_fen == 500
    assert await world.findings() == ()
    await void(world, "O1")
    assert await world.accumulators("P1") == {}
    assert await world.findings() == ()
    async with OwnBookRows(world.database).reading() as snapshot:
        assert await snapshot.settlements("P1", 0, 1 << 62, None, 10) == []
    await opened(world, bill, "O2")


async def test_a_stay_goes_on_where_an_interim_bill_of_it_stands(world: World) -> None:
    stay: dict[str, Any] = {"stay": True, "med_type": codes_pb2.MED_TYPE_INPATIENT, "filing": filing(LONG_TERM, world)}
    assert await reason_of(opened(world, carried(world, **stay))) == "NOT_DISCHARGED"
    first = (await opened(world, carried(world, **stay, mid_setl_flag=True))).setlinfo
    await confirm(world, "O1")
    ended = carried(world, line(world, "3", 100_000), **stay, end_time=at(world, -1))
    second = (await opened(world, ended, "O2")).setlinfo
    other = (
        await tried(world, carried(world, line(world, "3", 100_000), **stay, mdtrt_id="C2", end_time=at(world)))
    ).setlinfo
    # The deductible of an admission is owed once, and a second stay owes its own.
    assert first.act_pay_dedc_fen > 0
    assert second.act_pay_dedc_fen == 0
    assert other.act_pay_dedc_fen > 0


async def test_what_does_not_fit_is_refused_and_nothing_is_kept(world: World) -> None:
    trial = await tried(world, carried(world))
    broken = line(world, "1", 230_000)
    broken.split.inscp_scp_amt_fen -= 1
    twice = carried(world, line(world, "1", 200_000), line(world, "1", 31_000))
    found = {
        "sum": await reason_of(opened(world, carried(world, medfee_sumamt_fen=1))),
        "parts": await reason_of(opened(world, carried(world, broken))),
        "twice": await reason_of(opened(world, twice)),
        "split": await reason_of(opened(world, carried(world, preselfpay_amt_fen=1))),
        "trial": await reason_of(opened(world, carried(world, trial_hash="0" * 64))),
        "place": await reason_of(
            opened(world, carried(world, desk=common_pb2.Desk(fixmedins_code="H11010000009", msgid="M")))
        ),
        "filing": await reason_of(opened(world, carried(world, filing=filing(LONG_TERM, world, 1)))),
        "filing over": await reason_of(opened(world, carried(world, filing=filing(LONG_TERM, world, -9, -1)))),
        "begin": await reason_of(opened(world, carried(world, begin_time=at(world, 3600)))),
        "end": await reason_of(opened(world, carried(world, end_time=at(world, -7200)))),
        "kind": await reason_of(opened(world, carried(world, med_type=codes_pb2.MED_TYPE_INPATIENT))),
        "person": await reason_of(opened(world, carried(world, psn_no="P9"))),
    }
    assert found == {
        "sum": "FEE_SUM_MISMATCH",
        "parts": "INVALID_REQUEST",
        "twice": "INVALID_REQUEST",
        "split": "SPLIT_CHANGED",
        "trial": "TRIAL_OUTDATED",
        "place": "INSTITUTION_UNKNOWN",
        "filing": "INVALID_REQUEST",
        "filing over": "INVALID_REQUEST",
        "begin": "TIME_IN_FUTURE",
        "end": "INVALID_REQUEST",
        "kind": "MED_TYPE_MISMATCH",
        "person": "PERSON_NOT_FOUND",
    }
    # A trial is of the filing that it was told, and holds until somebody else was first on the ledger.
    filed = carried(world, trial_hash=trial.trial_hash, filing=filing(LONG_TERM, world))
    assert await reason_of(opened(world, filed)) == "TRIAL_OUTDATED"
    bill = carried(world, trial_hash=trial.trial_hash)
    await world.settle(world.order("P1", await world.visit_with_fees("P1", 100), 100, "2207:1"))
    assert await reason_of(opened(world, bill)) == "TRIAL_OUTDATED"
    assert await world.findings() == ()


async def test_no_part_of_a_line_pays_for_another_and_every_line_has_all_parts(world: World) -> None:
    signs, nothing = (line(world, "1", fen) for fen in (231_000, 0))
    signs.split.inscp_scp_amt_fen, signs.split.fulamt_ownpay_amt_fen = 331_000, -100_000
    nothing.split.inscp_scp_amt_fen, nothing.split.fulamt_ownpay_amt_fen = 100_000, -100_000
    # The totals of each bill are those of an honest one: its second line makes up for the first.
    own = line(world, "2", 0)
    own.split.fulamt_ownpay_amt_fen = own.split.det_item_fee_sumamt_fen = own.line.det_item_fee_sumamt_fen = 100_000
    for broken in (signs, nothing, line(world, "", 231_000)):
        assert await reason_of(opened(world, carried(world, broken, own))) == "INVALID_REQUEST"
    short = carried_lines(line(world, "1", 231_000), own)
    del short.inscp_scp_amt_fen[1:]
    for unread in (b"\x01", packed_lines(own)[:-1], short.SerializeToString()):
        assert await reason_of(opened(world, carried(world, lines=unread))) == "INVALID_REQUEST"
    # A return within the bill carries its sign through all parts.
    returned = line(world, "2", -500, presel=-500)
    assert (await tried(world, carried(world, line(world, "1", 230_000, presel=1_000), returned))).trial_hash
    assert await world.findings() == ()


async def test_a_line_is_paid_once_whatever_the_number_of_the_order(world: World) -> None:
    bill = carried(world)
    await opened(world, bill)
    assert await reason_of(tried(world, bill)) == "ORDER_PENDING"
    assert await reason_of(opened(world, bill, "O2")) == "ORDER_PENDING"
    await confirm(world, "O1")
    again = carried(world, line(world, "3", 1_000), line(world, "2", 30_000, presel=1_000))
    assert await reason_of(opened(world, bill, "O2")) == "CHARGES_SETTLED"
    assert await reason_of(opened(world, again, "O3")) == await reason_of(tried(world, again)) == "CHARGES_SETTLED"
    # Another encounter has lines of the same numbers, and what was reversed may be settled again.
    await opened(world, carried(world, mdtrt_id="C2"), "O4")
    await void(world, "O4")
    await reverse_order(world, "O1")
    await opened(world, again, "O3")
    assert await world.findings() == ()


@pytest.mark.parametrize(("away", "reason"), [(299, ""), (-299, ""), (301, "CLOCK_APART"), (-301, "CLOCK_APART")])
async def test_clocks_that_are_more_than_five_minutes_apart_settle_nothing(
    world: World, away: int, reason: str
) -> None:
    bill = carried(world, setl_time=at(world, away))
    if reason:
        with pytest.raises(Fault, match=reason):
            await opened(world, bill)
        assert await world.accumulators("P1") == {}
    else:
        await opened(world, bill)


async def test_a_repeat_is_answered_however_late_and_a_business_date_is_no_clock(world: World) -> None:
    bill = carried(world)
    first = await opened(world, bill)
    await confirm(world, "O1")
    world.clock.at += timedelta(hours=1)
    assert await opened(world, bill) == first
    day = date(2025, 6, 1)
    another = carried(world, mdtrt_id="C2", setl_time=Timestamp(seconds=1_748_750_000))
    assert (await opened(world, another, "O2", day)).setlinfo.setl_time == another.setl_time


async def test_a_carried_bill_that_only_a_family_account_of_another_cell_may_pay_is_refused(world: World) -> None:
    world.family("P1", "OWNER", cell="110000")
    alone = carried(world, acct_used_flag=codes_pb2.ACCT_USED_FLAG_FAMILY)
    assert await reason_of(opened(world, alone)) == await reason_of(tried(world, alone)) == "FAMILY_ELSEWHERE"
    own_first = carried(world, acct_used_flag=codes_pb2.ACCT_USED_FLAG_OWN)
    assert (await opened(world, own_first, "O2")).setlinfo.acct_mulaid_pay_fen == 0
