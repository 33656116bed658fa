"""What is cleared, who owes whom, and how few payments settle it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import Fault, FaultKind
from services.routing.domain.clearing import months as rules
from services.routing.domain.clearing.journals import Journal, Key, file, parts_of
from services.routing.domain.clearing.ledger import postings_of, tallies_of
from services.routing.domain.clearing.months import Month, Step
from services.routing.domain.clearing.netting import EXACT, PaymentOrder, Position, orders, positions
from services.routing.domain.clearing.parties import NATION, Pair, pair_of
from services.routing.domain.clearing.payments import Payment, check_step
from services.routing.domain.clearing.prepaid import Account, moved, usage
from services.routing.domain.clearing.terms import DEFAULTS, ClearingTerms, following
from tests.rounds import rounds
from tests.routing.clearing_scene import BEIJING, JINAN, MARCH, QINGDAO, SHANGHAI, journal, reversal

TODAY: Final = date(2026, 4, 20)
PAIR: Final = Pair(NATION, "370000", "110000")


def test_provinces_clear_with_each_other_and_areas_within_one() -> None:
    assert pair_of(JINAN, BEIJING) == PAIR
    assert pair_of("370102", QINGDAO) == Pair("370000", JINAN, QINGDAO)
    with pytest.raises(Fault, match="CLEARING_NOT_REMOTE"):
        pair_of("110101", "110105")


def test_a_settlement_clears_in_its_month_and_in_the_present_one_once_that_is_closed() -> None:
    filing = file([journal("1"), journal("2", day=date(2026, 4, 2))], {}, {MARCH}, TODAY)
    assert [each.month for each in filing.fresh] == ["2026-04", "2026-04"]
    assert [each.month for each in file([journal("1")], {}, set(), TODAY).fresh] == [MARCH]


def test_a_reversal_of_a_closed_month_is_never_refused() -> None:
    first = journal("1")
    back = reversal(first, date(2026, 3, 30))
    filing = file([back], {first.key: first}, {MARCH, "2026-04"}, TODAY)
    assert [(each.month, each.journal.total_fen) for each in filing.fresh] == [("2026-05", -75_000)]


def test_the_same_again_is_counted_and_other_content_is_a_conflict() -> None:
    first = journal("1")
    assert file([first, first], {first.key: first}, set(), TODAY).repeated == 2
    with pytest.raises(Fault, match="CLEARING_JOURNAL_EXISTS") as refused:
        file([replace(first, order_no="other")], {first.key: first}, set(), TODAY)
    assert refused.value.kind is FaultKind.CONFLICT


def test_a_reversal_is_the_opposite_of_its_settlement_whichever_comes_first() -> None:
    first = journal("1")
    wrong = replace(reversal(first, TODAY), parts=(("310100", -70_000),))
    for known, then in ((first, wrong), (wrong, first)):
        with pytest.raises(Fault, match="CLEARING_REVERSAL_MISMATCH"):
            file([then], {known.key: known}, set(), TODAY)
    assert len(file([reversal(first, TODAY), first], {}, set(), TODAY).fresh) == 2


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        (journal("1", parts=[("310100", -1)]), "journals[0].parts"),
        (reversal(journal("1", parts=[("310100", -1)]), TODAY), "journals[0].parts"),
        (journal("1", day=date(2026, 4, 21)), "journals[0].setl_day"),
    ],
)
def test_wrong_signs_and_days_to_come_are_refused_by_field(broken: Journal, path: str) -> None:
    with pytest.raises(Fault) as refused:
        file([broken], {}, set(), TODAY)
    assert [each.path for each in refused.value.violations] == [path]


def test_what_the_institution_bears_is_never_cleared() -> None:
    with pytest.raises(Fault, match="CLEARING_FUND_NOT_CLEARED"):
        parts_of([("310100", 1), ("999996", 1)], "parts")
    assert parts_of([("310200", 2), ("390100", 0), ("310100", 1)], "parts") == (("310100", 1), ("310200", 2))


def test_a_fund_that_stands_twice_is_refused_at_its_second_place() -> None:
    with pytest.raises(Fault) as refused:
        parts_of([("310200", 2), ("310100", 1), ("310200", 2)], "parts")
    assert [(each.path, each.rule) for each in refused.value.violations] == [
        ("parts[2].fund_pay_type", "clearing.fund_twice")
    ]


def test_each_source_sums_to_zero_and_tallies_hold_what_was_filed() -> None:
    first = journal("1")
    filing = file([first, journal("2", care=SHANGHAI), reversal(first, TODAY)], {}, set(), TODAY)
    for filed in filing.fresh:
        postings = list(postings_of(filed))
        assert sum(each.amount_fen for each in postings) == 0
        assert sum(each.amount_fen for each in postings if each.region == "370000") == -filed.journal.total_fen
    totals = [
        (each.month, each.pair.care_region, each.amount_fen) for each in tallies_of(filing.fresh) if not each.fund
    ]
    assert totals == [(MARCH, "110000", 75_000), (MARCH, "310000", 75_000), ("2026-04", "110000", -75_000)]


def settled(found: Sequence[Position], paid: Sequence[PaymentOrder]) -> dict[tuple[str, str], int]:
    left = {(each.circle, each.region): each.net_fen for each in found}
    for each in paid:
        assert each.amount_fen > 0
        left[each.circle, each.payer_region] += each.amount_fen
        left[each.circle, each.payee_region] -= each.amount_fen
    return left


AMOUNTS: Final = st.integers(-20, 20)
CLAIMS: Final = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15), AMOUNTS), max_size=60)


@given(CLAIMS)
@rounds(50)
def test_positions_sum_to_zero_and_payments_settle_them_all(rows: list[tuple[int, int, int]]) -> None:
    claims = [(Pair(NATION, f"{a:02}0000", f"{b:02}0000"), amount) for a, b, amount in rows if a != b]
    found = positions(claims)
    assert sum(each.net_fen for each in found) == 0
    paid = orders(found)
    assert set(settled(found, paid).values()) <= {0}
    assert len(paid) <= max(sum(each.net_fen != 0 for each in found) - 1, 0)
    assert orders(list(reversed(found))) == paid


@given(st.lists(AMOUNTS.filter(bool), min_size=1, max_size=6))
@rounds(30)
def test_few_regions_pay_as_few_times_as_possible(amounts: list[int]) -> None:
    nets = [*amounts, -sum(amounts)] if sum(amounts) else amounts
    found = [Position(NATION, f"{place:02}0000", max(net, 0), max(-net, 0)) for place, net in enumerate(nets)]
    assert len(nets) <= EXACT
    assert len(orders(found)) == len(nets) - most_groups(tuple(nets))


def most_groups(nets: tuple[int, ...]) -> int:
    """By trying every group of the first with others: slow, and sure."""
    if not nets:
        return 0
    best, rest = 0, nets[1:]
    for size in range(len(rest) + 1):
        for chosen in itertools.combinations(range(len(rest)), size):
            if nets[0] + sum(rest[place] for place in chosen) == 0:
                left = tuple(net for place, net in enumerate(rest) if place not in chosen)
                best = max(best, 1 + most_groups(left))
    return best


def test_many_regions_with_opposite_positions_pay_each_other() -> None:
    nets = {f"{place:02}0000": (place + 1) * (1 if place % 2 else -1) * 100 for place in range(14)}
    nets |= {f"9{region[1:]}" if region[0] == "0" else f"8{region[1:]}": -net for region, net in nets.items()}
    found = [Position(NATION, region, max(net, 0), max(-net, 0)) for region, net in nets.items()]
    paid = orders(found)
    assert len(paid) == 14
    assert set(settled(found, paid).values()) == {0}


def test_circles_do_not_pay_each_other() -> None:
    found = positions([(PAIR, 500), (Pair("370000", "370100", "370200"), 300)])
    assert [(each.circle, each.payer_region, each.payee_region, each.amount_fen) for each in orders(found)] == [
        (NATION, "370000", "110000", 500),
        ("370000", "370100", "370200", 300),
    ]


def test_steps_are_due_by_the_calendar() -> None:
    months = [Month("2026-02", "closed", 1), Month(MARCH), Month("2026-04")]
    early = list(rules.due(months, date(2026, 4, 4), DEFAULTS))
    assert early == [Step("net", "2026-02")]
    assert list(rules.due(months, date(2026, 4, 5), DEFAULTS)) == [*early, Step("close", MARCH)]
    late = list(rules.due([Month(MARCH)], date(2026, 4, 16), DEFAULTS))
    assert late == [Step("close", MARCH), Step("net", MARCH)]
    assert DEFAULTS.pays("2026-12") == date(2027, 1, 25)


def test_a_month_that_is_not_due_or_closed_is_refused_with_its_day_or_state() -> None:
    with pytest.raises(Fault, match="CLEARING_NOT_DUE") as refused:
        rules.check_due("close", MARCH, date(2026, 4, 4), DEFAULTS)
    assert refused.value.metadata == {"month": MARCH, "day": "2026-04-05"}
    with pytest.raises(Fault, match="CLEARING_MONTH_CLOSED") as refused:
        rules.check_open(Month(MARCH, "netted", 1))
    assert refused.value.metadata == {"month": MARCH, "month_state": "netted"}
    with pytest.raises(Fault, match="CLEARING_MONTH_OPEN"):
        rules.check_answerable(Month(MARCH))


def test_an_order_goes_along_its_states_only() -> None:
    order = Payment("1", MARCH, 1, NATION, "370000", "110000", 1, "failed")
    assert check_step(order, "sent")
    assert not check_step(order, "failed")
    with pytest.raises(Fault, match="CLEARING_PAYMENT_STATE"):
        check_step(order, "paid")


@pytest.mark.parametrize(
    ("used", "level"), [(-5, "normal"), (69_999, "normal"), (70_000, "yellow"), (89_999, "yellow"), (90_000, "red")]
)
def test_a_prepayment_warns_at_70_and_at_90_percent(used: int, level: str) -> None:
    found = usage(Account(PAIR, 100_000), used, DEFAULTS)
    assert (found.level, found.rises) == (level, level != "normal")
    assert not replace(found, account=replace(found.account, told="red")).rises


def test_without_a_balance_any_use_is_red_and_no_more_is_given_back_than_there_is() -> None:
    assert usage(Account(PAIR, 0), 1, DEFAULTS).level == "red"
    assert usage(Account(PAIR, 0), 1, DEFAULTS).percent == -1
    assert moved(Account(PAIR, 5), -5).balance_fen == 0
    with pytest.raises(Fault, match="CLEARING_PREPAYMENT_SHORT"):
        moved(Account(PAIR, 5), -6)


def test_months_follow_each_other_and_a_calendar_out_of_order_is_no_calendar() -> None:
    assert (following("2026-12"), following("2026-01")) == ("2027-01", "2026-02")
    with pytest.raises(ValueError, match="no month"):
        following("2026-13")
    with pytest.raises(ValueError, match="netted"):
        ClearingTerms(closes_on=17)
    ClearingTerms(closes_on=1, nets_on=1, pays_by=28, yellow_percent=1, red_percent=100)
    for changed in ({"closes_on": 0}, {"pays_by": 29}, {"nets_on": 26}):
        with pytest.raises(ValueError, match="from 1 to 28"):
            ClearingTerms(**changed)
    for changed in ({"yellow_percent": 0}, {"yellow_percent": 91}, {"red_percent": 101}):
        with pytest.raises(ValueError, match="yellow warning"):
            ClearingTerms(**changed)


def test_a_key_names_its_source() -> None:
    assert Key("1", "settle").source == "settle:1"
