"""Returns that name their line: the same goods, no more than is left, and each part of the line in its own share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.kernel.errors import Fault, FaultKind
from services.kernel.money import round_quotient, scaled_of, scaled_text
from services.settlement.domain.care.bill import STAY
from services.settlement.domain.care.lines import LineInput, LineSplit, split_line
from services.settlement.domain.care.pricing import SentLine
from services.settlement.domain.care.returns import LineLeft, goods_of, line_left, split_returns
from tests.settlement.counter import BEGIN, Counter, counter_on, item, line, split_of
from tests.settlement.test_operations_encounters import settle
from tests.settlement.test_operations_fees import batches, refusal, take_back
from tests.settlement.world import sqlite_url
from yibao.settlement.v1 import common_pb2


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    async with counter_on(sqlite_url(tmp_path)) as made:
        made.catalogue.items["P1"] = item("P1", "B", 1000, limit="6", hosp_bear=True)
        yield made


def own_code(sent: SentLine, code: str) -> SentLine:
    """A line that tells the institution's own code."""
    told = common_pb2.FeeLine.FromString(sent.detail)
    told.medins_list_codg = code
    return replace(sent, detail=told.SerializeToString(deterministic=True), medins_list_codg=code)


async def left(counter: Counter, mdtrt_id: str) -> LineSplit:
    """What stands of the encounter, part by part."""
    totals = [batch.totals for batch in await batches(counter, mdtrt_id) if batch.state != "cancelled"]
    return LineSplit(
        sum(each.medfee_fen for each in totals),
        sum(each.fulamt_ownpay_fen for each in totals),
        sum(each.overlmt_fen for each in totals),
        sum(each.preselfpay_fen for each in totals),
        sum(each.inscp_fen for each in totals),
        sum(each.hosp_part_fen for each in totals),
    )


async def test_a_return_of_other_goods_or_another_price_is_refused_by_its_fields(counter: Counter, stay: str) -> None:
    charged = own_code(line("1", "A1", 3000, "3"), "Y1")
    await counter.upload("2301:1", stay, charged, kind=STAY)
    wrong = {
        "med_list_codg": own_code(line("2", "A2", -1000, "-1", origin="1"), "Y1"),
        "medins_list_codg": own_code(line("2", "A1", -1000, "-1", origin="1"), "Y2"),
        "pric": own_code(line("2", "A1", -900, "-1", "9", origin="1"), "Y1"),
    }
    for name, back in wrong.items():
        fault = await refusal(counter.upload(f"2301:{name}", stay, line("9"), back, kind=STAY))
        assert (fault.kind, fault.reason) == (FaultKind.INVALID, "RETURN_MISMATCH")
        assert [violation.path for violation in fault.violations] == [f"feedetail[1].{name}"]
        assert fault.metadata == {"feedetl_sn": "2", "lines": "1"}
    every = own_code(line("2", "A2", -900, "-1", "9", origin="1"), "Y2")
    fault = await refusal(counter.upload("2301:2", stay, every, kind=STAY))
    assert [violation.path.partition(".")[2] for violation in fault.violations] == list(wrong)
    assert (await left(counter, stay)).amount_fen == 3000


async def test_a_price_written_otherwise_and_an_own_code_that_is_not_told_are_no_difference(
    counter: Counter, visit: str
) -> None:
    await counter.upload("2204:1", visit, own_code(line("1", "A1", 2000, "2"), "Y1"), line("2"))
    backs = [
        line("3", "A1", -1000, "-1", "10.000000", origin="1"),
        own_code(line("4", "A1", -1000, "-1", origin="2"), "Y2"),
    ]
    await counter.upload("2204:2", visit, *backs)
    assert (await left(counter, visit)).amount_fen == 1000


async def test_a_line_of_the_same_upload_is_compared_too(counter: Counter, visit: str) -> None:
    fault = await refusal(counter.upload("2204:1", visit, line("1"), line("2", "A2", -1000, "-1", origin="1")))
    assert (fault.reason, fault.violations[0].path) == ("RETURN_MISMATCH", "feedetail[1].med_list_codg")
    assert await batches(counter, visit) == []


async def test_a_return_is_not_returned(counter: Counter, stay: str) -> None:
    await counter.upload("2301:1", stay, line("1"), line("2", "A1", -1000, "-1", origin="1"), kind=STAY)
    own = line("4", "A1", -1000, "-1", origin="4")
    for request_id, back in (("2301:2", line("3", "A1", -1000, "-1", origin="2")), ("2301:3", own)):
        fault = await refusal(counter.upload(request_id, stay, back, kind=STAY))
        assert (fault.reason, fault.violations[0].path) == ("RETURN_MISMATCH", "feedetail[0].init_feedetl_sn")


async def test_what_is_beyond_the_line_names_what_is_left_by_count_or_by_money(counter: Counter, stay: str) -> None:
    await counter.upload("2301:1", stay, line("1", "A1", 1000, "3", "3.3333"), kind=STAY)
    for number, amount in (("2", -334), ("3", -333)):
        await counter.upload(f"2301:{number}R", stay, line(number, "A1", amount, "-1", "3.3333", origin="1"), kind=STAY)
    fault = await refusal(counter.upload("2301:3", stay, line("4", "A1", -334, "-1", "3.3333", origin="1"), kind=STAY))
    assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "RETURN_EXCEEDS_LINE")
    (violation,) = fault.violations
    assert (violation.path, violation.values) == ("feedetail[0].det_item_fee_sumamt_fen", {"left": "3.33"})
    fault = await refusal(counter.upload("2301:4", stay, line("4", "A1", -667, "-2", "3.3333", origin="1"), kind=STAY))
    (violation,) = fault.violations
    assert (violation.path, violation.values) == ("feedetail[0].cnt", {"left": "1.0000"})
    await counter.upload("2301:5", stay, line("4", "A1", -333, "-1", "3.3333", origin="1"), kind=STAY)
    assert await left(counter, stay) == LineSplit(0, 0, 0, 0, 0)


async def test_returns_in_parts_leave_nothing_of_any_part_whatever_the_catalogue_says_meanwhile(
    counter: Counter, stay: str
) -> None:
    await counter.upload("2301:1", stay, line("1", "P1", 5005, "5", "10.01"), kind=STAY)
    whole = await left(counter, stay)
    assert (whole.overlmt_fen, whole.hosp_part_fen, whole.preselfpay_fen) == (2005, 2005, 300)
    for place in range(5):
        # Published anew: all would be full self-pay now. The institution's approval is not asked again either.
        counter.catalogue.items["P1"] = item("P1", "C", 10_000)
        back = line(f"R{place}", "P1", -1001, "-1", "10.01", origin="1", approval="2", at=BEGIN + timedelta(days=place))
        (answer,) = await counter.upload(f"2301:R{place}", stay, back, kind=STAY)
        told = common_pb2.FeeLineSplit.FromString(answer)
        assert split_of(answer) == (0, -401, -60, -540)
        assert (told.hosp_part_amt_fen, told.feedetl_sn, told.cnt, told.chrgitm_lv) == (-401, f"R{place}", "-1", 2)
    assert await left(counter, stay) == LineSplit(0, 0, 0, 0, 0)
    open_batches = [batch.totals.exempt_inscp_by_tag for batch in await batches(counter, stay)]
    assert sum(tags["bas_medn_flag=0"] for tags in open_batches) == 0


async def test_a_return_that_was_cancelled_takes_nothing(counter: Counter, stay: str) -> None:
    await counter.upload("2301:1", stay, line("1", "B1", 75, "3", "0.25"), kind=STAY)
    for place in (2, 3):
        back = line(str(place), "B1", -25, "-1", "0.25", origin="1")
        await counter.upload(f"2301:{place}", stay, back, kind=STAY)
    await take_back(counter, "2302:1", stay, "2")
    await counter.upload("2301:4", stay, line("4", "B1", -50, "-2", "0.25", origin="1"), kind=STAY)
    assert await left(counter, stay) == LineSplit(0, 0, 0, 0, 0)


async def test_lines_of_another_batch_are_returned_and_those_of_another_visit_are_not_found(
    counter: Counter, visit: str
) -> None:
    await counter.upload("2204:1", visit, line("1", batch="1"))
    other = await counter.register("2201:2", number="N2")
    fault = await refusal(counter.upload("2204:2", other, line("2", "A1", -1000, "-1", origin="1")))
    assert (fault.kind, fault.reason) == (FaultKind.NOT_FOUND, "FEE_LINE_NOT_FOUND")
    assert fault.violations[0].path == "feedetail[0].init_feedetl_sn"
    await counter.upload("2204:3", visit, line("2", "A1", -1000, "-1", origin="1", batch="2"))
    assert [batch.chrg_bchno for batch in await batches(counter, visit)] == ["1", "2"]
    assert await left(counter, visit) == LineSplit(0, 0, 0, 0, 0)


async def test_a_settled_line_is_returned_into_the_next_bill_and_compared_as_any(counter: Counter, stay: str) -> None:
    await counter.upload("2301:1", stay, line("1", "B1", 2000, "2"), kind=STAY)
    await settle(counter, stay)
    fault = await refusal(counter.upload("2301:2", stay, line("2", "A1", -1000, "-1", origin="1"), kind=STAY))
    assert fault.reason == "RETURN_MISMATCH"
    (answer,) = await counter.upload("2301:3", stay, line("2", "B1", -1000, "-1", origin="1"), kind=STAY)
    assert split_of(answer) == (0, 0, -100, -900)
    fault = await refusal(counter.upload("2301:4", stay, line("3", "B1", -2000, "-2", origin="1"), kind=STAY))
    assert fault.reason == "RETURN_EXCEEDS_LINE"


async def test_a_return_sent_again_is_answered_as_it_was_split(counter: Counter, stay: str) -> None:
    back = line("2", "B1", -25, "-1", "0.25", origin="1")
    sent = [line("1", "B1", 75, "3", "0.25"), back]
    first = await counter.upload("2301:1", stay, *sent, kind=STAY)
    assert await counter.upload("2301:1", stay, *sent, kind=STAY) == first
    assert await counter.upload("2301:2", stay, back, kind=STAY) == first[1:]


def test_any_sequence_of_returns_leaves_nothing_and_never_a_part_below_zero() -> None:
    random = Random(20251)
    for _ in range(400):
        count, pric = random.randint(1, 9), random.randint(0, 2000)
        amount = count * pric
        whole = split_line(
            LineInput(
                amount_fen=amount,
                count_e4=count * 10_000,
                chrg_class=random.choice("ABC"),
                selfpay_prop_e4=random.choice((0, 333, 1000, 10_000)),
                price_limit_e6=random.choice((None, random.randint(0, 2000) * 10_000)),
                hosp_bear=random.random() < 0.5,
            )
        )
        charge = sent_line("1", "", amount, count, pric)
        known = {"1": line_left(whole, goods_of(charge), str(count))}
        while count:
            step = random.randint(1, count)
            count -= step
            back = sent_line("2", "1", -step * pric, -step, pric)
            (split,) = split_returns([back], [0], known).values()
            assert split.amount_fen == back.amount_fen == sum(split[1:5])
            assert split.hosp_part_fen in (0, split.overlmt_fen)
            assert min(known["1"].left) >= 0
            # The share of every part, to the fen that rounding may move.
            for part, rest in zip(whole[1:5], known["1"].left[1:5], strict=True):
                assert abs(rest * amount - part * count * pric) <= amount
        assert known["1"].left == LineSplit(0, 0, 0, 0, 0)
        with pytest.raises(Fault, match="RETURN_EXCEEDS_LINE"):
            split_returns([sent_line("3", "1", -pric, -1, pric)], [0], known)


@st.composite
def charged(draw: st.DrawFn) -> tuple[SentLine, LineSplit]:
    """A line that adds up within a fen, at a price of up to six decimals, in fractions of a unit too."""
    count_e4 = (
        draw(st.sampled_from((10_000, 20_000, 30_000, 70_000))) if draw(st.booleans()) else draw(st.integers(1, 90_000))
    )
    price_e6 = (
        draw(st.sampled_from((0, 3_333, 5_000, 10_000, 3_333_300)))
        if draw(st.booleans())
        else draw(st.integers(0, 20_000_000))
    )
    amount = max(0, round_quotient(price_e6 * count_e4, 10**8) + draw(st.integers(-1, 1)))
    sent = SentLine("1", "", "", BEGIN, "A1", amount, scaled_text(count_e4, 4), scaled_text(price_e6, 6), "0", b"")
    assume(sent.adds_up)
    kind = LineInput(
        amount_fen=amount,
        count_e4=count_e4,
        chrg_class=draw(st.sampled_from("ABBC")),
        selfpay_prop_e4=draw(st.sampled_from((0, 333, 1000, 5000, 10_000))),
        price_limit_e6=draw(st.none() | st.integers(0, 20_000_000)),
        hosp_bear=draw(st.booleans()),
    )
    return sent, split_line(kind)


def test_a_fen_at_a_time_no_part_of_a_small_line_rises() -> None:
    for amount in range(1, 13):
        charge = sent_line("1", "", amount, amount, 1)
        for over in range(amount + 1):
            for presel in range(amount - over + 1):
                whole = LineSplit(amount, 0, over, presel, amount - over - presel)
                known = {"1": line_left(whole, goods_of(charge), charge.cnt)}
                for _ in range(amount):
                    (split,) = split_returns([sent_line("2", "1", -1, -1, 1)], [0], known).values()
                    assert max(split) <= 0
                assert known["1"].left == LineSplit(0, 0, 0, 0, 0)


@settings(max_examples=80, deadline=None)
@given(charged(), st.data())
def test_returns_never_turn_a_part_and_what_is_left_can_always_be_taken_back(
    line: tuple[SentLine, LineSplit], data: st.DataObject
) -> None:
    charge, whole = line
    known = {"1": line_left(whole, goods_of(charge), charge.cnt)}
    left = known["1"]
    taken: list[LineSplit] = []
    for number in range(data.draw(st.integers(0, 8))):
        count_e4 = data.draw(st.integers(0, left.cnt_e4) | st.just(min(10_000, left.cnt_e4)))
        fair = round_quotient(scaled_of(charge.pric, 6) * count_e4, 10**8)
        amount = min(max(0, fair + data.draw(st.integers(-1, 1))), left.left.amount_fen)
        back = replace(
            charge, feedetl_sn=f"R{number}", init_feedetl_sn="1", amount_fen=-amount, cnt=scaled_text(-count_e4, 4)
        )
        if back.adds_up:
            before = left.left
            taken += split_returns([back], [0], known).values()
            assert left.left == LineSplit(*(one + each for one, each in zip(before, taken[-1], strict=True)))
    rest = replace(
        charge,
        feedetl_sn="R",
        init_feedetl_sn="1",
        amount_fen=-left.left.amount_fen,
        cnt=scaled_text(-left.cnt_e4, 4),
    )
    taken += split_returns([rest], [0], known).values()
    assert (left.cnt_e4, left.left) == (0, LineSplit(0, 0, 0, 0, 0))
    assert [sum(parts) for parts in zip(*taken, strict=True)] == [-part for part in whole]
    assert max(max(split) for split in taken) <= 0
    kept = whole
    for split in taken:
        kept = LineSplit(*(one + each for one, each in zip(kept, split, strict=True)))
        assert all(
            abs(share * whole.amount_fen - part * kept.amount_fen) <= whole.amount_fen
            for part, share in zip(whole, kept, strict=True)
        )


def test_a_line_that_older_returns_left_uneven_is_taken_back_without_a_part_that_rises() -> None:
    charge = sent_line("1", "", 9000, 9, 1000)
    whole = LineSplit(9000, 0, 3000, 600, 5400)
    uneven = LineSplit(5000, 0, 0, 5000, 0)
    known = {"1": LineLeft(whole, goods_of(charge), 50_000, uneven)}
    for _ in range(5):
        (split,) = split_returns([sent_line("2", "1", -1000, -1, 1000)], [0], known).values()
        assert max(split) <= 0
    assert known["1"].left == LineSplit(0, 0, 0, 0, 0)


@pytest.mark.parametrize(("amount", "count", "field"), [(1, -1, "det_item_fee_sumamt_fen"), (-1, 1, "cnt")])
def test_a_return_that_gives_something_is_none(amount: int, count: int, field: str) -> None:
    charge = sent_line("1", "", 1, 3, 0)
    known = {"1": line_left(LineSplit(1, 0, 0, 0, 1), goods_of(charge), "3")}
    with pytest.raises(Fault, match="LINE_AMOUNT_MISMATCH") as refused:
        split_returns([sent_line("2", "1", amount, count, 0)], [0], known)
    assert [each.path for each in refused.value.violations] == [f"feedetail[0].{field}"]


async def test_returns_rounded_up_leave_a_rest_that_is_taken_back_as_it_stands(counter: Counter, stay: str) -> None:
    await counter.upload("2301:1", stay, line("1", "A1", 900, "3", "3"), kind=STAY)
    for number in ("2", "3"):
        await counter.upload(f"2301:{number}R", stay, line(number, "A1", -301, "-1", "3", origin="1"), kind=STAY)
    fault = await refusal(counter.upload("2301:4", stay, line("4", "A1", -297, "-1", "3", origin="1"), kind=STAY))
    (violation,) = fault.violations
    assert (fault.reason, violation.path, violation.rule) == (
        "LINE_AMOUNT_MISMATCH",
        "feedetail[0].det_item_fee_sumamt_fen",
        "price_times_count",
    )
    await counter.upload("2301:4", stay, line("4", "A1", -298, "-1", "3", origin="1"), kind=STAY)
    assert await left(counter, stay) == LineSplit(0, 0, 0, 0, 0)


def sent_line(number: str, origin: str, amount_fen: int, count: int, pric_fen: int) -> SentLine:
    price = f"{pric_fen // 100}.{pric_fen % 100:02d}"
    return SentLine(number, origin, "", BEGIN, "A1", amount_fen, str(count), price, "0", b"")
