"""An order that holds a person's ledger, as the hospital's client sees it: refusals, a warning, and 2601 that lifts it."""

from __future__ import annotations

from services.runtime.call import Caller, Role
from tests.mesh.hospital import DRUG
from tests.mesh.world import Sandbox
from tools.played.messages import Patient, Row
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import common_pb2, order_pb2, settlement_pb2

BILL = [Row(DRUG, 1, 50_000)]
OPENER = Caller(Role.SERVICE, "routing", sandbox=True)


async def opened(town: Sandbox, who: Patient, order_no: str) -> dict[str, str]:
    """The node of a bill that a payment has opened for the hospital, under message number M-`order_no`."""
    hospital = town.hospital
    node = await hospital.open_visit(who, BILL)
    bill = settlement_pb2.Bill(
        psn_no=who.psn_no,
        mdtrt_cert_type=codes_pb2.MDTRT_CERT_TYPE_ID_CARD,
        med_type=codes_pb2.MED_TYPE_OUTPATIENT,
        medfee_sumamt_fen=50_000,
        psn_setlway="01",
        mdtrt_id=str(node["mdtrt_id"]),
        chrg_bchno="0000",
        insutype=str(node["insutype"]),
    )
    desk = common_pb2.Desk(fixmedins_code=hospital.code, msgid=f"M-{order_no}", opter="op1")
    request = order_pb2.OpenRequest(
        request_id=f"open:{order_no}",
        opener="routing",
        order_no=order_no,
        expires_after_s=900,
        visit=settlement_pb2.SettleRequest(request_id=f"2207:M-{order_no}", desk=desk, data=bill),
    )
    await town.mesh.call("yibao.settlement.v1.OrderService.Open", request, caller=OPENER)
    return {key: str(value) for key, value in node.items()}


async def test_a_hospital_is_told_which_order_it_waits_for_and_may_lift_it(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    other = await hospital.open_visit(who, BILL)
    await opened(town, who, "70000001")
    refused = await hospital.send("2207", {"data": other}, home=who.home)
    assert refused.message.startswith("[ORDER_PENDING]")
    assert "70000001" in refused.message
    tried = await hospital.done("2206", {"data": other}, home=who.home)
    assert "70000001" in str(tried.body["warn_msg"])
    name = {"psn_no": who.psn_no, "omsgid": "M-70000001", "oinfno": "2207"}
    await hospital.done("2601", {"data": name}, home=who.home)
    tried = await hospital.done("2206", {"data": other}, home=who.home)
    assert "70000001" not in str(tried.body["warn_msg"])
    await hospital.done("2207", {"data": other}, home=who.home)
