"""Which ceiling and ratio apply: from the division upward, the exact level before every level, on the line's day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.domain.amounts import price_of, price_text, share_of, share_text
from services.catalogue.domain.pricing import PricedItem, PriceList, PriceRows, PriceScope, price_level
from services.catalogue.domain.records import Item, PriceCeiling, SelfpayRatio
from services.catalogue.domain.regions import region_ladder
from tests.catalogue.builders import DRUG, START, ceiling, item, ratio

DAY = date(2024, 5, 1)


def priced(
    *rows: Item | PriceCeiling | SelfpayRatio,
    admdvs: str = "370102",
    hosp_lv: str = "2",
    price: str = "",
    day: date = DAY,
) -> PricedItem | None:
    """The item as the rows price it."""
    of = PriceRows(
        [row for row in rows if isinstance(row, Item)],
        [row for row in rows if isinstance(row, PriceCeiling)],
        [row for row in rows if isinstance(row, SelfpayRatio)],
    )
    return PriceList(PriceScope(admdvs, hosp_lv, price), of).price(DRUG, day)


def limit(*rows: PriceCeiling, **scope: str) -> int | None:
    """The ceiling in yuan."""
    found = priced(item(), *rows, **scope)  # type: ignore[arg-type]  # only texts are given here
    assert found is not None
    return None if found.pric_uplmt_e6 is None else found.pric_uplmt_e6 // 10**6


def test_the_ladder_goes_from_a_county_by_its_city_and_pools_to_the_nation() -> None:
    assert region_ladder("370102") == ("370102", "370100", "370199", "370000", "379900", "000000")
    assert region_ladder("370199") == ("370199", "370100", "370000", "379900", "000000")
    assert region_ladder("370100") == ("370100", "370199", "370000", "379900", "000000")
    assert region_ladder("379900") == ("379900", "370000", "000000")
    assert region_ladder("110000") == ("110000", "119900", "000000")
    assert region_ladder("000000") == ("000000",)


def test_the_nearest_region_wins_and_the_others_are_asked_in_turn() -> None:
    rows = [ceiling(DRUG, region, yuan) for yuan, region in enumerate(region_ladder("370102"), 1)]
    for taken in range(len(rows)):
        assert limit(*rows[taken:]) == taken + 1
    assert limit() is None


def test_a_ceiling_of_another_city_does_not_count() -> None:
    assert limit(ceiling(DRUG, "370200", 5), ceiling(DRUG, "110000", 6)) is None


def test_the_exact_level_comes_before_every_level_and_a_nearer_region_before_both() -> None:
    city = [ceiling(DRUG, "370100", 10, "3"), ceiling(DRUG, "370100", 8)]
    assert limit(*city, price="3") == 10
    assert limit(*city, price="2") == 8
    assert limit(*city, ceiling(DRUG, "370102", 5), price="3") == 5


def test_the_price_level_follows_from_the_hospital_level_where_none_is_given() -> None:
    levels = {"1": "3", "4": "3", "12": "3", "5": "2", "13": "2", "8": "1", "14": "1", "11": "", "": ""}
    assert {lv: price_level(PriceScope("370100", lv, "")) for lv in levels} == levels
    assert price_level(PriceScope("370100", "2", "1")) == "1"


def test_a_ceiling_of_zero_pays_nothing_and_stops_the_search() -> None:
    assert limit(ceiling(DRUG, "370100", 0), ceiling(DRUG, "000000", 9)) == 0


def test_999999_published_in_a_city_means_no_ceiling_whatever_the_nation_says() -> None:
    assert limit(ceiling(DRUG, "370100", 999_999), ceiling(DRUG, "000000", 9)) is None


def test_who_bears_what_is_over_changes_with_the_day() -> None:
    after = DAY + timedelta(days=1)
    bought = replace(ceiling(DRUG, "370100", 9, first=after), hosp_bear=True)
    told = [priced(item(), ceiling(DRUG, "370100", 9, last=DAY), bought, day=day) for day in (DAY, after)]
    assert [each is not None and (each.pric_uplmt_e6, each.hosp_bear) for each in told] == [
        (9_000_000, False),
        (9_000_000, True),
    ]


def test_a_ceiling_holds_on_its_first_and_last_day_and_not_a_day_longer() -> None:
    rows: list[Item | PriceCeiling | SelfpayRatio] = [item(), ceiling(DRUG, "370100", 9, first=DAY, last=DAY)]
    limits = [priced(*rows, day=DAY + timedelta(days=shift)) for shift in (-1, 0, 1)]
    assert [found and found.pric_uplmt_e6 for found in limits] == [None, 9 * 10**6, None]


def test_class_a_pays_nothing_first_and_class_c_everything_whatever_regions_say() -> None:
    regional = ratio(DRUG, "370100", 15)
    shares = [
        priced(item(chrgitm_lv=lv, selfpay_e4=own), regional) for lv, own in (("01", 0), ("02", 1000), ("03", 10_000))
    ]
    assert [found and share_text(found.selfpay_e4) for found in shares] == ["0", "0.15", "1"]


def test_class_b_takes_the_regional_ratio_of_the_level_and_else_its_own() -> None:
    own = item(chrgitm_lv="02", selfpay_e4=1000)
    assert priced(own) == PricedItem(own, None, 1000)
    rows = (own, ratio(DRUG, "370000", 20), ratio(DRUG, "370000", 30, "2"))
    assert priced(*rows) == PricedItem(own, None, 3000)
    assert priced(*rows, hosp_lv="5") == PricedItem(own, None, 2000)


def test_an_item_has_the_class_of_the_lines_own_day() -> None:
    before = item(chrgitm_lv="02", selfpay_e4=1000, to_day=DAY)
    after = item(from_day=DAY + timedelta(days=1))
    assert priced(before, after) == PricedItem(before, None, 1000)
    assert priced(before, after, day=DAY + timedelta(days=1)) == PricedItem(after, None, 0)
    assert priced(before, day=DAY + timedelta(days=1)) is None


PERIODS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)), max_size=6)


@given(PERIODS, st.integers(0, 60))
def test_any_day_gets_the_one_period_that_holds_it(gaps: list[tuple[int, int]], asked: int) -> None:
    rows, begin, expected = [], 0, None
    for number, (gap, length) in enumerate(gaps, 1):
        first = begin + gap
        last = first + length - 1
        if first <= asked <= last:
            expected = number * 10**6
        rows.append(
            ceiling(DRUG, "000000", number, first=START + timedelta(days=first), last=START + timedelta(days=last))
        )
        begin = last + 1
    found = priced(item(), *reversed(rows), day=START + timedelta(days=asked))
    assert found is not None
    assert found.pric_uplmt_e6 == expected


@given(st.integers(0, 10_000), st.integers(0, 10**15))
def test_amounts_come_back_from_their_texts(share_e4: int, price_e6: int) -> None:
    assert share_of(share_text(share_e4), "") == share_e4
    assert price_of(price_text(price_e6), "") == price_e6
