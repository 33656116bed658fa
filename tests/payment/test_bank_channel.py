"""The bank's channel at its twin: what is charged, voided, refunded, undone and settled, and that nothing happens twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NoReturn

import pytest

from services.payment.channels.bank import BankChannel, card_fields, statement_lines
from services.payment.channels.desk import Accounts, ChannelDesk
from services.payment.channels.protocol import Delivery, Forged, Lost
from services.payment.domain.charges import BillKind, ChannelState, RefundStanding
from services.payment.domain.orders import Charge, ChargeState
from services.payment.domain.terminals import LineState, Move, Sums
from services.payment.operations.ports import Secrets
from services.runtime.db import sql
from services.runtime.outgoing import Outgoing
from services.runtime.pos.line import PosLine
from tests.payment.terminal_lines import MERCHANT, Counter, charge, counter, quiet, refund
from tools.twins.bank.cards import EMPTY, LOST, NO_REFUND
from tools.twins.bank.cards import FULL_FEN as FULL
from tools.twins.bank.cards import PLAIN as CARD
from yibao.payment.v1 import channel_pb2

DAY = date(2026, 11, 30)


@pytest.fixture(scope="module")
async def files() -> AsyncIterator[Outgoing]:
    made = Outgoing(quiet())
    yield made
    await made.close()


@pytest.fixture
async def desk(files: Outgoing, tmp_path: Path) -> AsyncIterator[Counter]:
    async with counter(files, tmp_path) as made:
        yield made


async def test_a_purchase_is_charged_with_the_banks_number_and_seen_again(desk: Counter) -> None:
    placed = await desk.channel.place(charge())
    assert (placed.standing, placed.charged_fen, len(placed.trade_no)) == (ChannelState.CHARGED, 1_000, 12)
    assert await desk.channel.look(charge()) == placed
    assert await desk.channel.close(charge()) == placed
    assert await desk.channel.place(charge()) == placed
    assert await desk.balance() == FULL - 1_000


async def test_a_terminal_of_sm4_pays_as_one_of_des(files: Outgoing, tmp_path: Path) -> None:
    async with counter(files, tmp_path, secret="SM4:31313131313131313232323232232323", terminal_no="20000001") as desk:
        merchant = channel_pb2.Merchant(merchant_no="900000000000001", app_no="20000001")
        made = charge()
        made.merchant.CopyFrom(merchant)
        assert (await desk.channel.place(made)).standing is ChannelState.CHARGED


@pytest.mark.parametrize(
    ("card", "fen", "code"), [(EMPTY, 1, "51"), (LOST, 1, "41"), (CARD, 9_161, "61"), ("123", 1, "CARD_UNREADABLE")]
)
async def test_a_refusal_is_the_banks_word_and_final(desk: Counter, card: str, fen: int, code: str) -> None:
    placed = await desk.channel.place(charge(fen=fen, card=card))
    assert (placed.standing, placed.code, placed.charged_fen) == (ChannelState.REFUSED, code, 0)
    again = await desk.channel.look(charge(fen=fen, card=card))
    assert again.standing is (ChannelState.ABSENT if code == "CARD_UNREADABLE" else ChannelState.REFUSED)


async def test_a_charge_that_was_never_sent_is_absent_until_it_is_closed(desk: Counter) -> None:
    assert (await desk.channel.look(charge())).standing is ChannelState.ABSENT
    assert (await desk.channel.close(charge())).standing is ChannelState.CLOSED
    assert (await desk.channel.place(charge())).standing is ChannelState.CLOSED
    assert desk.sent == []


@pytest.mark.parametrize("fault", ["TIMEOUT_BEFORE", "TIMEOUT_AFTER"])
async def test_a_purchase_without_an_answer_is_undone_whether_or_not_it_had_an_effect(
    desk: Counter, fault: str
) -> None:
    await desk.goes_wrong(fault, "0200", "/purchase")
    with pytest.raises(Lost) as lost:
        await desk.channel.place(charge())
    assert lost.value.sent
    assert (await desk.channel.look(charge())).standing is ChannelState.CLOSED
    assert (await desk.channel.place(charge())).standing is ChannelState.CLOSED
    assert await desk.balance() == FULL


@pytest.mark.parametrize("fen", [9_168, 9_191, 9_196, 9_198])
async def test_an_answer_that_does_not_say_whether_it_was_booked_is_undone_too(desk: Counter, fen: int) -> None:
    with pytest.raises(Lost, match=f"ANSWER_{fen % 100}"):
        await desk.channel.place(charge(fen=fen))
    assert (await desk.channel.look(charge(fen=fen))).standing is ChannelState.CLOSED


async def test_no_new_purchase_before_what_is_open_is_undone(desk: Counter) -> None:
    await desk.goes_wrong("TIMEOUT_AFTER", "0200", "/purchase")
    with pytest.raises(Lost):
        await desk.channel.place(charge("CHARGE0001"))
    await desk.goes_wrong("TIMEOUT_BEFORE", "0400", times=2)
    for _ in range(2):
        with pytest.raises(Lost) as lost:
            await desk.channel.place(charge("CHARGE0002"))
        assert not lost.value.sent
    assert await desk.balance() == FULL - 1_000
    assert (await desk.channel.place(charge("CHARGE0002"))).standing is ChannelState.CHARGED
    assert (await desk.channel.look(charge("CHARGE0001"))).standing is ChannelState.CLOSED
    assert await desk.balance() == FULL - 1_000


async def test_a_reversal_whose_answer_is_lost_is_sent_again_until_it_is_answered(desk: Counter) -> None:
    await desk.goes_wrong("TIMEOUT_AFTER", "0200", "/purchase")
    await desk.goes_wrong("TIMEOUT_AFTER", "0400")
    for wanted in (desk.channel.place, desk.channel.look):
        with pytest.raises(Lost):
            await wanted(charge())
    assert (await desk.channel.look(charge())).standing is ChannelState.CLOSED
    assert await desk.balance() == FULL


async def test_a_process_that_dies_after_it_has_sent_leaves_a_line_that_the_next_one_undoes(desk: Counter) -> None:
    await desk.channel.place(charge("CHARGE0000"))
    change, answered = desk.book.change, asyncio.Event()

    async def dies(*_: object, **__: object) -> NoReturn:
        answered.set()
        await asyncio.Event().wait()
        raise AssertionError

    desk.book.change = dies  # type: ignore[method-assign]  # what the bank has answered is not written down
    placing = asyncio.create_task(desk.channel.place(charge()))
    async with asyncio.timeout(20.0):
        await answered.wait()
    placing.cancel()
    await asyncio.gather(placing, return_exceptions=True)
    desk.book.change = change  # type: ignore[method-assign]  # as above
    assert (await desk.another().look(charge())).standing is ChannelState.CLOSED
    assert await desk.balance() == FULL - 1_000


async def test_a_late_answer_makes_nothing_stand_that_is_being_undone(desk: Counter) -> None:
    await desk.channel.place(charge("CHARGE0000"))
    begun = desk.book.change

    async def slow(line: object, state: LineState, **more: str) -> object:
        if state is LineState.STANDS:
            assert (await desk.another().look(charge())).standing is ChannelState.CLOSED
        return await begun(line, state, **more)  # type: ignore[arg-type]  # passes on what it was given

    desk.book.change = slow  # type: ignore[assignment,method-assign]  # another process is quicker
    assert (await desk.channel.place(charge())).standing is ChannelState.CLOSED
    assert await desk.balance() == FULL - 1_000


async def test_a_bank_that_is_away_has_been_told_nothing(desk: Counter) -> None:
    await desk.twin.stop()
    with pytest.raises(Lost) as lost:
        await desk.channel.place(charge())
    assert not lost.value.sent
    assert (await desk.channel.look(charge())).standing is ChannelState.ABSENT


async def test_a_bank_that_has_forgotten_the_keys_is_signed_on_to_again(desk: Counter) -> None:
    await desk.channel.place(charge("CHARGE0001"))
    other = desk.another()
    assert (await other.place(charge("CHARGE0002"))).standing is ChannelState.CHARGED
    placed = await desk.channel.place(charge("CHARGE0003"))
    assert placed.standing is ChannelState.CHARGED
    assert await desk.balance() == FULL - 3_000


async def test_a_wrong_master_key_sends_nothing_that_could_be_booked(desk: Counter) -> None:
    desk.account = replace(desk.account, secret="00112233445566778899AABBCCDDEEFF")
    with pytest.raises(Lost, match="Malformed") as lost:
        await desk.another().place(charge())
    assert not lost.value.sent


async def test_all_of_a_purchase_goes_back_by_a_void_while_its_batch_is_open(desk: Counter) -> None:
    await desk.channel.place(charge())
    returned = await desk.channel.refund(refund())
    assert (returned.standing, returned.refunded_fen) == (RefundStanding.RETURNED, 1_000)
    assert await desk.channel.refund(refund()) == returned == await desk.channel.look_refund(refund())
    assert (await desk.known("REFUND0001")).wanted.move is Move.VOID
    assert (await desk.channel.look(charge())).standing is ChannelState.RETURNED
    assert await desk.balance() == FULL


async def test_parts_go_back_one_after_the_other_and_never_more_than_was_paid(desk: Counter) -> None:
    await desk.channel.place(charge())
    standings = [
        (await desk.channel.refund(refund(f"REFUND000{number}", fen))).standing
        for number, fen in enumerate((300, 300, 401, 400, 1))
    ]
    done, refused = RefundStanding.RETURNED, RefundStanding.REFUSED
    assert standings == [done, done, refused, done, refused]
    assert (await desk.channel.look(charge())).standing is ChannelState.RETURNED
    assert await desk.balance() == FULL


async def test_a_refund_without_an_answer_is_one_refund(desk: Counter) -> None:
    await desk.channel.place(charge())
    for number, fault in enumerate(("TIMEOUT_AFTER", "TIMEOUT_BEFORE")):
        await desk.goes_wrong(fault, "0220")
        asked = refund(f"REFUND000{number}", 300)
        with pytest.raises(Lost):
            await desk.channel.refund(asked)
        seen = await desk.channel.look_refund(asked)
        assert (seen.standing, len(seen.refund_trade_no)) == (RefundStanding.RETURNED, 12)
        assert await desk.channel.refund(asked) == seen
    assert await desk.balance() == FULL - 400


async def test_a_void_without_an_answer_is_undone_and_asked_anew_under_its_number(desk: Counter) -> None:
    await desk.channel.place(charge())
    await desk.goes_wrong("TIMEOUT_AFTER", "0200", "/void")
    with pytest.raises(Lost):
        await desk.channel.refund(refund())
    assert await desk.balance() == FULL
    assert (await desk.channel.look_refund(refund())).standing is RefundStanding.ABSENT
    assert await desk.balance() == FULL - 1_000
    assert (await desk.channel.refund(refund())).standing is RefundStanding.RETURNED
    assert await desk.balance() == FULL


async def test_a_refund_that_the_account_cannot_take_needs_people(desk: Counter) -> None:
    await desk.channel.place(charge(card=NO_REFUND))
    seen = await desk.channel.refund(refund(fen=300))
    assert (seen.standing, seen.code) == (RefundStanding.ABNORMAL, "57")


async def test_what_was_never_charged_is_not_returned(desk: Counter) -> None:
    assert (await desk.channel.look_refund(refund())).standing is RefundStanding.ABSENT
    seen = await desk.channel.refund(refund())
    assert (seen.standing, seen.code) == (RefundStanding.REFUSED, "CHARGE_UNKNOWN")


async def test_the_first_message_of_a_day_settles_the_batch_of_the_day_before(desk: Counter) -> None:
    await desk.channel.place(charge("CHARGE0001"))
    await desk.next_day()
    assert (await desk.channel.place(charge("CHARGE0002"))).standing is ChannelState.CHARGED
    assert [(await desk.known(f"CHARGE000{number}")).batch for number in (1, 2)] == ["000001", "000002"]
    assert (await desk.told("differences"))["differences"] == []
    returned = await desk.channel.refund(refund())
    assert returned.standing is RefundStanding.RETURNED
    assert (await desk.known("REFUND0001")).wanted.move is Move.REFUND


async def test_a_settlement_whose_answer_is_lost_was_done_or_is_done_again(desk: Counter) -> None:
    for number, fault in enumerate(("TIMEOUT_AFTER", "TIMEOUT_BEFORE"), 1):
        await desk.channel.place(charge(f"CHARGE000{number}"))
        await desk.goes_wrong(fault, "0500")
        with pytest.raises(Lost):
            await desk.channel.settle_batch(MERCHANT)
        settled = await desk.channel.settle_batch(MERCHANT)
        assert settled is None or settled.equal
        line = await desk.known(f"CHARGE000{number}")
        assert (await desk.book.batch(line.wanted.pos)).number == f"00000{number + 1}"


async def test_a_batch_that_the_bank_does_not_end_keeps_nobody_from_paying(desk: Counter) -> None:
    await desk.channel.place(charge("CHARGE0001"))
    await desk.next_day()
    for number, fault in ((2, "TIMEOUT_BEFORE"), (3, "TIMEOUT_AFTER")):
        await desk.goes_wrong(fault, "0500")
        assert (await desk.channel.place(charge(f"CHARGE000{number}"))).standing is ChannelState.CHARGED
    assert [(await desk.known(f"CHARGE000{number}")).batch for number in (1, 2, 3)] == ["000001", "000001", "000002"]
    assert (await desk.told("differences"))["differences"] == []


async def test_who_waits_too_long_for_a_terminal_is_told_that_nothing_was_sent(
    desk: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.payment.channels.till._HELD_S", 0.01)
    async with desk.channel._till(MERCHANT).held():
        with pytest.raises(Lost, match="TILL_BUSY") as lost:
            await desk.channel.place(charge())
    assert not lost.value.sent
    assert (await desk.channel.place(charge())).standing is ChannelState.CHARGED


async def test_totals_that_differ_are_told_line_by_line(desk: Counter) -> None:
    for number in range(10):
        await desk.channel.place(charge(f"CHARGE000{number}"))
    lost = await desk.known("CHARGE0009")
    async with desk.database.driver_write() as connection:
        await connection.run(sql("DELETE FROM pay_terminal_line WHERE number = ?1"), "CHARGE0009")
    settled = await desk.channel.settle_batch(MERCHANT)
    assert settled is not None
    assert (settled.equal, settled.ours, settled.theirs) == (False, Sums(9_000, 9), Sums(10_000, 10))
    (difference,) = (await desk.told("differences"))["differences"]
    assert (difference["trace"], difference["terminal_fen"]) == (lost.trace, None)
    assert (await desk.channel.place(charge("CHARGE0010"))).standing is ChannelState.CHARGED


async def test_the_statement_of_a_day_has_every_line_under_our_number(desk: Counter) -> None:
    with pytest.raises(Lost, match="STATEMENT_404"):
        await desk.channel.bill(MERCHANT, DAY)
    placed = await desk.channel.place(charge())
    await desk.channel.refund(refund(fen=300))
    await desk.next_day()
    bought, back = await desk.channel.bill(MERCHANT, DAY)
    assert (bought.kind, bought.number, bought.trade_no, bought.amount_fen) == (
        BillKind.CHARGE,
        "CHARGE0001",
        placed.trade_no,
        1_000,
    )
    assert (back.kind, back.number, back.amount_fen, back.day) == (BillKind.REFUND, "REFUND0001", 300, DAY)
    assert await desk.channel.bill(MERCHANT, date(2026, 11, 29)) == []


def test_a_statement_is_believed_under_its_seal_alone() -> None:
    with pytest.raises(Lost, match="UNSEALED"):
        statement_lines(b"TOTAL|1|2026-11-30|0|0|0|0\nSEAL|00\n", "secret", DAY)


async def test_the_balance_is_a_fact_of_the_bank(desk: Counter) -> None:
    assert await desk.channel.balance(MERCHANT, f"{CARD}=4912") == FULL
    assert await desk.channel.balance(MERCHANT, f"{LOST}=4912") == "41"
    assert await desk.channel.balance(MERCHANT, "card") == "CARD_UNREADABLE"


def test_a_pos_calls_nobody(desk: Counter) -> None:
    with pytest.raises(Forged):
        desk.channel.hear(Delivery("bank", "", {}, b""))


async def test_what_is_recorded_of_a_message_has_no_card(desk: Counter) -> None:
    await desk.channel.place(charge())
    assert [sent.method for sent in desk.sent] == ["0800", "0200"]
    assert all(CARD not in sent.body.hex() for sent in desk.sent)
    assert CARD not in repr(await desk.known("CHARGE0001"))


def test_a_card_is_read_from_its_track_with_a_pin_where_one_was_asked() -> None:
    assert card_fields(f"{CARD}=4912") == {2: CARD, 14: "4912", 35: f"{CARD}D4912", 22: "022"}
    told = card_fields(f"{CARD}=4912000/ABCDEF0123456789")
    assert told is not None
    assert (told[22], told[52], told[35]) == ("021", "ABCDEF0123456789", f"{CARD}D4912000")
    for wrong in ("", "=4912", "1234=4912", f"{CARD}=49", f"{CARD}=4912/12"):
        assert card_fields(wrong) is None


async def test_a_merchant_whose_contract_has_ended_is_told_nothing(desk: Counter) -> None:
    def nobody(_merchant: object) -> NoReturn:
        raise KeyError

    channel = BankChannel(nobody, desk.book, PosLine(quiet()), desk.files, desk.clock)
    for asked in (channel.place, channel.look):
        with pytest.raises(Lost, match="MERCHANT_UNKNOWN") as lost:
            await asked(charge())
        assert not lost.value.sent


async def test_a_master_key_that_is_none_sends_nothing(desk: Counter) -> None:
    desk.account = replace(desk.account, secret="no key")
    with pytest.raises(Lost, match="SECRET_MALFORMED"):
        await desk.another().place(charge())


async def test_an_order_is_charged_and_given_back_at_the_desk_of_all_channels(desk: Counter) -> None:
    channels = ChannelDesk(
        [desk.channel], Accounts([desk.account]), lambda _channel, _reason: None, lambda *_: nullcontext()
    )
    message, secrets = charge(), Secrets(code=charge().code)
    message.ClearField("code")
    row = Charge(
        "CHARGE0001", "ORD1", "bank", message.form, 1_000, message.SerializeToString(), ChargeState.ASKED, 0, 0, 0
    )
    await desk.goes_wrong("TIMEOUT_AFTER", "0200", "/purchase")
    assert (await channels.place(row, secrets)).standing is ChannelState.UNKNOWN
    assert (await channels.look(row)).standing is ChannelState.CLOSED
    message.charge_no = "CHARGE0002"
    row = replace(row, charge_no="CHARGE0002", message=message.SerializeToString())
    seen = await channels.place(row, secrets)
    assert (seen.standing, seen.charged_fen) == (ChannelState.CHARGED, 1_000)
    row = replace(row, charged_fen=1_000, trade_no=seen.trade_no)
    assert (await channels.give_back(row, "REFUND0001", 1_000, None)).standing is RefundStanding.RETURNED
    assert (await channels.give_back(row, "REFUND0001", 1_000, None)).standing is RefundStanding.RETURNED
    assert await desk.balance() == FULL
