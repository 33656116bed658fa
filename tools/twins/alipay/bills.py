"""What the platform gives for reconciliation: a day's bill as a zip of GBK CSV, and the insured orders of a store (C§5.4).

The bill tells cash alone. Column sets differ by merchant; this is the common one.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import uuid4

from services.kernel.money import yuan_text
from tools.twins.alipay.calls import Call, Methods, Node
from tools.twins.alipay.cashier import ORDER
from tools.twins.alipay.fields import moment
from tools.twins.alipay.ledger import LINE, Ledger
from tools.twins.alipay.refusals import FAILED, Refusal, failed, invalid
from tools.twins.alipay.trades import Trade
from tools.twins.shelf import Document
from tools.twins.twin import Stand

DOWNLOAD: Final = "/bill/download"
LINK_LIFE: Final = timedelta(seconds=30)
_LINK: Final = "bill_link"
_KINDS: Final = ("trade", "signcustomer")
_MOST_A_PAGE: Final = 100
_TRADE_COLUMNS: Final = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
).split(",")
_ACCOUNT_COLUMNS: Final = (
    "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注"
).split(",")


class Bills:
    """The methods of reconciliation, and the download."""

    def __init__(self, stand: Stand, ledger: Ledger) -> None:
        self._stand, self._ledger = stand, ledger

    def methods(self) -> Methods:
        """By their names."""
        begin = "alipay.commerce.medical.misetorder."
        return {
            "alipay.data.dataservice.bill.downloadurl.query": self._link,
            f"{begin}orderno.batchquery": self._orders,
            f"{begin}info.query": self._order,
        }

    def download(self, token: str) -> bytes | None:
        """The file behind a link; None where the link is unknown or too old."""
        link = self._ledger.noted(_LINK, token)
        if link is None or datetime.fromisoformat(link["until"]) < self._ledger.now():
            return None
        lines = [line for line in self._ledger.booked(LINE, link["day"]) if line["app_id"] == link["app_id"]]
        day, account = date.fromisoformat(link["day"]), link["app_id"]
        table = trade_bill if link["kind"] == "trade" else account_bill
        return _zipped(f"{account}_{day:%Y%m%d}_业务明细.csv", table(account, day, lines, self._ledger.now()))

    async def _link(self, call: Call) -> Node:
        kind, day = call.fields.needed("bill_type"), _day(call, "bill_date")
        if kind not in _KINDS:
            raise invalid("bill_type", "trade或signcustomer")
        if not any(line["app_id"] == call.app_id for line in self._ledger.booked(LINE, day)):
            raise Refusal(FAILED, "isp.bill_not_exist")
        token = uuid4().hex
        until = self._ledger.now() + LINK_LIFE
        document = {"kind": kind, "day": day, "app_id": call.app_id, "until": until.isoformat()}
        with self._ledger.change():
            self._ledger.note(_LINK, token, document)
        return {"bill_download_url": f"{self._stand.url}{DOWNLOAD}?token={token}"}

    async def _orders(self, call: Call) -> Node:
        """The numbers of the insured orders of a store and a day; a return is an order of its own."""
        store, day = call.fields.needed("store_code"), _day(call, "query_date")
        page, size = call.fields.count("page_no", 1, 10_000), call.fields.count("page_size", 20, _MOST_A_PAGE)
        numbers = [line["order_no"] for line in self._ledger.booked(f"{ORDER}_line", day) if line["store"] == store]
        pages = -(-len(numbers) // size)
        return {
            "data": [{"order_no": number} for number in numbers[(page - 1) * size : page * size]],
            "page_no": str(page),
            "page_size": str(size),
            "total_count": str(len(numbers)),
            "total_pages": str(pages),
            "has_more": "true" if page < pages else "false",
        }

    async def _order(self, call: Call) -> Node:
        kept = self._ledger.noted(ORDER, call.fields.number("order_no"))
        trade = None if kept is None else self._ledger.by_key(kept["trade"])
        if kept is None or trade is None or trade.app_id != call.app_id:
            raise failed("ACQ.TRADE_NOT_EXIST")
        return _insured(trade, returned=kept["kind"] == "refund")


def trade_bill(account: str, day: date, lines: Sequence[Document], now: datetime) -> bytes:
    """The bill of a day's trades (业务明细)."""
    rows = [
        [
            f"{line['trade_no']}\t",
            f"{line['out_trade_no']}\t",
            line["kind"],
            line["subject"],
            _moment(line["created_at"]),
            _moment(line["done_at"]),
            line["store"],
            *("",) * 3,
            "twi***@sandbox.invalid",
            *(yuan_text(line["fen"]),) * 2,
            *("0.00",) * 5,
            "",
            *("0.00",) * 2,
            f"{line['request_no']}\t" if line["request_no"] else "",
            *("0.00",) * 2,
            "",
        ]
        for line in lines
    ]
    paid, back = [each for each in lines if each["fen"] > 0], [each for each in lines if each["fen"] < 0]
    tail = [
        f"#交易合计：{len(paid)}笔，商家实收共{yuan_text(sum(each['fen'] for each in paid))}元，商家优惠共0.00元",
        f"#退款合计：{len(back)}笔，商家实收退款共{yuan_text(sum(each['fen'] for each in back))}元，商家优惠退款共0.00元",
        f"#导出时间：[{now:%Y年%m月%d日 %H:%M:%S}]",
    ]
    return _table("支付宝业务明细查询", "业务明细列表", account, day, _TRADE_COLUMNS, rows, tail)


def account_bill(account: str, day: date, lines: Sequence[Document], now: datetime) -> bytes:
    """The bill of a day's account movements (账务明细)."""
    rows, balance = [], 0
    for place, line in enumerate(lines, 1):
        balance += line["fen"]
        into, out = (yuan_text(line["fen"]), "") if line["fen"] > 0 else ("", yuan_text(line["fen"]))
        rows.append(
            [
                f"{day:%Y%m%d}{place:012}\t",
                f"{line['trade_no']}\t",
                f"{line['out_trade_no']}\t",
                line["subject"],
                _moment(line["done_at"]),
                "twi***@sandbox.invalid",
                *(into, out, yuan_text(balance)),
                "支付宝",
                "在线支付" if line["fen"] > 0 else "交易退款",
                line["request_no"],
            ]
        )
    tail = [f"#导出时间：[{now:%Y年%m月%d日 %H:%M:%S}]"]
    return _table("支付宝账务明细查询", "账务明细列表", account, day, _ACCOUNT_COLUMNS, rows, tail)


def _table(
    title: str,
    name: str,
    account: str,
    day: date,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    tail: Sequence[str],
) -> bytes:
    dashes = "-" * 40
    text = io.StringIO()
    text.write(f"#{title}\r\n#账号：[{account}]\r\n")
    text.write(
        f"#起始日期：[{day:%Y年%m月%d日} 00:00:00]   终止日期：[{day + timedelta(days=1):%Y年%m月%d日} 00:00:00]\r\n"
    )
    text.write(f"#{dashes}{name}{dashes}\r\n")
    csv.writer(text).writerows([columns, *rows])
    text.write(f"#{dashes}{name}结束{dashes}\r\n")
    text.write("".join(f"{line}\r\n" for line in tail))
    return text.getvalue().encode("gbk", errors="replace")


def _zipped(name: str, content: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return held.getvalue()


def _insured(trade: Trade, *, returned: bool) -> Node:
    parts, paid_at = trade.parts, trade.medical_paid_at
    told: Node = {
        "set_id": trade.bureau_no,
        "set_time": moment(paid_at) if paid_at else "",
        "mdtrt_id": "",
        "store_mi_code": trade.asked.get("org_no", ""),
        "medfee_sumamt": yuan_text(parts.total_fen),
        "mi_pool_amt": yuan_text(parts.gov_fen),
        "mi_personal_amt": yuan_text(parts.account_fen),
        "psn_cash_pay": yuan_text(parts.own_fen),
    }
    if returned and trade.medical_returned_at is not None:
        told |= {"refund_set_id": f"R{trade.bureau_no}"[:30], "refund_set_time": moment(trade.medical_returned_at)}
    return told


def _day(call: Call, name: str) -> str:
    text = call.fields.needed(name, 10)
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise invalid(name, "形如2026-11-30") from None


def _moment(text: str) -> str:
    return moment(datetime.fromisoformat(text))
