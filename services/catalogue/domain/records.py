"""The records of the catalogue as frozen dataclasses: each has a key, holds from a day to a day, and is never changed.

Amounts are whole numbers (`_e6`: yuan over 10**6, `_e4`: a share over 10,000). Nothing here looks anything up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import ClassVar, TypeVar

CLASS_A, CLASS_B, CLASS_C = "01", "02", "03"
"""Payment class 甲 乙 丙, dictionary chrgitm_lv."""

EVERY_LEVEL = ""
"""A ceiling or ratio that holds for hospitals of every level."""


@dataclass(frozen=True, slots=True)
class Item:
    """A drug, service item or consumable. `selfpay_e4` holds where no region says otherwise: 0 for class A, all of it for
    class C."""

    KIND: ClassVar[str] = "item"
    KEY: ClassVar[tuple[str, ...]] = ("med_list_codg",)

    med_list_codg: str
    list_type: str
    item_name: str
    chrgitm_lv: str
    med_chrgitm_type: str
    spec: str
    dosform_name: str
    unit: str
    lmt_used_flag: bool
    bas_medn_flag: bool
    hi_nego_drug_flag: bool
    selfpay_e4: int
    from_day: date
    to_day: date | None


@dataclass(frozen=True, slots=True)
class PriceCeiling:
    """The most that counts per unit in a region; 0 pays nothing.

    `hosp_bear` says that what is over it is borne by the hospital and not by the person: it is the payment standard
    (支付标准) of a centrally purchased item.
    """

    KIND: ClassVar[str] = "price_ceiling"
    KEY: ClassVar[tuple[str, ...]] = ("med_list_codg", "admdvs", "lmtpric_hosp_lv")

    med_list_codg: str
    admdvs: str
    lmtpric_hosp_lv: str
    pric_uplmt_e6: int
    from_day: date
    to_day: date | None
    hosp_bear: bool = False


@dataclass(frozen=True, slots=True)
class SelfpayRatio:
    """The share of a class B item that the person pays first, in a region."""

    KIND: ClassVar[str] = "selfpay_ratio"
    KEY: ClassVar[tuple[str, ...]] = ("med_list_codg", "admdvs", "hosp_lv")

    med_list_codg: str
    admdvs: str
    hosp_lv: str
    selfpay_e4: int
    from_day: date
    to_day: date | None


@dataclass(frozen=True, slots=True)
class Term:
    """A diagnosis or operation."""

    KIND: ClassVar[str] = "term"
    KEY: ClassVar[tuple[str, ...]] = ("standard", "code")

    standard: str
    code: str
    name: str
    from_day: date
    to_day: date | None


@dataclass(frozen=True, slots=True)
class Disease:
    """A chronic or special disease with the values of the policy facts that it stands for."""

    KIND: ClassVar[str] = "disease"
    KEY: ClassVar[tuple[str, ...]] = ("dise_codg", "admdvs")

    dise_codg: str
    dise_name: str
    disease: str
    chronic_class: str
    admdvs: str
    from_day: date
    to_day: date | None


@dataclass(frozen=True, slots=True)
class Institution:
    """A designated hospital or pharmacy."""

    KIND: ClassVar[str] = "institution"
    KEY: ClassVar[tuple[str, ...]] = ("fixmedins_code",)

    fixmedins_code: str
    fixmedins_name: str
    uscc: str
    fixmedins_type: str
    hosp_lv: str
    lmtpric_hosp_lv: str
    policy_hosp_lv: str
    admdvs: str
    from_day: date
    to_day: date | None


@dataclass(frozen=True, slots=True)
class Division:
    """A 医保区划 division or pool."""

    KIND: ClassVar[str] = "division"
    KEY: ClassVar[tuple[str, ...]] = ("admdvs",)

    admdvs: str
    name: str
    parent_admdvs: str
    from_day: date
    to_day: date | None


@dataclass(frozen=True, slots=True)
class LocalMedType:
    """A kind of care 医疗类别 of a province's own, and the national one (`med_type`) that it counts as."""

    KIND: ClassVar[str] = "local_med_type"
    KEY: ClassVar[tuple[str, ...]] = ("local_med_type", "admdvs")

    local_med_type: str
    name: str
    med_type: str
    admdvs: str
    from_day: date
    to_day: date | None


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a benefit policy with its canonical document; `kind` is benefit or constraint."""

    KIND: ClassVar[str] = "policy"
    KEY: ClassVar[tuple[str, ...]] = ("policy_id", "version")

    policy_id: str
    version: str
    title: str
    admdvs: str
    insutype: str
    kind: str
    version_on: str
    policy_hash: str
    document_json: str
    from_day: date
    to_day: date | None


@dataclass(frozen=True, slots=True)
class PolicyStack:
    """Which policies apply together for an insured place and insurance type."""

    KIND: ClassVar[str] = "stack"
    KEY: ClassVar[tuple[str, ...]] = ("admdvs", "insutype")

    admdvs: str
    insutype: str
    policy_ids: tuple[str, ...]
    from_day: date
    to_day: date | None


Record = (
    Item
    | PriceCeiling
    | SelfpayRatio
    | Term
    | Disease
    | Institution
    | Division
    | LocalMedType
    | PolicyVersion
    | PolicyStack
)
Key = tuple[str, ...]

KINDS: tuple[type[Record], ...] = (
    Item,
    PriceCeiling,
    SelfpayRatio,
    Term,
    Disease,
    Institution,
    Division,
    LocalMedType,
    PolicyVersion,
    PolicyStack,
)

EMPTY_HEAD = hashlib.sha256(b"").hexdigest()
"""Hash of a catalogue in which nothing was ever published."""

R = TypeVar(
    "R",
    Item,
    PriceCeiling,
    SelfpayRatio,
    Term,
    Disease,
    Institution,
    Division,
    LocalMedType,
    PolicyVersion,
    PolicyStack,
)


def key_of(record: Record) -> Key:
    """What the record is about; records of one key never hold on the same day, except versions of a policy."""
    return tuple(getattr(record, name) for name in record.KEY)


def applies(record: Record, day: date) -> bool:
    """Whether the record holds on the day; both ends are included."""
    return record.from_day <= day and (record.to_day is None or day <= record.to_day)


def find_on(records: Iterable[R], day: date) -> R | None:
    """The one of a key's records that holds on the day."""
    return next((record for record in records if applies(record, day)), None)


def meets(record: Record, first: date, last: date) -> bool:
    """Whether the record holds on any day from first to last."""
    return record.from_day <= last and (record.to_day is None or first <= record.to_day)


def next_head(head: str, published: Iterable[Record]) -> str:
    """The catalogue's hash after more was published: a chain, so equal records in equal order give equal heads."""
    digest = hashlib.sha256(head.encode("ascii"))
    for record in published:
        values = [
            value.isoformat() if isinstance(value, date) else value
            for value in (getattr(record, field.name) for field in fields(record) if field.name != "document_json")
        ]
        digest.update(json.dumps([record.KIND, *values], ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()
