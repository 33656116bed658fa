"""What Alipay's words mean, one by one, and answers that are none (C§2.3, C§5.5)."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from services.kernel.clock import system_clock
from services.payment.channels import alipay_words as words
from services.payment.channels.alipay import Alipay
from services.payment.channels.alipay_gateway import Node
from services.payment.channels.protocol import Lost
from services.payment.domain.accounts import Account
from services.payment.domain.charges import BillKind, BillLine, ChannelState, Half, RefundStanding, Seen
from services.runtime import rsa
from services.runtime.outgoing import HttpAnswer, Outgoing, Unanswered
from tests.payment.alipay_counter import CODE, charge
from tools.twins import keys
from tools.twins.alipay.bills import trade_bill
from tools.twins.shelf import Shelf

PAID = {"total_amount": "30.00", "trade_no": "T1"}
HALVES = {**PAID, "total_amount": "100.00", "real_amount": "30.00", "alipay_trade_no": "A1"}
WAIT, DONE, SHUT = "WAIT_BUYER_PAY", "TRADE_SUCCESS", "TRADE_CLOSED"


@pytest.mark.parametrize(
    ("told", "standing", "charged_fen"),
    [
        ({"trade_status": WAIT}, ChannelState.WAITING, 0),
        ({"trade_status": DONE}, ChannelState.CHARGED, 3_000),
        ({"trade_status": "TRADE_FINISHED"}, ChannelState.CHARGED, 3_000),
        ({"trade_status": SHUT}, ChannelState.CLOSED, 0),
        ({"trade_status": SHUT, "send_pay_date": "2026-11-30 16:00:00"}, ChannelState.RETURNED, 3_000),
        ({"trade_status": SHUT, "gmt_payment": "2026-11-30 16:00:00"}, ChannelState.RETURNED, 3_000),
        ({"trade_status": "TRADE_PENDING"}, ChannelState.UNKNOWN, 0),
        ({"trade_status": ""}, ChannelState.UNKNOWN, 0),
        ({}, ChannelState.UNKNOWN, 0),
        ({"trade_status": DONE, "total_amount": "30.001"}, ChannelState.UNKNOWN, 0),
        ({"trade_status": DONE, "total_amount": 30}, ChannelState.UNKNOWN, 0),
        ({"trade_status": DONE, "total_amount": None}, ChannelState.UNKNOWN, 0),
    ],
)
def test_a_plain_trade(told: Node, standing: ChannelState, charged_fen: int) -> None:
    seen = words.seen_of({**PAID, **told})
    assert (seen.standing, seen.half, seen.charged_fen) == (standing, Half.NONE, charged_fen)


@pytest.mark.parametrize(
    ("own", "medical", "more", "standing", "half"),
    [
        (WAIT, WAIT, {}, ChannelState.WAITING, Half.WAITING),
        (DONE, WAIT, {}, ChannelState.CHARGED, Half.WAITING),
        (DONE, DONE, {"gmt_medical_paid": "2026-11-30 16:00:00"}, ChannelState.CHARGED, Half.DONE),
        (DONE, SHUT, {}, ChannelState.CHARGED, Half.FAILED),
        (DONE, SHUT, {"gmt_medical_paid": "2026-11-30 16:00:00"}, ChannelState.CHARGED, Half.RETURNED),
        (SHUT, DONE, {"gmt_own_paid": "2026-11-30 16:00:00"}, ChannelState.RETURNED, Half.DONE),
        (SHUT, SHUT, {}, ChannelState.CLOSED, Half.FAILED),
        (DONE, "ODD", {}, ChannelState.CHARGED, Half.UNKNOWN),
        ("ODD", DONE, {}, ChannelState.UNKNOWN, Half.DONE),
        (DONE, None, {}, ChannelState.CHARGED, Half.NONE),
        (None, DONE, {"real_amount": "0.00"}, ChannelState.CHARGED, Half.DONE),
        (None, WAIT, {"real_amount": "0.00"}, ChannelState.WAITING, Half.WAITING),
    ],
)
def test_the_halves_of_a_medical_trade(
    own: str | None, medical: str | None, more: dict[str, str], standing: ChannelState, half: Half
) -> None:
    told = {**HALVES, "own_pay_status": own, "medical_pay_status": medical, **more}
    seen = words.seen_of({name: value for name, value in told.items() if value is not None}, added_fen=500)
    assert (seen.standing, seen.half) == (standing, half)
    assert (seen.trade_no, seen.mix_trade_no, seen.total_fen) == ("A1", "T1", 9_500)


@pytest.mark.parametrize(
    ("told", "standing"),
    [
        ({"code": "40004", "sub_code": "ACQ.BUYER_BALANCE_NOT_ENOUGH"}, ChannelState.REFUSED),
        ({"code": "40004", "sub_code": "ACQ.TRADE_HAS_CLOSE"}, ChannelState.CLOSED),
        ({"code": "40004", "sub_code": "ACQ.TRADE_HAS_SUCCESS"}, ChannelState.UNKNOWN),
        ({"code": "40004", "sub_code": "ACQ.CONTEXT_INCONSISTENT"}, ChannelState.UNKNOWN),
        ({"code": "40004", "sub_code": "ACQ.SYSTEM_ERROR"}, ChannelState.UNKNOWN),
        ({"code": "40004"}, ChannelState.UNKNOWN),
        ({"code": "40002", "sub_code": "isv.invalid-signature"}, ChannelState.REFUSED),
        ({"code": "40006"}, ChannelState.REFUSED),
        ({"code": "49999"}, ChannelState.UNKNOWN),
    ],
)
def test_a_charge_that_is_not_taken(told: Node, standing: ChannelState) -> None:
    assert words.refused_charge(told).standing is standing


@pytest.mark.parametrize(
    ("told", "standing", "fen"),
    [
        ({"refund_status": "REFUND_SUCCESS", "refund_amount": "5.00"}, RefundStanding.RETURNED, 500),
        ({"refund_status": "REFUND_SUCCESS"}, RefundStanding.UNKNOWN, 0),
        ({"refund_amount": "5.00"}, RefundStanding.UNDER_WAY, 0),
        ({"refund_status": "REFUND_FAIL"}, RefundStanding.REFUSED, 0),
        ({"refund_status": "REFUND_ABNORMAL"}, RefundStanding.ABNORMAL, 0),
        ({"deposit_back_info": {"dback_status": "F"}}, RefundStanding.ABNORMAL, 0),
        ({"deposit_back_info": {"dback_status": "S"}, "refund_status": "ODD"}, RefundStanding.UNKNOWN, 0),
    ],
)
def test_a_refund(told: Node, standing: RefundStanding, fen: int) -> None:
    seen = words.refund_seen(told)
    assert (seen.standing, seen.refunded_fen) == (standing, fen)


@pytest.mark.parametrize(
    ("told", "standing"),
    [
        ({"code": "10000", "retry_flag": "N", "action": "close"}, ChannelState.CLOSED),
        ({"code": "10000", "retry_flag": "N"}, ChannelState.CLOSED),
        ({"code": "10000", "retry_flag": "N", "action": "refund"}, ChannelState.RETURNED),
        ({"code": "10000", "retry_flag": "Y"}, ChannelState.UNKNOWN),
        ({"code": "40004"}, ChannelState.UNKNOWN),
    ],
)
def test_a_cancel(told: Node, standing: ChannelState) -> None:
    assert words.cancelled(told).standing is standing


ROW = {"业务类型": "退款", "完成时间": "2026-11-30 23:59:59", "订单金额（元）": "-2.30", "服务费（元）": "-0.01"}
ROW |= {"商户订单号": "C1", "退款批次号/请求号": "R1", "支付宝交易号": "T1"}


def test_a_line_of_a_bill() -> None:
    assert words.bill_line(ROW) == BillLine(BillKind.REFUND, "R1", "T1", 230, date(2026, 11, 30), 1)
    assert words.bill_line({**ROW, "业务类型": "转账"}) is None
    # What a cancel gave back has no number of a refund.
    assert words.bill_line({**ROW, "退款批次号/请求号": ""}) == BillLine(
        BillKind.REFUND, "C1", "T1", 230, date(2026, 11, 30), 1
    )
    for name in ("完成时间", "订单金额（元）", "服务费（元）"):
        with pytest.raises(ValueError, match="a line of a bill"):
            words.bill_line({**ROW, name: "1.234"})


@dataclass
class Answering(Outgoing):
    """An outgoing pool that answers what it is given."""

    answers: list[HttpAnswer | Unanswered]

    async def send(self, *_: object, **__: object) -> HttpAnswer:
        answer = self.answers.pop(0)
        if isinstance(answer, Unanswered):
            raise answer
        return answer


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    """The platform's, and the merchant's own."""
    shelf = Shelf()
    try:
        return keys.rsa_key(shelf, "any")
    finally:
        shelf.close()


def asked(key: RSAPrivateKey, *answers: HttpAnswer | Unanswered | tuple[str, str]) -> Alipay:
    """A channel whose next calls are answered so; of a node and its content the platform signs an answer."""
    provider_keys = {"1": keys.public_pem(key.public_key())}
    account = Account(
        channel="alipay",
        fixmedins_code="H1",
        merchant_no="2021000000000001",
        address="http://127.0.0.1:1",
        private_key=keys.private_pem(key),
        provider_keys=provider_keys,
    )
    told = [signed(key, *each) if isinstance(each, tuple) else each for each in answers]
    return Alipay([account], Answering(told), system_clock)


def signed(key: RSAPrivateKey, name: str, node: str) -> HttpAnswer:
    """An answer that the platform has signed, with blanks where they do no harm."""
    return HttpAnswer(200, {}, f'{{ "{name}" : {node} , "sign":"{rsa.sign(key, node.encode())}"}}'.encode())


QUERY = "alipay_trade_query_response"
UNSEEN = '{"code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST","sub_msg":"a \\/ b"}'


async def test_an_answer_is_proven_by_the_bytes_of_its_node_whatever_stands_around_it(key: RSAPrivateKey) -> None:
    assert await asked(key, (QUERY, UNSEEN)).look(charge("WORDS0001", CODE)) == Seen(ChannelState.ABSENT)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (HttpAnswer(200, {}, b""), "ANSWER_MALFORMED"),
        (HttpAnswer(200, {}, b"[]"), "ANSWER_MALFORMED"),
        (HttpAnswer(200, {}, b"\xff"), "ANSWER_MALFORMED"),
        (HttpAnswer(200, {}, b'{"sign":"AA"}'), "ANSWER_MALFORMED"),
        (HttpAnswer(200, {}, f'{{"{QUERY}":{UNSEEN}}}'.encode()), "ANSWER_UNPROVEN"),
        (HttpAnswer(200, {}, f'{{"{QUERY}":{UNSEEN},"sign":"AAAA"}}'.encode()), "ANSWER_UNPROVEN"),
        (("alipay_trade_pay_response", UNSEEN), "ANSWER_MALFORMED"),
        ((QUERY, '{"code":10000}'), "ANSWER_MALFORMED"),
        ((QUERY, '{"code":"20000","sub_code":"isp.unknow-error"}'), "DOWN_isp.unknow-error"),
        (("error_response", '{"code":"20001"}'), "DOWN_20001"),
        ((QUERY, UNSEEN.replace("{", '{"out_trade_no":"ANOTHER01",', 1)), "ANSWER_OF_ANOTHER"),
        (HttpAnswer(502, {}, b"bad gateway"), "STATUS_502"),
        (Unanswered("ReadTimeout", sent=True), "ReadTimeout"),
    ],
)
async def test_what_is_no_proven_answer_is_lost(
    key: RSAPrivateKey, answer: HttpAnswer | Unanswered | tuple[str, str], reason: str
) -> None:
    with pytest.raises(Lost) as told:
        await asked(key, answer).look(charge("WORDS0001", CODE))
    assert (told.value.reason, told.value.sent) == (reason, True)


def zipped(*files: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip with these files."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as made:
        for number, content in enumerate(files):
            made.writestr(f"{number}.csv", content)
    return held.getvalue()


LINK = (
    "alipay_data_dataservice_bill_downloadurl_query_response",
    '{"code":"10000","bill_download_url":"http://127.0.0.1:1/bill"}',
)
DAY = date(2026, 11, 30)
BILL = trade_bill("2021000000000001", DAY, [], system_clock())


@pytest.mark.parametrize(
    "held",
    [
        b"",
        b"no zip",
        zipped(b"\xff\xff"),
        zipped(BILL + '商户订单号,"\r\n1,2,3\r\n'.encode("gbk")),
        zipped()[:-4],
        zipped(BILL + b"1" * (csv.field_size_limit() + 1)),
        zipped(BILL, method=zipfile.ZIP_BZIP2),
    ],
)
async def test_a_bill_that_cannot_be_read_is_lost_whole(key: RSAPrivateKey, held: bytes) -> None:
    with pytest.raises(Lost, match="BILL_MALFORMED"):
        await asked(key, LINK, HttpAnswer(200, {}, held)).bill(charge("WORDS0001", CODE).merchant, DAY)


async def test_a_summary_in_the_same_zip_has_no_lines(key: RSAPrivateKey) -> None:
    summary = "#汇总\r\n门店编号,交易订单总笔数\r\n1,2\r\n".encode("gbk")
    channel = asked(key, LINK, HttpAnswer(200, {}, zipped(summary, BILL)))
    assert await channel.bill(charge("WORDS0001", CODE).merchant, DAY) == []
