"""The bills of a day in WeChat Pay's own form (C§5.4): trades and fund flow, CSV with a back-quote before each value, totals at
the end, SHA-1 of the plain file, GZIP on demand, a link that lives a short while. Amounts in yuan.

The fee of every merchant here is 0.20 %, given back with a refund: our choice.
"""

from __future__ import annotations

import gzip
import hashlib
import secrets
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

from tools.twins.clock import BEIJING
from tools.twins.shelf import Document
from tools.twins.wechat.errors import Refused, invalid, not_allowed, parameter
from tools.twins.wechat.ground import REFUND, TRADE, Call, Ground, Route, Told, route

LINK_LIFE: Final = timedelta(seconds=30)
_READY: Final = time(10, tzinfo=BEIJING)
_KEPT: Final = timedelta(days=92)
_FEE_PER_10000: Final = 20
_LINK: Final = "bill_link"
_BILL_TYPES: Final = ("ALL", "SUCCESS", "REFUND")
_ACCOUNTS: Final = ("BASIC", "OPERATION", "FEES")

_HEAD: Final = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类"
)
_REFUND_HEAD: Final = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
_HEADS: Final = {
    "ALL": f"{_HEAD},应结订单金额,代金券金额,{_REFUND_HEAD},商品名称,商户数据包,手续费,费率,"
    "订单金额,申请退款金额,费率备注",
    "SUCCESS": f"{_HEAD},应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注",
    "REFUND": f"{_HEAD},应结订单金额,代金券金额,退款申请时间,退款成功时间,{_REFUND_HEAD},商品名称,商户数据包,手续费,费率,"
    "订单金额,申请退款金额,费率备注",
}
_TOTALS: Final = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
_FLOW_HEAD: Final = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
_FLOW_TOTALS: Final = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"


class Bills:
    """The bills of a twin."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._last: tuple[str, bytes] = ("", b"")

    def routes(self) -> list[Route]:
        """Its part of the interface."""
        return [
            route("GET", "/v3/bill/tradebill", self._trade_bill),
            route("GET", "/v3/bill/fundflowbill", self._flow_bill),
            route("GET", "/v3/billdownload/file", self._download),
        ]

    async def _trade_bill(self, call: Call) -> Told:
        kind = call.query.get("bill_type", "ALL")
        if kind not in _BILL_TYPES:
            raise parameter("bill_type", "参数错误：bill_type 的取值不在枚举范围内")
        day, owners = self._day(call), self._owners(call)
        kinds = {"ALL": (TRADE, REFUND), "SUCCESS": (TRADE,), "REFUND": (REFUND,)}[kind]
        if not any(True for each in kinds for _ in self._of(each, day, owners)):
            raise _no_statement()
        return self._link(call, {"what": "trade", "kind": kind, "day": day.isoformat(), "owners": owners})

    async def _flow_bill(self, call: Call) -> Told:
        if call.query.get("account_type", "BASIC") not in _ACCOUNTS:
            raise parameter("account_type", "参数错误：account_type 的取值不在枚举范围内")
        day, owners = self._day(call), self._owners(call)
        moved = any(True for kind in (TRADE, REFUND) for _ in self._of(kind, day, owners))
        if not moved or call.query.get("account_type", "BASIC") != "BASIC":
            raise _no_statement()
        return self._link(call, {"what": "flow", "day": day.isoformat(), "owners": owners})

    def _day(self, call: Call) -> date:
        try:
            day = date.fromisoformat(call.query.get("bill_date", ""))
        except ValueError:
            raise parameter("bill_date", "参数错误：bill_date 应为 yyyy-MM-dd") from None
        now = self._ground.now()
        if now < datetime.combine(day + timedelta(days=1), _READY):
            raise invalid("账单尚未生成，请在次日 10 点后获取")
        if now.date() - day > _KEPT:
            raise invalid("只能获取三个月以内的账单")
        return day

    def _owners(self, call: Call) -> list[str]:
        merchant = call.merchant
        if not merchant.subs:
            return [merchant.mchid]
        sub = call.query.get("sub_mchid")
        return [merchant.owner(sub)] if sub else list(merchant.subs)

    def _of(self, kind: str, day: date, owners: Sequence[str]) -> Iterator[tuple[str, Document]]:
        for key, document in self._ground.stand.shelf.each(kind, day.isoformat()):
            if document["owner"] in owners:
                yield key, document

    def _link(self, call: Call, what: Document) -> Told:
        """Where the file is, for a short while; it is made here for its hash, and again where it was not the last."""
        tar = call.query.get("tar_type", "")
        if tar not in ("", "GZIP"):
            raise parameter("tar_type", "参数错误：tar_type 只支持 GZIP")
        token, plain = secrets.token_urlsafe(32), self._file(what)
        self._last = token, plain
        until = self._ground.now() + LINK_LIFE
        document = what | {"mchid": call.merchant.mchid, "until": until.isoformat(), "tar": tar}
        self._ground.stand.shelf.put(_LINK, token, document)
        host = call.query.get("_host") or self._ground.stand.url
        url = f"{host}/v3/billdownload/file?token={token}" + ("&tartype=gzip" if tar else "")
        return Told({"hash_type": "SHA1", "hash_value": hashlib.sha1(plain).hexdigest(), "download_url": url})

    async def _download(self, call: Call) -> Told:
        link = self._ground.get(_LINK, call.query.get("token", ""))
        if link is None or link["mchid"] != call.merchant.mchid:
            raise not_allowed("账单下载链接无效")
        if datetime.fromisoformat(link["until"]) < self._ground.now():
            raise invalid("账单下载链接已失效，请重新申请")
        data = self._last[1] if self._last[0] == call.query["token"] else self._file(link)
        if not link["tar"]:
            return Told(raw=data, headers={"Content-Type": "text/plain; charset=utf-8"})
        return Told(raw=gzip.compress(data, compresslevel=1, mtime=0), headers={"Content-Type": "application/x-gzip"})

    def _file(self, what: Document) -> bytes:
        day, owners = date.fromisoformat(what["day"]), what["owners"]
        lines = self._trade_lines(what["kind"], day, owners) if what["what"] == "trade" else self._flow(day, owners)
        return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()

    def _trade_lines(self, kind: str, day: date, owners: Sequence[str]) -> Iterator[str]:
        yield _HEADS[kind]
        count = settled = returned = fees = ordered = 0
        if kind != "REFUND":
            for _, trade in self._of(TRADE, day, owners):
                count, settled, ordered = count + 1, settled + trade["total"], ordered + trade["total"]
                fees += _fee(trade["total"])
                yield _row(_trade_values(kind, trade))
        if kind != "SUCCESS":
            for _, refund in self._of(REFUND, day, owners):
                of_trade = self._ground.get(TRADE, refund["trade"])
                assert of_trade is not None
                count, returned, fees = count + 1, returned + refund["refund"], fees - _fee(refund["refund"])
                yield _row(_refund_values(kind, refund, of_trade))
        yield _TOTALS
        yield _row([str(count), *map(_yuan, (settled, returned, 0, fees, ordered, returned))])

    def _flow(self, day: date, owners: Sequence[str]) -> Iterator[str]:
        yield _FLOW_HEAD
        moves: list[tuple[str, str, str, int, str]] = []
        for _, trade in self._of(TRADE, day, owners):
            number, own = trade["transaction_id"], trade["out_trade_no"]
            moves.append((trade["paid_at"], number, "交易", trade["total"], own))
            moves.append((trade["paid_at"], number, "扣除交易手续费", -_fee(trade["total"]), own))
        for _, refund in self._of(REFUND, day, owners):
            # Money moves when a refund is done: one that is still under way stands in a later bill, or in none.
            if refund["status"] == "SUCCESS":
                moves.append(
                    (refund["done_at"], refund["refund_id"], "退款", -refund["refund"], refund["out_refund_no"])
                )
        moves.sort(key=lambda move: (move[0], move[1]))
        balance = 0
        for number, (at, business, what, amount, own) in enumerate(moves, 1):
            balance += amount
            kind, told = ("收入" if amount > 0 else "支出"), _yuan(abs(amount))
            flow = f"{day:%Y%m%d}{number:08}"
            yield _row([_moment(at), business, flow, what, what, kind, told, _yuan(balance), "system", "", own])
        came, went = ([each[3] for each in moves if (each[3] > 0) is income] for income in (True, False))
        yield _FLOW_TOTALS
        yield _row([str(len(moves)), str(len(came)), _yuan(sum(came)), str(len(went)), _yuan(-sum(went))])


def _no_statement() -> Refused:
    return Refused(400, "NO_STATEMENT_EXIST", "账单文件不存在")


def _trade_values(kind: str, trade: Document) -> list[str]:
    total, fee = _yuan(trade["total"]), _yuan(_fee(trade["total"]), 5)
    head = [*_head(trade["paid_at"], trade, "SUCCESS"), total, "0.00"]
    tail = [trade["description"], trade["attach"], fee, "0.20%", total]
    if kind == "SUCCESS":
        return [*head, *tail, ""]
    return [*head, "0", "0", "0.00", "0.00", "", "", *tail, "0.00", ""]


def _refund_values(kind: str, refund: Document, trade: Document) -> list[str]:
    amount, fee = _yuan(refund["refund"]), _yuan(-_fee(refund["refund"]), 5)
    state = "REFUND" if refund["out_refund_no"] else "REVOKED"
    head = [*_head(refund["created_at"], trade, state), "0.00", "0.00"]
    if kind == "REFUND":
        head += [_moment(refund["created_at"]), _moment(refund["done_at"])]
    # The status is that of the acceptance: bills of refunds are never renewed.
    middle = [refund["refund_id"], refund["out_refund_no"], amount, "0.00", "ORIGINAL", "PROCESSING"]
    return [*head, *middle, trade["description"], trade["attach"], fee, "0.20%", "0.00", amount, ""]


def _head(at: str, trade: Document, state: str) -> list[str]:
    sub, person = trade["sub_mchid"] or "0", trade["openid"] or trade["sub_openid"]
    numbers = [trade["appid"], trade["mchid"], sub, "", trade["transaction_id"], trade["out_trade_no"], person]
    return [_moment(at), *numbers, trade["kind"], state, "OTHERS", trade.get("currency", "CNY")]


def _fee(fen: int) -> int:
    return (fen * _FEE_PER_10000 + 5000) // 10000


def _yuan(fen: int, decimals: int = 2) -> str:
    sign, whole = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{whole // 100}.{whole % 100:02}" + "0" * (decimals - 2)


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S}" if text else ""


def _row(values: Sequence[str]) -> str:
    return ",".join(f"`{value.replace(',', ' ')}" for value in values)
