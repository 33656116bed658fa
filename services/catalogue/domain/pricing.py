"""What an item costs the person first and up to which price it counts, in a region, at a level, on a day.

The look-up goes from the division upward and stops at the first region that says anything; within a region the exact
level comes before every level. A missing ceiling means none, a ceiling of 0 pays nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from services.catalogue.domain.records import (
    CLASS_B,
    EVERY_LEVEL,
    Item,
    PriceCeiling,
    SelfpayRatio,
    find_on,
    key_of,
)
from services.catalogue.domain.regions import region_ladder

NO_CEILING_E6 = 999_999_000_000
"""The field writes 999999 yuan for no ceiling; published so, it stops the look-up and means none."""

T = TypeVar("T", PriceCeiling, SelfpayRatio)


@dataclass(frozen=True, slots=True)
class PriceScope:
    """Whose prices: the division of the place of care, dictionary hosp_lv, and lmtpric_hosp_lv where it differs."""

    admdvs: str
    hosp_lv: str
    lmtpric_hosp_lv: str


@dataclass(frozen=True, slots=True)
class PriceRows:
    """All rows that may price some items in some regions during some days."""

    items: Sequence[Item]
    ceilings: Sequence[PriceCeiling]
    ratios: Sequence[SelfpayRatio]


@dataclass(frozen=True, slots=True)
class PricedItem:
    """An item with the ceiling (None: none) and the share that apply. `hosp_bear`: the hospital bears what is over."""

    item: Item
    pric_uplmt_e6: int | None
    selfpay_e4: int
    hosp_bear: bool = False


def price_level(scope: PriceScope) -> str:
    """Dictionary lmtpric_hosp_lv of an institution: its own, else by its level (1-4 and 12 are level three, 5-7 and 13
    level two, 8-10 and 14 level one); none without a level."""
    if scope.lmtpric_hosp_lv:
        return scope.lmtpric_hosp_lv
    for price, levels in (("3", "1 2 3 4 12"), ("2", "5 6 7 13"), ("1", "8 9 10 14")):
        if scope.hosp_lv in levels.split():
            return price
    return EVERY_LEVEL


class _Regional(Generic[T]):
    """Rows by code, and by region and level within: most codes have few rows or none."""

    def __init__(self, rows: Iterable[T]) -> None:
        self._by_code: dict[str, dict[tuple[str, str], list[T]]] = {}
        for row in rows:
            code, region, level = key_of(row)
            self._by_code.setdefault(code, {}).setdefault((region, level), []).append(row)

    def find(self, code: str, regions: Sequence[str], levels: Sequence[str], day: date) -> T | None:
        """The nearest row: region before region, exact level before every level."""
        rows = self._by_code.get(code)
        if rows is None:
            return None
        for region in regions:
            for level in levels:
                standing = rows.get((region, level))
                if standing is not None and (found := find_on(standing, day)) is not None:
                    return found
        return None


class PriceList:
    """The rows read for one look-up, by code; prices any number of items."""

    def __init__(self, scope: PriceScope, rows: PriceRows) -> None:
        self._items: dict[str, list[Item]] = {}
        for item in rows.items:
            self._items.setdefault(item.med_list_codg, []).append(item)
        self._ceilings = _Regional(rows.ceilings)
        self._ratios = _Regional(rows.ratios)
        self._regions = region_ladder(scope.admdvs)
        self._ceiling_levels = tuple(dict.fromkeys((price_level(scope), EVERY_LEVEL)))
        self._ratio_levels = tuple(dict.fromkeys((scope.hosp_lv, EVERY_LEVEL)))

    def price(self, code: str, day: date) -> PricedItem | None:
        """The item as it applies on the day; None where no item of that code holds on it."""
        item = find_on(self._items.get(code, ()), day)
        if item is None:
            return None
        ceiling = self._ceilings.find(code, self._regions, self._ceiling_levels, day)
        if ceiling is None or ceiling.pric_uplmt_e6 >= NO_CEILING_E6:
            return PricedItem(item, None, self._share(item, day))
        return PricedItem(item, ceiling.pric_uplmt_e6, self._share(item, day), ceiling.hosp_bear)

    def _share(self, item: Item, day: date) -> int:
        if item.chrgitm_lv != CLASS_B:
            return item.selfpay_e4
        ratio = self._ratios.find(item.med_list_codg, self._regions, self._ratio_levels, day)
        return item.selfpay_e4 if ratio is None else ratio.selfpay_e4
