"""Messages of an institution as routing is handed them."""

from __future__ import annotations

from typing import Any

from yibao.settlement.v1 import common_pb2, reversal_pb2, settlement_pb2, stay_bill_pb2


def settle_request(msgid: str, mdtrt_id: str, hospital: str, psn_no: str, stay: bool = False) -> Any:
    """2207 or 2304."""
    made: Any = stay_bill_pb2.SettleStayRequest if stay else settlement_pb2.SettleRequest
    bill = stay_bill_pb2.StayBill if stay else settlement_pb2.Bill
    desk = common_pb2.Desk(fixmedins_code=hospital, msgid=msgid)
    return made(request_id=msgid, desk=desk, data=bill(psn_no=psn_no, mdtrt_id=mdtrt_id))


def trial_request(mdtrt_id: str, hospital: str, psn_no: str, stay: bool = False) -> Any:
    """2206 or 2303."""
    settles = settle_request("1", mdtrt_id, hospital, psn_no, stay)
    made: Any = stay_bill_pb2.TrialStayRequest if stay else settlement_pb2.TrialRequest
    return made(desk=settles.desk, data=settles.data)


def reverse_request(msgid: str, setl_id: str, mdtrt_id: str, hospital: str, psn_no: str, stay: bool = False) -> Any:
    """2208 or 2305."""
    made = reversal_pb2.ReverseStayRequest if stay else reversal_pb2.ReverseRequest
    name = reversal_pb2.SettlementReference(setl_id=setl_id, mdtrt_id=mdtrt_id, psn_no=psn_no)
    return made(request_id=msgid, desk=common_pb2.Desk(fixmedins_code=hospital, msgid=msgid), data=name)


def take_back_request(msgid: str, meant: str, hospital: str, psn_no: str, oinfno: str = "2207") -> Any:
    """2601."""
    name = reversal_pb2.MessageReference(psn_no=psn_no, omsgid=meant, oinfno=oinfno)
    desk = common_pb2.Desk(fixmedins_code=hospital, msgid=msgid)
    return reversal_pb2.ReverseMessageRequest(request_id=msgid, desk=desk, data=name)
