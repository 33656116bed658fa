"""Cross-region settlements through the whole mesh, into the clearing of their month: real journals, sums of 0, one trace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.kernel.clock import BEIJING
from services.runtime.call import Caller, Role
from services.runtime.trace_store import Node
from tests.mesh.hospital import DRUG, rest
from tests.mesh.world import Sandbox
from tests.settlement.split_lines import SplitLine, packed_lines
from tools.played.messages import Patient, Row
from yibao.common.v1 import codes_pb2
from yibao.routing.v1 import clearing_pb2
from yibao.settlement.v1 import carried_pb2, common_pb2, notice_pb2, order_pb2

ROUTING = Caller(Role.SERVICE, "routing", sandbox=True)
BEIJING_HOSPITAL = ("H11010100901", "京华示范医院", "110101")
BILL = [Row(DRUG, 1, 400_000)]
PAIR = ("000000", "990000", "110000")


async def month_of(town: Sandbox) -> clearing_pb2.GetMonthResponse:
    """The present month, once all notices were taken."""
    hospital = town.hospital
    looked = await rest(hospital, "/v1/clearing/notices:take", {"requestId": f"take-{hospital.next_msgid()}"})
    assert (looked["refusedCount"], looked["unreadCells"]) == (0, [])
    request = clearing_pb2.GetMonthRequest(month=f"{town.clock().astimezone(BEIJING):%Y-%m}")
    found: clearing_pb2.GetMonthResponse = await town.mesh.call("yibao.routing.v1.ClearingService.GetMonth", request)
    assert sum(each.net_fen for each in found.positions) == 0
    return found


async def cleared(town: Sandbox) -> tuple[int, int, int]:
    """Settlements, reversals and sum of care in Beijing for people of 990000."""
    for each in (await month_of(town)).statements:
        if (each.circle, each.insured_region, each.care_region) == PAIR:
            return each.settled_count, each.reversed_count, each.amount_fen
    return 0, 0, 0


async def differences(town: Sandbox, *setl_ids: str) -> list[str]:
    """What the check of today's three lists says of these."""
    today = town.clock().astimezone(BEIJING).date()
    day = {"year": today.year, "month": today.month, "day": today.day}
    request_id = f"check-{town.hospital.next_msgid()}"
    await rest(town.hospital, "/v1/clearing/days:check", {"requestId": request_id, "setlDay": day})
    listed = await rest(town.hospital, "/v1/clearing/differences:list", {"setlDay": day, "pageSize": 500})
    return [f"{each['side']} {each['difference']}" for each in listed["differences"] if each["setlId"] in setl_ids]


def every(node: Node) -> list[Node]:
    """A node with all below it."""
    return [node, *(each for child in node.children for each in every(child))]


async def test_a_bill_of_another_province_is_cleared_and_its_reversal_clears_it_away(town: Sandbox) -> None:
    who, away = await town.newcomers.one(), town.hospital.at(*BEIJING_HOSPITAL)
    before = await cleared(town)
    settled = await away.visit(who, BILL)
    info = settled.info
    owed = round((float(info["fund_pay_sumamt"]) + float(info["acct_pay"])) * 100)
    assert owed > 0
    assert await cleared(town) == (before[0] + 1, before[1], before[2] + owed)
    assert await differences(town, info["setl_id"]) == []
    today = town.clock().astimezone(BEIJING)
    month = {"trt_year": f"{today.year}", "trt_month": f"{today.month:02}", "startrow": 1}
    rows = (await away.done("3260", {"data": month})).output["data"]
    assert info["setl_id"] in {each["setl_sn"] for each in rows}
    await away.done("2208", {"data": {key: info[key] for key in ("setl_id", "mdtrt_id", "psn_no")}}, home=who.home)
    assert await cleared(town) == (before[0] + 1, before[1] + 1, before[2])
    assert await differences(town, info["setl_id"]) == []


async def test_a_bill_at_home_is_not_cleared(town: Sandbox) -> None:
    who = await town.newcomers.one()
    before = await month_of(town)
    await town.hospital.visit(who, BILL)
    assert await month_of(town) == before


async def test_the_trace_of_a_bill_leads_from_its_commit_to_where_it_is_cleared(town: Sandbox) -> None:
    settled = await town.hospital.at(*BEIJING_HOSPITAL).visit(await town.newcomers.one(), BILL)
    await month_of(town)
    store = town.mesh.traces()
    (trace_id,) = store.find(settled.msgid)
    (root,) = store.tree(trace_id)
    (commit,) = (each for each in every(root) if each.span.name == "commit settle")
    (taken,) = (each for each in every(commit) if each.span.name == "routing notices")
    assert (commit.linked, taken.linked, taken.span.service) == (True, True, "routing")


def carried(town: Sandbox, who: Patient, number: str) -> carried_pb2.CarriedBill:
    """A bill of a hospital of another cell, as routing brings it."""

    def at(minutes: int) -> Timestamp:
        made = Timestamp()
        made.FromDatetime(town.clock() + timedelta(minutes=minutes))
        return made

    line = common_pb2.FeeLine(
        feedetl_sn="1", fee_ocur_time=at(-5), med_list_codg=DRUG, cnt="1", pric="4000", chrg_bchno="1"
    )
    line.det_item_fee_sumamt_fen = 400_000
    split = common_pb2.FeeLineSplit(feedetl_sn="1", det_item_fee_sumamt_fen=400_000, inscp_scp_amt_fen=400_000, cnt="1")
    return carried_pb2.CarriedBill(
        desk=common_pb2.Desk(fixmedins_code=BEIJING_HOSPITAL[0], msgid=number, opter="op1"),
        mdtrt_id=f"C{number}",
        psn_no=who.psn_no,
        insutype=who.insutype,
        med_type=codes_pb2.MED_TYPE_OUTPATIENT,
        begin_time=at(-10),
        medfee_sumamt_fen=400_000,
        setl_time=at(0),
        lines=packed_lines(SplitLine(line, split)),
    )


async def test_an_order_of_another_cell_is_cleared_from_its_confirmation_on(town: Sandbox) -> None:
    who, number = await town.newcomers.one(), f"N{town.hospital.next_msgid()[-12:]}"

    async def ask(verb: str, **told: Any) -> Any:
        made = getattr(order_pb2, f"{verb}Request")
        request = made(request_id=f"{verb}:{number}", opener="routing", order_no=number, **told)
        return await town.mesh.call(f"yibao.settlement.v1.OrderService.{verb}", request, caller=ROUTING)

    before = await cleared(town)
    info = (await ask("Open", expires_after_s=60, carried=carried(town, who, number))).settlement.setlinfo
    assert await cleared(town) == before
    await ask("Confirm")
    owed = info.fund_pay_sumamt_fen + info.acct_pay_fen
    assert await cleared(town) == (before[0] + 1, before[1], before[2] + owed)
    # The cell of care has given no notice: its list lacks the bill.
    assert await differences(town, info.setl_id) == ["CLEARING_SIDE_CARE DIFFERENCE_KIND_MISSING"]
    await ask("ReverseOrder", desk=common_pb2.Desk(fixmedins_code=BEIJING_HOSPITAL[0], msgid="R", opter="op1"))
    assert await cleared(town) == (before[0] + 1, before[1] + 1, before[2])


async def test_notices_are_for_routing_alone_and_hold_no_person(town: Sandbox) -> None:
    who = await town.newcomers.one()
    await town.hospital.at(*BEIJING_HOSPITAL).visit(who, BILL)
    method, request = "yibao.settlement.v1.NoticeService.ListNotices", notice_pb2.ListNoticesRequest()
    found = await town.mesh.call(method, request, caller=ROUTING)
    assert found.last_seq == len(found.notices) > 0
    assert who.psn_no not in str(found)
    assert who.certno not in str(found)
