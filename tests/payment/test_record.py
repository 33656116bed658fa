"""The record of what channels are told: nothing leaves that is not noted, nothing secret is noted, and it is written with
whatever is written next.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.payment.channels.record import Record
from services.payment.domain.told import LOOK, PLACE, ToldRequest, together
from services.payment.operations import books as bookkeeping
from services.payment.operations.books import Books, Stale, Write
from services.payment.operations.egress import FIRST, Egress
from services.payment.store.unit import PaymentStore
from services.runtime.db import Database
from services.runtime.masking import SEALED, Marks, Sealed, masked
from services.runtime.outgoing import Outgoing, SentRequest, Unanswered
from services.runtime.pos.messages import PosMessage
from tests.payment.order_fakes import Dice, House, Ticking
from tests.payment.terminal_lines import quiet
from tools.postgres import Server
from yibao.payment.v1 import channel_pb2

CHARGE = channel_pb2.ChannelCharge(
    charge_no="CHARGE0001",
    pay_auth_no="AUTH99SECRET",
    user_no="oOpenIdOfSomebody",
    location="102.68,25.05",
    payer=channel_pb2.Payer(name="试验甲", cert_no="990000188001011235", cert_type="01"),
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PaymentStore]:
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/payment.sqlite"
    server: Server | None = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        server.create("egress_rows")
        url = server.url("egress_rows")
    database = Database(url, Ticking())
    made = PaymentStore(database)
    await made.start()
    yield made
    await database.close()
    if server is not None:
        server.drop("egress_rows")


@pytest.fixture
def house(store: PaymentStore, request: pytest.FixtureRequest) -> House:
    dice = Dice(0)
    dice.calm = True
    return House(store, Ticking(), dice, f"{abs(hash(request.node.name)):x}")


def told(order: str, step: str = LOOK, at: int = 1, content: str = "{}", number: str = "C1") -> ToldRequest:
    return ToldRequest(order, "wechat", step, number, "GET", "http://127.0.0.1/q", content, at, at)


def sent(plain: Any = None, body: bytes = b"", **headers: str) -> SentRequest:
    return SentRequest("wechat", "POST", "http://127.0.0.1/pay?openid=oOpenIdOfSomebody", headers, body, plain)


def taking(found: list[ToldRequest]) -> Callable[[ToldRequest], bool]:
    def take(each: ToldRequest) -> bool:
        found.append(each)
        return True

    return take


def noted(*requests: SentRequest) -> list[ToldRequest]:
    found: list[ToldRequest] = []
    record = Record(taking(found), lambda: 7)
    with record.about("ORD1", "CHARGE0001", PLACE, CHARGE):
        for each in requests:
            record.told(each)
    return found


class TestMarks:
    def test_whoever_it_is_and_whatever_is_secret_is_marked_wherever_it_was_copied(self) -> None:
        passed = json.dumps({"payAuthNo": CHARGE.pay_auth_no, "name": f"病人{CHARGE.payer.name}"})
        plain = {"openid": CHARGE.user_no, "inner": [{"name": Sealed("xQ==", CHARGE.payer.name)}], "passed": passed}
        (found,) = noted(sent(plain, Authorization="signed", Accept="application/json"))
        told = json.loads(found.content)
        assert told["content"] == {
            "openid": "‹user_no›",
            "inner": [{"name": "‹payer.name›"}],
            "passed": '{"payAuthNo": "‹pay_auth_no›", "name": "\\u75c5\\u4eba‹payer.name›"}',
        }
        assert told["headers"] == {"Authorization": "‹header›", "Accept": "application/json"}
        assert found.target.endswith("?openid=‹user_no›")
        assert found.content.isascii()

    def test_what_was_sealed_and_is_no_field_is_told_as_sealed(self) -> None:
        assert masked({"digest": Sealed("xQ==", "0cc175b9c0f1b6a8")}, Marks(CHARGE)) == {"digest": SEALED}

    def test_a_short_value_is_marked_alone_and_not_within_numbers(self) -> None:
        of = channel_pb2.ChannelCharge(user_no="12")
        assert masked(["12", "3124", 12], Marks(of)) == ["‹user_no›", "3124", 12]

    def test_a_body_of_which_nobody_says_what_it_says_is_not_kept(self) -> None:
        (found,) = noted(sent(body=b"AUTH99SECRET"))
        assert json.loads(found.content) == {"content": {"bytes": "12"}}

    def test_of_a_card_the_last_digits_are_told_and_nothing_of_its_chip_or_its_keys(self) -> None:
        fields = {2: "9900001234567890", 14: "4912", 35: "9900001234567890D49", 52: "AB", 55: "5A08", 64: "FF"}
        text = str(PosMessage("0200", fields).masked())
        assert "7890" in text
        assert [value for value in ("99000012345", "4912", "5A08", "AB", "FF") if value in text] == []

    def test_outside_of_an_order_nothing_is_noted(self) -> None:
        found: list[ToldRequest] = []
        Record(taking(found), lambda: 7).told(sent())
        assert found == []


async def test_what_cannot_be_noted_does_not_leave() -> None:
    record = Record(lambda _: False, lambda: 7)
    outgoing = Outgoing(quiet(), record.told)
    with record.about("ORD1", "C1", LOOK, CHARGE), pytest.raises(Unanswered, match="RECORD_FULL") as full:
        # Nobody listens there: a request that left would say that it could not connect.
        await outgoing.send("wechat", "GET", "http://127.0.0.1:9/", headers={})
    assert not full.value.sent
    await outgoing.close()


def test_the_same_told_again_is_one_with_its_number_of_times() -> None:
    found = together([told("O1", at=5), told("O1", at=9), told("O1", at=7, number="C2"), told("O2", at=8)])
    assert [(each.pay_ord_id, each.number, each.first_at, each.last_at, each.times) for each in found.values()] in (
        [("O1", "C1", 5, 9, 2), ("O1", "C2", 7, 7, 1), ("O2", "C1", 8, 8, 1)],
        [("O1", "C2", 7, 7, 1), ("O1", "C1", 5, 9, 2), ("O2", "C1", 8, 8, 1)],
    )


class TestBooks:
    async def test_what_was_noted_is_written_with_what_is_written_next(self, house: House) -> None:
        order = await house.tried()
        mark = house.number("N")
        for at in (1, 2):
            assert house.books.note(told(mark, at=at))
        assert await house.books.told(mark, FIRST, 9) == []
        with pytest.raises(Stale):
            await house.books.keep(Write(order, 99))  # Even a write that comes too late brings it.
        (found,) = await house.books.told(mark, FIRST, 9)
        assert (found.first_at, found.last_at, found.times) == (1, 2, 2)
        house.books.note(told(mark, at=8))
        await house.books.write_told()
        (again,) = await house.books.told(mark, FIRST, 9)
        assert (again.first_at, again.last_at, again.times) == (1, 8, 3)

    async def test_a_transaction_that_fails_loses_nothing_of_it(self, house: House) -> None:
        other = await house.tried()
        mark = house.number("N")
        house.books.note(told(mark, at=house.books.now()))
        twin = replace(other, pay_ord_id=mark)
        assert await house.books.commit([Write(twin)]) == [False]  # The institution's number is another order's.
        assert await house.books.told(mark, FIRST, 9) == []
        await house.loop.look()
        assert len(await house.books.told(mark, FIRST, 9)) == 1

    async def test_where_too_much_waits_nothing_more_is_noted(self, house: House, monkeypatch: Any) -> None:
        monkeypatch.setattr(bookkeeping, "_MOST_UNWRITTEN", 1)
        assert house.books.note(told("N1"))
        assert not house.books.note(told("N2"))

    async def test_it_is_told_page_by_page_and_forgotten_by_its_age(self, house: House, store: PaymentStore) -> None:
        order = await house.tried()
        now = house.books.now()
        for at in range(5):
            house.books.note(told(order.pay_ord_id, at=now + at // 2, number=f"C{at}"))
        egress, seen = Egress(house.books), list[str]()
        page = await egress.page(order.pay_ord_id, FIRST, 2)
        while page.end is not None:
            seen += [each.number for each in page.entries]
            page = await egress.page(order.pay_ord_id, (page.end[0], page.end[1]), 2)
        seen += [each.number for each in page.entries]
        assert sorted(seen) == [f"C{at}" for at in range(5)]
        books = Books(store, house.clock, timedelta(days=3))
        house.clock.on(2.9 * 86_400)
        await books.forget()
        assert len(await books.told(order.pay_ord_id, FIRST, 9)) == 5
        house.clock.on(0.2 * 86_400)
        await books.forget()
        assert await books.told(order.pay_ord_id, FIRST, 9) == []
