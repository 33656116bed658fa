"""Orders of mobile payment under attack: lost answers, crashes, early and late notifies. Money at the channel is what the order
says, nothing is shown as paid before its settlement stands, and every order comes to rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.kernel import authorisations
from services.kernel.authorisations import digest_of
from services.kernel.errors import Fault, precondition
from services.payment.domain import steps
from services.payment.domain.charges import About, ChannelState, Half, Heard, Seen
from services.payment.domain.orders import (
    SECOND,
    Bill,
    Charge,
    ChargeState,
    Forbidden,
    PayOrder,
    Refund,
    RefundKind,
    RefundState,
    bank_part_fen,
    kept,
    moved,
)
from services.payment.domain.phases import MOVES, RUNNING, Phase, ord_stas
from services.payment.domain.refunds import Parts
from services.payment.domain.splits import Split
from services.payment.operations.books import Write
from services.payment.operations.ports import Secrets
from services.payment.store.unit import PaymentStore
from services.runtime.committer import Committer
from services.runtime.db import Database
from tests.payment.order_fakes import BANK, NO_CASH, SPLIT, Booked, Dice, House, Ticking

DAYS = 26
CASH = Parts(total_fen=1_000, acct_fen=0, fund_fen=0, cash_fen=1_000)


@pytest.fixture(scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PaymentStore]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('store')}/payment.sqlite", Ticking())
    made = PaymentStore(database)
    await made.start()
    yield made
    await database.close()


async def some_day(house: House) -> PayOrder:
    """What happens to one order on a bad day, in any order."""
    dice = house.dice.chance
    order = await house.tried(dice.choice((SPLIT, SPLIT, SPLIT, BANK, NO_CASH)))
    house.crashes = 0.06
    house.channel.wrong_fen = dice.choice((0, 0, 0, 0, 0, 0, 0, 1))
    await house.tries(lambda: house.paying.pay(house.stamp(), order, house.plan, 0.3))
    for turn in range(dice.randint(2, 10)):
        now = await house.now(order)
        match dice.choice(("pays", "hears", "hears", "again", "round", "revoke", "refund", "all", "wait")):
            case "pays":
                house.channel.person_pays(now.charge_no)
            case "hears":
                heard = house.channel.notify(now.charge_no, f"{house.mark}-{dice.randint(0, turn)}")
                await house.tries(lambda: house.paying.hear("fake", heard))  # noqa: B023
            case "again":
                await house.tries(lambda: house.saving.place(house.stamp(), now, ""))  # noqa: B023
                placed = await house.now(order)
                await house.tries(lambda: house.paying.pay(house.stamp(), placed, house.plan, 0.3))  # noqa: B023
            case "round":
                await house.tries(house.round)
            case "revoke" if turn > 4:
                await house.tries(lambda: house.saving.revoke(house.stamp(), now, 0.3))  # noqa: B023
            case "refund":
                number = f"A{dice.randint(0, 2)}"
                await house.tries(
                    lambda: house.refunding.refund(house.stamp(), now, number, RefundKind.CASH, CASH, 0.3)  # noqa: B023
                )
            case "all":
                left = now.charged_fen - now.refunded_fen - bank_part_fen(now)
                parts = Parts(left + 7_000, SPLIT.acct_fen, SPLIT.fund_fen, left)
                await house.tries(
                    lambda: house.refunding.refund(house.stamp(), now, "ALL", RefundKind.ALL, parts, 0.3)  # noqa: B023
                )
            case _:
                house.clock.on(dice.choice((1, 5, 31, 120, 900)))
        shown = await house.now(order)
        if shown.phase is Phase.PAID:
            assert house.settlement.states[shown.open_no] in ("stands", "reversed"), "shown as paid before Confirm"
    return await house.rests(order)


async def checked(house: House, order: PayOrder, where: str) -> None:
    """That the books agree."""
    assert order.phase not in RUNNING, where
    charges = await house.charges(order)
    for each in charges:
        booked = house.channel.booked.get(each.charge_no)
        assert booked is None or 0 <= sum(booked.returns.values()) <= max(booked.paid_fen, 0), where
    refunds = await house.books.refunds(order.pay_ord_id)
    if order.phase is Phase.HELD:
        assert order.reason, where
        return
    stands = house.settlement.states.get(order.open_no) == "stands"
    assert stands == (order.phase is Phase.PAID and not order.insured_returned), where
    left = order.charged_fen - order.refunded_fen if order.phase is Phase.PAID else 0
    strays = [each for each in charges if each.state is not ChargeState.HELD]
    assert house.channel.left_fen(strays) == left, where
    if order.phase is Phase.PAID:
        done = [each for each in refunds if each.state is RefundState.DONE]
        assert sum(each.back_fen for each in done) == order.refunded_fen <= order.charged_fen, where
    assert all(each.state in (RefundState.DONE, RefundState.REFUSED) for each in refunds), where


async def test_whatever_gets_lost_money_at_the_channel_is_what_the_order_says(store: PaymentStore) -> None:
    """Many random days, each from its own number."""
    clock = Ticking()
    seen: set[Phase] = set()
    walked: set[tuple[Phase, Phase]] = set()
    for day in range(DAYS):
        house = House(store, clock, Dice(day), f"d{day}")
        order = await some_day(house)
        seen.add(order.phase)
        walked |= house.walked
        await checked(house, order, f"day {day}: {order}")
    assert {Phase.PAID, Phase.FAILED, Phase.REVOKED} <= seen
    strange = {(was, after) for was, after in walked if was is not after and after not in MOVES[was]}
    assert not strange
    assert len(walked) > 20, "the days are worth little"


def test_only_the_moves_of_the_table_are_made_and_every_phase_has_a_word() -> None:
    """Each pair of phases, and the word of each phase in the dictionary."""
    order = plain()
    for was in Phase:
        for after in Phase:
            standing = replace(order, phase=was)
            if after is was or after in MOVES[was]:
                assert moved(standing, after, 1).phase is after
            else:
                with pytest.raises(Forbidden):
                    moved(standing, after, 1)
        told = ord_stas(was, agreed=False, charged_fen=5, refunded_fen=0, insured_returned=False, knows_17=True)
        assert (told == 6) == (was is Phase.PAID)
        assert 0 <= told <= 17
        assert was not in RUNNING or MOVES[was]


async def test_an_order_of_which_the_channel_believes_another_whole_is_held_with_what_was_collected(
    store: PaymentStore,
) -> None:
    """Before, such an order could not be stored, and was asked about for ever."""
    house = House(store, Ticking(), calm(), "whole")
    order = await paid_by(house, Seen(ChannelState.CHARGED, Half.DONE, SPLIT.cash_fen, total_fen=9_999, doubted=True))
    assert (order.phase, order.reason, order.charged_fen) == (Phase.HELD, steps.AMOUNT_DIFFERS, SPLIT.cash_fen)


async def test_an_amount_that_no_store_can_hold_holds_the_order(store: PaymentStore) -> None:
    """A channel may say anything."""
    for number, charged_fen in enumerate((10**30, -5)):
        house = House(store, Ticking(), calm(), f"huge{number}")
        order = await paid_by(house, Seen(ChannelState.CHARGED, charged_fen=charged_fen))
        assert (order.phase, order.reason) == (Phase.HELD, steps.AMOUNT_DIFFERS)


async def test_a_failed_insured_half_without_cash_is_made_void_and_nothing_is_sent_back(store: PaymentStore) -> None:
    """A return of nothing would be refused by the channel, and the order held."""
    house = House(store, Ticking(), calm(), "half")
    order = await paid_by(house, Seen(ChannelState.CHARGED, Half.FAILED), NO_CASH)
    assert (order.phase, order.reason) == (Phase.FAILED, steps.INSURED_HALF_FAILED)
    assert house.settlement.states[order.open_no] == "void"


def test_a_close_proves_nothing_of_an_agreed_order_without_cash_until_its_settlement_lapses() -> None:
    """The channel may book the insured half that the bureau has agreed to."""
    order = replace(plain(), phase=Phase.CLOSING, agreed=True, charge_no="C", split=NO_CASH)
    charge = Charge("C", order.pay_ord_id, "fake", 1, 0, b"", ChargeState.WAITING, 0, 900 * SECOND, 0)
    last = (900 + steps.BEYOND_S) * SECOND
    closed = Seen(ChannelState.CLOSED, unasked=True)
    assert steps.after_seen(order, charge, closed, last - 1).order.phase is Phase.CLOSING
    assert steps.after_seen(order, charge, closed, last).order.phase is Phase.VOIDING
    assert steps.after_seen(replace(order, agreed=False), charge, closed, 1).order.phase is Phase.VOIDING
    assert steps.after_seen(order, charge, Seen(ChannelState.CLOSED), 1).order.phase is Phase.VOIDING
    done = Seen(ChannelState.CHARGED, Half.DONE)
    assert steps.after_seen(order, charge, done, 1).order.phase is Phase.CHARGED


def test_a_channel_that_knew_nothing_is_believed_by_when_it_was_asked() -> None:
    """What was on the way then may have arrived before its answer did."""
    order = replace(plain(), phase=Phase.PLACING, charge_no="C")
    charge = Charge("C", order.pay_ord_id, "fake", 1, 3_000, b"", ChargeState.ASKED, 0, 900 * SECOND, 0)
    absent, last = Seen(ChannelState.ABSENT), steps.ABSENT_S * SECOND
    assert steps.after_seen(order, charge, absent, 2 * last, last - 1).order.phase is Phase.PLACING
    assert steps.after_seen(order, charge, absent, 2 * last, last).order.phase is Phase.VOIDING


async def test_an_answer_that_comes_after_the_order_went_on_sends_the_money_back(store: PaymentStore) -> None:
    """Nobody else may ever say that it was collected."""
    house = House(store, Ticking(), calm(), "late")
    order = await house.tried()

    async def place(charge: Charge, secrets: object) -> Seen:
        house.clock.on(31)
        await house.round()
        house.channel.booked[charge.charge_no] = Booked(charge.charge_fen, "charged", charge.charge_fen)
        return Seen(ChannelState.CHARGED, charged_fen=charge.charge_fen)

    house.channel.place = place  # type: ignore[method-assign]  # the call takes longer than anybody believes
    await house.tries(lambda: house.paying.pay(house.stamp(), order, house.plan, 1.0))
    order = await house.rests(order)
    assert order.phase is Phase.FAILED
    assert house.channel.left_fen(await house.charges(order)) == 0


async def test_whoever_lost_the_lease_is_told_that_the_outcome_is_not_known(store: PaymentStore) -> None:
    """Not an internal fault; nothing was charged."""
    house = House(store, Ticking(), calm(), "lease")
    order = await house.tried()

    async def hold(order: PayOrder, expires_s: int) -> None:
        house.clock.on(31)
        await house.round()

    house.settlement.hold = hold  # type: ignore[method-assign]  # the call takes longer than the lease
    with pytest.raises(Fault) as refused:
        await house.paying.pay(house.stamp(), order, house.plan, 1.0)
    assert refused.value.reason == "OUTCOME_UNKNOWN"
    assert not house.channel.booked


async def test_an_order_of_which_nobody_knows_whether_it_was_opened_is_made_void_at_once(store: PaymentStore) -> None:
    """Not when a lease ends that nobody has any more: the person's ledger waits with it."""
    house = House(store, Ticking(), calm(), "left")
    order = await house.tried()
    house.settlement.away_for[""] = 1
    with pytest.raises(Fault) as refused:
        await house.paying.pay(house.stamp(), order, house.plan, 1.0)
    assert refused.value.reason == "OUTCOME_UNKNOWN"
    await house.round()
    ended = await house.now(order)
    assert (ended.phase, house.settlement.states[ended.open_no]) == (Phase.FAILED, "void")


async def test_an_authorisation_is_spent_for_one_of_two_orders_at_the_same_moment(store: PaymentStore) -> None:
    """Both have read it unspent."""
    house = House(store, Ticking(), calm(), "auth")
    first, second = await house.tried(), await house.tried()
    found = authorisations.new(digest_of("AUTH"), "P1", "H11010000001", house.books.now())
    await house.books.keep(Write(authorisations=(found,)))
    writes = [
        Write(kept(each, 1), each.version, authorisations=(replace(found, used_by=each.pay_ord_id),))
        for each in (first, second)
    ]
    assert await house.books.commit(writes) == [True, False]
    assert await house.books.commit([Write(authorisations=(found,))]) == [False]
    spent = await house.books.authorisation(found.auth)
    assert spent is not None
    assert spent.used_by == first.pay_ord_id


async def test_who_comes_second_under_a_number_keeps_no_other_write_from_being_kept(store: PaymentStore) -> None:
    """All are in one batch of the committer."""
    house = House(store, Ticking(), calm(), "batch")
    first, other = await house.tried(), await house.tried()
    committer: Committer[Write, bool] = Committer("test", house.books.commit)
    twin = replace(first, pay_ord_id="batch-twin")
    going = [committer.submit(Write(twin)), committer.submit(Write(kept(other, 1), other.version))]
    assert await asyncio.gather(*going) == [False, True]
    await committer.stop()


async def test_a_refund_that_settlement_refuses_leaves_the_order_paid_and_is_no_fault_of_the_loop(
    store: PaymentStore,
) -> None:
    """Its refusal is written with the order; the same number may be asked for again."""
    house = House(store, Ticking(), calm(), "refused")
    order = await house.tried()
    await house.tries(lambda: house.paying.pay(house.stamp(), order, house.plan, 1.0))
    house.channel.person_pays((await house.now(order)).charge_no)
    paid = await house.rests(order)
    assert paid.phase is Phase.PAID
    parts = Parts(10_000, SPLIT.acct_fen, SPLIT.fund_fen, SPLIT.cash_fen)
    reverse, house.settlement.reverse = house.settlement.reverse, _refuse  # type: ignore[method-assign]
    refund = Refund("F-refused", paid.pay_ord_id, "A", RefundKind.ALL, 7_000, 3_000, RefundState.BEGUN, 1)
    begun = moved(paid, Phase.REFUNDING, house.books.now(), refund_no=refund.refund_no)
    await house.books.keep(Write(begun, paid.version, refunds=(refund,)))
    after = await house.rests(order)
    assert after.phase is Phase.PAID
    assert not house.failed
    house.settlement.reverse = reverse  # type: ignore[method-assign]
    again, told = await house.refunding.refund(house.stamp(), after, "A", RefundKind.ALL, parts, 1.0)
    assert (again.phase, told.state, told.refund_no) == (Phase.PAID, RefundState.DONE, "F-refused")
    assert house.settlement.states[again.open_no] == "reversed"
    assert house.channel.left_fen(await house.charges(order)) == 0


async def _refuse(order: PayOrder, refund_no: str) -> str:
    raise precondition("SETTLEMENT_LOCKED")


def calm() -> Dice:
    """Nothing goes wrong by itself."""
    dice = Dice(0)
    dice.calm = True
    return dice


def plain() -> PayOrder:
    """An order that is tried, of nobody's."""
    bill = Bill("P1", "310", "M1", "B1", 11, "11", "01", 1, SPLIT.total_fen, stay=False)
    phase = (False, Phase.TRIED, 0, 0, 0)
    return PayOrder("O", "H11010000001", "O", "digest", 1, "01", "110100", bill, *phase, split=SPLIT)


async def paid_by(house: House, seen: Seen, split: Split = SPLIT) -> PayOrder:
    """An order whose channel answers so, at rest."""
    order = replace(await house.tried(split), auth=digest_of("AUTH"))

    async def place(charge: Charge, secrets: object) -> Seen:
        return seen

    house.channel.place = place  # type: ignore[method-assign]  # what is said is the test's
    plan = replace(house.plan(order, split), secrets=Secrets(pay_auth_no="AUTH"))
    with pytest.raises(Fault):
        await house.paying.pay(house.stamp(), order, lambda *_: plan, 1.0)
    return await house.now(order)


async def test_a_notify_of_another_merchant_or_channel_pays_no_order(store: PaymentStore) -> None:
    """A merchant chooses its order numbers itself, and may take ours: what it collects so is not this order's."""
    house = House(store, Ticking(), calm(), "of-merchant")
    order = await house.tried()
    await house.tries(lambda: house.paying.pay(house.stamp(), order, house.plan, 1.0))
    now = await house.now(order)
    paid = Heard("e1", About.CHARGE, now.charge_no, Seen(ChannelState.CHARGED, charged_fen=SPLIT.cash_fen))
    for channel, heard in (("fake", replace(paid, merchant=("another", ""))), ("other", paid)):
        with pytest.raises(Fault, match="NOTIFY_FORGED"):
            await house.paying.hear(channel, heard)
    assert await house.now(order) == now
    _, _, heard_now = await house.paying.hear("fake", paid)
    assert heard_now is not None
    assert heard_now.phase is Phase.CHARGED


async def test_an_authorisation_of_another_order_is_refused_before_a_channel_hears_of_it(store: PaymentStore) -> None:
    """The bureau refuses it to the channel, but the person would have paid the cash by then."""
    house = House(store, Ticking(), calm(), "of-another")
    order = replace(await house.tried(), auth=digest_of("AUTH"))
    plan = replace(house.plan(order, SPLIT), secrets=Secrets(pay_auth_no="AUTH2"))
    with pytest.raises(Fault, match="PAY_AUTH_OF_ANOTHER"):
        await house.paying.pay(house.stamp(), order, lambda *_: plan, 1.0)
    assert (await house.now(order)).phase is Phase.TRIED
    assert (house.channel.booked, await house.charges(order)) == ({}, [])


async def test_money_that_came_after_the_close_without_a_notify_is_found_by_asking_once_more(
    store: PaymentStore,
) -> None:
    """At set times; before, the day's bill alone found it."""
    house = House(store, Ticking(), calm(), "lately")
    order = await house.tried()

    async def late() -> list[Charge]:
        return [each for each in await house.books.late(1_000) if each.pay_ord_id == order.pay_ord_id]

    await house.tries(lambda: house.paying.pay(house.stamp(), order, house.plan, 1.0))
    house.clock.on(901)
    order = await house.rests(order, rounds=2)
    assert (order.phase, order.reason) == (Phase.FAILED, steps.NOT_PAID_IN_TIME)
    house.clock.on(steps.LATE_LOOKS_S[0])
    (charge,) = await late()
    await house.loop.ask_late(charge)
    assert await late() == []
    booked = house.channel.booked[order.charge_no]
    booked.state, booked.paid_fen = "charged", SPLIT.cash_fen
    house.clock.on(steps.LATE_LOOKS_S[1])
    (charge,) = await late()
    await house.loop.ask_late(charge)
    order = await house.rests(order)
    assert order.phase is Phase.FAILED
    assert house.channel.left_fen(await house.charges(order)) == 0
    house.clock.on(100_000)
    assert await late() == []


def test_late_looks_end() -> None:
    """A charge that was refused is asked about no more, one that was closed a few times."""
    order = replace(plain(), phase=Phase.CLOSING, charge_no="C")
    charge = Charge("C", order.pay_ord_id, "fake", 1, 3_000, b"", ChargeState.WAITING, 0, 900 * SECOND, 0)
    assert steps.after_seen(order, charge, Seen(ChannelState.REFUSED), 1).charge.due_at == 0
    closed = steps.after_seen(order, charge, Seen(ChannelState.CLOSED), 0).charge
    rests = list[int]()
    while closed.due_at:
        rests.append(closed.due_at // SECOND)
        closed = steps.looked_late(closed, 0)
    assert tuple(rests) == steps.LATE_LOOKS_S
