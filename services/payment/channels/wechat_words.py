"""WeChat Pay's words: what it is told of an order, and what its answers, notifies and bills say, without a call (C§1.2, C§1.3).

Amounts are fen there as here; bills are yuan. A word that no document names is UNKNOWN.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from services.kernel.clock import BEIJING
from services.kernel.money import plainly_scaled, round_quotient
from services.kernel.persons import check_digit
from services.payment.channels.wechat_gateway import Node, WechatContract
from services.payment.domain.charges import BillKind, BillLine, ChannelState, Half, RefundSeen, RefundStanding, Seen
from yibao.payment.v1 import channel_pb2

NAME: Final = "wechat"
OF_MIXED: Final = "MIXED"
"""What the cash of a mixed order carries with it, so that its notify is not taken for the whole."""
_SUBJECT: Final = "医疗费用"
_ORDER_TYPES: Final = {
    channel_pb2.PAY_ORDER_TYPE_REGISTRATION: "REG_PAY",
    channel_pb2.PAY_ORDER_TYPE_CONSULTATION: "DIAG_PAY",
    channel_pb2.PAY_ORDER_TYPE_DEPOSIT: "IN_HOSP_PAY",
    channel_pb2.PAY_ORDER_TYPE_DISCHARGE: "IN_HOSP_PAY",
    channel_pb2.PAY_ORDER_TYPE_PHARMACY: "PHARMACY_PAY",
    channel_pb2.PAY_ORDER_TYPE_INTERNET: "INT_RE_DIAG_PAY",
}
CARD_TYPES: Final = {
    "01": "ID_CARD",
    "04": "MAINLAND_TRAVEL_PERMIT_FOR_HK",
    "05": "MAINLAND_TRAVEL_PERMIT_FOR_MO",
    "06": "MAINLAND_TRAVEL_PERMIT_FOR_TW",
    "07": "FOREIGN_PERMANENT_RESIDENT",
    "08": "FOREIGNER_PASSPORT",
}
"""By dictionary psn_cert_type; others cannot pay insurance there."""
_STATES: Final = {
    "NOTPAY": ChannelState.WAITING,
    "USERPAYING": ChannelState.WAITING,
    "SUCCESS": ChannelState.CHARGED,
    "REFUND": ChannelState.CHARGED,
    "CLOSED": ChannelState.CLOSED,
    "PAYERROR": ChannelState.REFUSED,
}
_HALVES: Final = {
    "NO_MED_INS_PAY": Half.NONE,
    "MED_INS_PAY_CREATED": Half.WAITING,
    "MED_INS_PAY_SUCCESS": Half.DONE,
    "MED_INS_PAY_REFUND": Half.RETURNED,
    "MED_INS_PAY_FAIL": Half.FAILED,
}
_CASH: Final = {
    "SELF_PAY_CREATED": ChannelState.WAITING,
    "SELF_PAY_SUCCESS": ChannelState.CHARGED,
    "SELF_PAY_REFUND": ChannelState.RETURNED,
    "SELF_PAY_FAIL": ChannelState.REFUSED,
}
_WHOLE: Final = {
    "MIX_PAY_CREATED": ChannelState.WAITING,
    "MIX_PAY_SUCCESS": ChannelState.CHARGED,
    "MIX_PAY_REFUND": ChannelState.RETURNED,
    "MIX_PAY_FAIL": ChannelState.REFUSED,
}
"""What an order without cash is; with cash, words beside these mean that nothing is believed (C§1.3)."""
_REFUND_STATES: Final = {
    "PROCESSING": RefundStanding.UNDER_WAY,
    "SUCCESS": RefundStanding.RETURNED,
    "CLOSED": RefundStanding.REFUSED,
    "ABNORMAL": RefundStanding.ABNORMAL,
}
_OLD_ID: Final = re.compile(r"[0-9]{15}")
_BILL_KINDS: Final = {"SUCCESS": BillKind.CHARGE, "REFUND": BillKind.REFUND, "REVOKED": BillKind.REFUND}


def trades(contract: WechatContract, rest: str) -> str:
    """The path of cash orders, of a merchant or of one below a platform."""
    return f"/v3/pay/{'partner/' if contract.owner else ''}transactions/{rest}"


def names(contract: WechatContract, *wanted: str) -> dict[str, str]:
    """`appid`, `mchid` of the account, under the names that a platform uses where it is one."""
    own = {"appid": contract.account.app_no, "mchid": contract.account.merchant_no}
    return {f"sp_{name}" if contract.owner else name: own[name] for name in wanted} | contract.owner


def notify_url(contract: WechatContract) -> str:
    """Where it calls back."""
    return f"{contract.account.notify_address}/{NAME}"


def cash(charge: channel_pb2.ChannelCharge, contract: WechatContract) -> Node:
    """A cash order (C§1.1, W1)."""
    content: dict[str, object] = {
        **names(contract, "appid", "mchid"),
        "description": _SUBJECT,
        "out_trade_no": charge.charge_no,
        "amount": {"total": charge.charge_fen, "currency": "CNY"},
    }
    if charge.form == channel_pb2.PAY_FORM_CODE:
        scene = {"store_info": {"id": charge.merchant.fixmedins_code}}
        return content | {"payer": {"auth_code": charge.code}, "scene_info": scene}
    content |= {"notify_url": notify_url(contract), "time_expire": moment_text(charge.expires_time)}
    if charge.form != channel_pb2.PAY_FORM_NATIVE:
        content["payer"] = {"sp_openid" if contract.owner else "openid": charge.user_no}
    return content | ({"attach": OF_MIXED} if charge.form == channel_pb2.PAY_FORM_MIXED else {})


def mixed(charge: channel_pb2.ChannelCharge, contract: WechatContract, prepay_id: str) -> Node:
    """A mixed order (C§1.2): total = insured parts + cash due + what is added."""
    insured = charge.fund_fen + charge.acct_fen + charge.other_fen
    kind = "CASH_AND_INSURANCE" if insured else "CASH_ONLY"
    content: dict[str, object] = {
        **contract.owner,
        "mix_pay_type": kind if charge.charge_fen else "INSURANCE_ONLY",
        "order_type": _ORDER_TYPES[charge.order_type],
        "appid": contract.account.app_no,
        "openid": charge.user_no,
        "payer": _person(charge.payer, contract),
        "out_trade_no": charge.charge_no,
        "serial_no": charge.med_org_ord,
        "city_id": charge.merchant.city_no,
        "med_inst_name": charge.merchant.fixmedins_name,
        "med_inst_no": charge.merchant.fixmedins_code,
        "total_fee": insured + charge.cash_fen + added(charge),
        "med_ins_gov_fee": charge.fund_fen,
        "med_ins_self_fee": charge.acct_fen,
        "med_ins_other_fee": charge.other_fen,
        "med_ins_cash_fee": charge.cash_fen,
        "callback_url": notify_url(contract),
    }
    for name, adjustments in (("add", charge.adds), ("reduce", charge.reduces)):
        if adjustments:
            told = [{f"cash_{name}_fee": each.amount_fen, f"cash_{name}_type": each.kind} for each in adjustments]
            content[f"cash_{name}_detail"] = told
    if charge.HasField("patient"):
        content |= {"pay_for_relatives": True, "relative": _person(charge.patient, contract)}
    if charge.charge_fen:
        content |= {"wechat_pay_cash_fee": charge.charge_fen, "prepay_id": prepay_id}
    if insured or not charge.charge_fen:
        content |= _of_bureau(charge)
    return content


def added(charge: channel_pb2.ChannelCharge) -> int:
    """What the cash contains beside the bill, in fen."""
    return sum(each.amount_fen for each in charge.adds)


def digest_of(cert_no: str) -> str:
    """An identity number as the platform compares it: capitals, 15 digits brought to 18, MD5 in hex (C§1.2)."""
    plain = cert_no.upper()
    if _OLD_ID.fullmatch(plain):
        plain = f"{plain[:6]}19{plain[6:]}"
        plain += check_digit(plain)
    return hashlib.md5(plain.encode(), usedforsecurity=False).hexdigest()


def mixed_seen(told: Node) -> Seen:
    """A mixed order as told: only the whole's success with both halves is one (C§1.4, step 7)."""
    whole, own = str(told.get("mix_pay_status")), str(told.get("self_pay_status"))
    half = _HALVES.get(str(told.get("med_ins_pay_status")), Half.UNKNOWN)
    standing = _CASH.get(own, ChannelState.UNKNOWN) if own != "NO_SELF_PAY" else _WHOLE.get(whole, ChannelState.UNKNOWN)
    seen = Seen(
        standing, half, mix_trade_no=str(told.get("mix_trade_no", "")), says=str(told.get("med_ins_fail_reason", ""))
    )
    broken = whole == "MIX_PAY_SUCCESS" and half not in (Half.DONE, Half.NONE, Half.RETURNED)
    if whole not in _WHOLE or half is Half.UNKNOWN or broken:
        return replace(seen, standing=ChannelState.UNKNOWN, half=Half.UNKNOWN)
    if whole == "MIX_PAY_CREATED" and standing is ChannelState.CHARGED:
        half = Half.WAITING
    total_fen, charged_fen = told.get("total_fee"), told.get("wechat_pay_cash_fee") or 0
    if type(total_fen) is not int or type(charged_fen) is not int:
        return replace(seen, standing=ChannelState.UNKNOWN, half=Half.UNKNOWN)
    more_fen = sum(int(each["cash_add_fee"]) for each in told.get("cash_add_detail") or ())
    collected = charged_fen if standing in (ChannelState.CHARGED, ChannelState.RETURNED) else 0
    paid_at = moment(told.get("paid_time"))
    return replace(seen, half=half, charged_fen=collected, total_fen=total_fen - more_fen, paid_at=paid_at)


def trade_seen(told: Node) -> Seen:
    """A cash order as told; a reversed one was paid where it has a number of the platform's."""
    state, trade_no = str(told.get("trade_state")), str(told.get("transaction_id", ""))
    standing = _STATES.get(state, ChannelState.UNKNOWN)
    if state == "REVOKED":
        standing = ChannelState.RETURNED if trade_no else ChannelState.CLOSED
    amount = told.get("amount")
    fen = amount.get("total") if isinstance(amount, dict) else None
    if standing not in (ChannelState.CHARGED, ChannelState.RETURNED):
        return Seen(standing, code="" if standing is not ChannelState.REFUSED else state)
    if type(fen) is not int:
        return Seen(ChannelState.UNKNOWN)
    return Seen(standing, charged_fen=fen, trade_no=trade_no, paid_at=moment(told.get("success_time")))


def refund_seen(told: Node, state: str) -> RefundSeen:
    """A refund as told; `state` is the name of its status, another one in notifies than in answers."""
    standing = _REFUND_STATES.get(str(told.get(state)), RefundStanding.UNKNOWN)
    amount = told.get("amount")
    fen = amount.get("refund") if isinstance(amount, dict) else None
    number = str(told.get("refund_id", ""))
    if standing is not RefundStanding.RETURNED:
        return RefundSeen(
            standing, refund_trade_no=number, code="" if standing is RefundStanding.UNDER_WAY else str(told.get(state))
        )
    if type(fen) is not int:
        return RefundSeen(RefundStanding.UNKNOWN, refund_trade_no=number)
    return RefundSeen(standing, fen, number, moment(told.get("success_time")))


def bill_lines(text: Iterable[str]) -> list[BillLine]:
    """The lines of a trade bill by the names of their columns, whose set differs by merchant; ValueError where they do not come
    to the totals at its end, KeyError without a column. The text is read line by line: a large day is never held as cells.
    """
    rows = csv.reader(text)
    heads = next(rows, [])
    names = {name: place for place, name in enumerate(heads)}
    lines, last, told = list[BillLine](), next(rows, []), next(rows, [])
    for row in rows:
        lines.append(_line(heads, names, last))
        last, told = told, row
    charged = sum(line.amount_fen for line in lines if line.kind is BillKind.CHARGE)
    if (int(_told(told[0])), _fen(told[last.index("订单总金额")])) != (len(lines), charged):
        raise ValueError("the lines do not come to the totals")
    return lines


def moment(text: object) -> datetime | None:
    """A moment of RFC 3339; None for anything else."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def moment_text(at: Timestamp) -> str:
    """The same way back, in Beijing's time."""
    return at.ToDatetime(UTC).astimezone(BEIJING).isoformat(timespec="seconds")


def _of_bureau(charge: channel_pb2.ChannelCharge) -> dict[str, object]:
    passed = {"payAuthNo": charge.pay_auth_no, "payOrdId": charge.pay_ord_id, "setlLatlnt": charge.location}
    return {
        "pay_order_id": charge.pay_ord_id,
        "pay_auth_no": charge.pay_auth_no,
        "geo_location": charge.location,
        "med_ins_order_create_time": moment_text(charge.created_time),
        "passthrough_request_content": json.dumps(passed),
    }


def _person(person: channel_pb2.Payer, contract: WechatContract) -> dict[str, str]:
    return {
        "name": contract.sealed(person.name),
        "id_digest": contract.sealed(digest_of(person.cert_no)),
        "card_type": CARD_TYPES[person.cert_type],
    }


def _line(heads: Sequence[str], places: Mapping[str, int], row: Sequence[str]) -> BillLine:
    if len(row) != len(heads):
        raise ValueError("a line with more or fewer columns than the head")
    kind = _BILL_KINDS[_told(row[places["交易状态"]])]
    if kind is BillKind.REFUND:
        # A reversal has no number of ours but the order's.
        number = _told(row[places["商户退款单号"]]) or _told(row[places["商户订单号"]])
        trade_no, amount, sign = row[places["微信退款单号"]], row[places["申请退款金额"]], -1
    else:
        number = _told(row[places["商户订单号"]])
        trade_no, amount, sign = row[places["微信订单号"]], row[places["订单金额"]], 1
    fee_fen = sign * round_quotient(_scaled(_told(row[places["手续费"]]).lstrip("-"), 5), 1000)
    day = date.fromisoformat(_told(row[places["交易时间"]])[:10])
    currency = _told(row[places["货币种类"]]) if "货币种类" in places else "CNY"
    return BillLine(kind, number, _told(trade_no), _fen(amount), day, fee_fen, sys.intern(currency))


def _told(value: str) -> str:
    """A value without the back-quote that keeps spreadsheets from reading numbers into it."""
    return value.removeprefix("`")


def _fen(text: str) -> int:
    return _scaled(_told(text), 2)


def _scaled(text: str, digits: int) -> int:
    found = plainly_scaled(text, digits)
    if found is None:
        raise ValueError("an amount of a bill")
    return found
