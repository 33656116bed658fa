"""Institutions are told what became of their orders: until they have heard, in order, and people see what nobody heard."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Any

import pytest

from services.kernel.errors import Fault, FaultKind
from services.payment.domain import notices
from services.payment.domain.held import NOT_TOLD, Decision
from services.payment.domain.notices import RESTS_S, NoticeKind, NoticeState, OrderNotice
from services.payment.domain.orders import PayOrder, RefundKind
from services.payment.domain.phases import Phase
from services.payment.domain.profiles import AppKeys, Profile
from services.payment.domain.refunds import Parts
from services.payment.operations import telling
from services.payment.operations.deciding import FIRST, AskedDecision, Deciding
from services.payment.operations.telling import Telling
from services.payment.peers.institutions import Institutions
from services.runtime.callbacks import Callbacks
from services.runtime.config import Config
from services.runtime.national.envelope import App, build_answer, open_request, read_outer
from services.runtime.telemetry import Telemetry
from tests.payment.order_fakes import Crash, House
from tests.runtime.national.keys import OTHER, STANDARD_PUBLIC, other, sm2, standard
from tests.runtime.receiver import Receiver, receiving

APP_ID = "5A4E1F00000000000000000000000002"
SECRET = "a-secret-of-the-tests"
HEARD = (200, b'{"success":true,"message":"ok"}')


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        made.replies = [HEARD]
        yield made


class Told:
    """A telling loop whose institution stands at a receiver, in one envelope or the other."""

    def __init__(self, house: House, receiver: Receiver, *, mobile: bool = False) -> None:
        self.house = house
        url = f"http://127.0.0.1:{receiver.port}/hi"
        keys = AppKeys(APP_ID, SECRET, OTHER, STANDARD_PUBLIC)
        self.profile = Profile("测试医院", url, keys if mobile else None)
        telemetry = Telemetry("payment", Config.load({"YIBAO_TRACE_EXPORTER": "none"}))
        self.callbacks = Callbacks(telemetry, plain=True, private=True)
        institutions = Institutions(self.callbacks, sm2, lambda order: f"revs-{order.pay_ord_id}", house.clock)
        self.given_up: list[tuple[str, str]] = []
        self.away = False
        self.telling = Telling(
            *(house.books, institutions, self._profile, lambda *_: nullcontext()),
            lambda number, why: self.given_up.append((number, why)),
        )

    async def _profile(self, fixmedins_code: str) -> Profile:
        if self.away:
            raise Fault(FaultKind.UNAVAILABLE, "SERVICE_UNAVAILABLE", retry_after_s=1.0)
        return self.profile

    async def round(self) -> list[OrderNotice]:
        """One look, each notice told before the next."""
        return [await self.telling.tell(each) for each in await self.house.books.take_notices(16)]


async def paid(house: House) -> PayOrder:
    order = await house.tried()
    await house.paying.pay(house.stamp(), order, house.plan, 1.0)
    house.channel.person_pays((await house.now(order)).charge_no)
    order = await house.rests(order)
    assert order.phase is Phase.PAID
    return order


def sent(receiver: Receiver) -> list[Any]:
    return [json.loads(body)["input"]["data"] for _, body in receiver.sent]


async def test_a_paid_order_is_told_in_the_national_envelope_until_it_was_heard(
    house: House, receiver: Receiver
) -> None:
    told, order = Told(house, receiver), await paid(house)
    receiver.replies = [(200, b'{"success":false}'), (500, b"{}"), (302, b""), (200, b"no json"), HEARD]
    tried = list[tuple[NoticeState, str]]()
    for rest in (*RESTS_S[:4], 0):
        (notice,) = await told.round()
        tried.append((notice.state, notice.reason))
        assert await told.round() == [], "it rests"
        house.clock.on(rest)
    open_, done = NoticeState.OPEN, NoticeState.TOLD
    assert tried == [(open_, "NOT_HEARD"), (open_, "HTTP_500"), (open_, "HTTP_302"), (open_, "NOT_HEARD"), (done, "")]
    outer = json.loads(receiver.sent[0][1])
    assert (outer["infno"], outer["fixmedins_name"]) == ("6302", "测试医院")
    data = sent(receiver)[-1]
    assert (data["callType"], data["ordStas"], data["medOrgOrd"]) == ("02", "6", order.med_org_ord)
    assert (data["feeSumamt"], data["ownPayAmt"], data["setlType"]) == ("100.00", "30.00", "ALL")
    assert data["revsToken"] == f"revs-{order.pay_ord_id}"
    assert order.bill.psn_no not in receiver.sent[0][1].decode()
    house.clock.on(90_000)
    assert await told.round() == []
    await told.callbacks.close()


async def test_in_the_mobile_envelope_it_is_sealed_and_only_a_good_signature_says_that_it_was_heard(
    house: House, receiver: Receiver
) -> None:
    told, order = Told(house, receiver, mobile=True), await paid(house)
    theirs = App(APP_ID, SECRET, standard(), other().public)
    forger = App(APP_ID, SECRET, other(), standard().public)

    def answer(app: App, code: int) -> Any:
        return lambda body: (200, build_answer(app, read_outer(body), {}, house.clock(), code=code))

    receiver.replies = [answer(forger, 0), answer(theirs, -1), answer(theirs, 0)]
    reasons = list[str]()
    for rest in (*RESTS_S[:2], 0):
        (notice,) = await told.round()
        reasons.append(notice.reason)
        house.clock.on(rest)
    assert reasons == ["AUTHENTICATION_FAILED", "NOT_HEARD", ""]
    house.clock.on(-sum(RESTS_S[:2]))
    opened = open_request(theirs, read_outer(receiver.sent[0][1]), house.clock())
    assert (opened.data["payOrdId"], opened.data["callType"]) == (order.pay_ord_id, "02")
    await told.callbacks.close()


async def test_refunds_and_revocations_are_told_too_each_after_what_was_before(
    house: House, receiver: Receiver
) -> None:
    told, order = Told(house, receiver), await paid(house)
    house.clock.on(1)
    await house.refunding.refund(house.stamp(), order, "A1", RefundKind.CASH, Parts(1_000, 0, 0, 1_000), 1.0)
    revoked = await house.tried()
    await house.saving.revoke(house.stamp(), revoked, 1.0)
    receiver.replies = [(500, b""), HEARD]
    first = await told.round()
    assert {each.kind for each in first} == {NoticeKind.PAID, NoticeKind.REVOKED}
    for _ in range(3):
        house.clock.on(RESTS_S[0])
        await told.round()
    heard = [
        (each["payOrdId"], each["ordStas"], each.get("callType"), each.get("refStatus")) for each in sent(receiver)
    ]
    of_order = [each[1:] for each in heard if each[0] == order.pay_ord_id]
    assert of_order[-2:] == [("10", "02", None), ("10", None, "SUCC")]
    assert [each[1] for each in heard if each[0] == revoked.pay_ord_id][-1] == "12"
    refund = sent(receiver)[-1]
    assert (refund["appRefdSn"], refund["cashRefdAmt"]) == ("A1", "10.00")
    await told.callbacks.close()


async def test_an_order_that_was_never_saved_is_told_to_nobody(house: House, receiver: Receiver) -> None:
    told = Told(house, receiver)
    order = await house.tried()
    await house.paying.pay(house.stamp(), order, house.plan, 1.0)
    house.clock.on(2_000)
    order = await house.rests(order)
    assert order.phase is not Phase.PAID
    assert await told.round() == []


async def test_who_dies_between_the_answer_and_the_mark_tells_it_again(house: House, receiver: Receiver) -> None:
    told = Told(house, receiver)
    await paid(house)
    keep, house.books.keep_notice = house.books.keep_notice, _dies  # type: ignore[method-assign]  # the process is gone
    with pytest.raises(Crash):
        await told.round()
    house.books.keep_notice = keep  # type: ignore[method-assign]  # another process
    assert await told.round() == [], "its lease is not over"
    house.clock.on(31)
    (notice,) = await told.round()
    assert (notice.state, len(receiver.sent)) == (NoticeState.TOLD, 2)
    await told.callbacks.close()


async def test_what_nobody_hears_for_a_day_rests_where_people_see_it(house: House, receiver: Receiver) -> None:
    told, order = Told(house, receiver), await paid(house)
    receiver.replies = [(503, b"")]
    for rest in RESTS_S:
        (notice,) = await told.round()
        assert notice.state is NoticeState.OPEN
        house.clock.on(rest)
    (notice,) = await told.round()
    assert notice.state is NoticeState.GIVEN_UP
    assert told.given_up == [(notice.notice_no, "HTTP_503")]
    house.clock.on(90_000)
    assert await told.round() == []
    deciding = Deciding(house.books, house.driving, lambda: house.number("D"))
    (held,) = (await deciding.page(FIRST, 10)).entries
    assert (held.number, held.reason, held.safe) == (
        notice.notice_no,
        NOT_TOLD,
        (Decision.ASK_AGAIN, Decision.TAKEN_AS_TOLD),
    )
    await told.telling.look()
    assert (told.telling.counts["notice_given_up"], told.telling.counts["notice_open"]) == (1, 0)
    receiver.replies = [HEARD]
    asked = AskedDecision(held.number, Decision.ASK_AGAIN, "the address was wrong", "", "op1")
    decided, after = await deciding.decide(house.stamp(), asked, 1.0)
    assert (decided.pay_ord_id, after.phase) == (order.pay_ord_id, Phase.PAID)
    (notice,) = await told.round()
    assert notice.state is NoticeState.TOLD
    assert (await deciding.page(FIRST, 10)).entries == ()
    await told.callbacks.close()


async def test_without_an_address_nothing_is_told_and_while_identity_is_away_it_waits(
    house: House, receiver: Receiver
) -> None:
    told = Told(house, receiver)
    await paid(house)
    told.away = True
    (notice,) = await told.round()
    assert (notice.state, notice.reason) == (NoticeState.OPEN, "SERVICE_UNAVAILABLE")
    told.away, told.profile = False, Profile("测试医院")
    house.clock.on(RESTS_S[0])
    (notice,) = await told.round()
    assert (notice.state, receiver.sent) == (NoticeState.NOWHERE, [])


def test_attempts_are_bounded_and_begin_anew_when_people_say_so() -> None:
    notice = OrderNotice("N", "O", NoticeKind.PAID, 0, 0)
    for _ in range(len(RESTS_S) + 1):
        notice = notices.after(notice, notices.TellingOutcome(reason="x" * 100), notice.due_at)
    assert (notice.state, len(notice.reason)) == (NoticeState.GIVEN_UP, 60)
    assert notices.again(notice, 5).state is NoticeState.OPEN


async def _dies(notice: OrderNotice) -> None:
    raise Crash


async def test_who_keeps_a_place_for_long_in_vain_is_left_alone_for_a_while(
    house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(house, receiver)
    monkeypatch.setattr(telling, "_SLOW_S", 0.0)
    receiver.replies = [(500, b"")]
    await paid(house)
    await paid(house)
    first, second = await told.round()
    assert (first.reason, second.reason, len(receiver.sent)) == ("HTTP_500", "HTTP_500", 1)
    assert (first.tries, second.tries) == (1, 1)
    monkeypatch.setattr(telling, "_LEFT_ALONE_S", 0.0)
    told.telling._slow.clear()
    receiver.replies = [HEARD]
    house.clock.on(RESTS_S[0])
    assert [each.state for each in await told.round()] == [NoticeState.TOLD] * 2
    await told.callbacks.close()
