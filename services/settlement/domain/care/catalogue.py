"""What settlement reads of the catalogue: institutions, priced items, diseases and local kinds of care."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Institution:
    """A designated institution.

    `hosp_lv` is the national dictionary's (empty: pharmacy), `policy_hosp_lv` the level that policies read where the
    dictionary cannot say it.
    """

    fixmedins_code: str
    fixmedins_name: str
    fixmedins_type: str
    hosp_lv: str
    lmtpric_hosp_lv: str
    policy_hosp_lv: str
    admdvs: str


@dataclass(frozen=True, slots=True)
class PriceScope:
    """Whose prices: the division of the place of care and the level of the institution."""

    admdvs: str
    hosp_lv: str
    lmtpric_hosp_lv: str


@dataclass(frozen=True, slots=True)
class ItemKey:
    """An item that a fee line names, on the line's day."""

    med_list_codg: str
    day: date


@dataclass(frozen=True, slots=True)
class PricedItem:
    """An item as it applies in a region, at a level, on a day.

    `chrg_class` is A, B or C (甲乙丙); `selfpay_prop_e4` is over 10,000; `price_limit_e6` is yuan over 10**6 (None:
    none), and `price_limit` the same as the catalogue writes it (empty: none). `hosp_bear`: the hospital bears what is over.
    """

    med_list_codg: str
    list_type: str
    item_name: str
    chrg_class: str
    med_chrgitm_type: str
    spec: str
    dosform_name: str
    lmt_used_flag: bool
    bas_medn_flag: bool
    hi_nego_drug_flag: bool
    selfpay_prop_e4: int
    price_limit_e6: int | None
    price_limit: str
    hosp_bear: bool = False


@dataclass(frozen=True, slots=True)
class Disease:
    """What policies read of a disease code: values of the facts `disease` and `chronic_class`."""

    dise_codg: str
    disease: str
    chronic_class: str


@dataclass(frozen=True, slots=True)
class LocalKind:
    """A kind of care that a province declares, and the national med_type that it counts as, from a day to a day."""

    code: str
    med_type: str
    from_day: date
    to_day: date | None
