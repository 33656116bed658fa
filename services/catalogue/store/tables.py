"""The catalogue's tables, the same on SQLite and PostgreSQL. A table's first columns are its record's fields, in order.

A standing row changes once at most: its open end is closed, and the row says by which publication. It holds no query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from services.catalogue.domain.records import (
    Disease,
    Division,
    Institution,
    Item,
    LocalMedType,
    PolicyStack,
    PolicyVersion,
    PriceCeiling,
    Record,
    SelfpayRatio,
    Term,
)
from services.runtime.db import Day, Json, Moment

METADATA: Final = MetaData()

# How a record's field is stored, by its annotation.
_TYPES: Final[Mapping[str, Any]] = {
    "str": Text,
    "bool": Boolean,
    "int": BigInteger,
    "date": Day,
    "date | None": Day,
    "tuple[str, ...]": Json,
}


def _table(name: str, record: type[Record], *more: Index | CheckConstraint | UniqueConstraint) -> Table:
    return Table(
        name,
        METADATA,
        *(Column(each.name, _TYPES[str(each.type)], nullable=each.name == "to_day") for each in fields(record)),
        Column("published_in", BigInteger, nullable=False),
        Column("closed_in", BigInteger),
        PrimaryKeyConstraint(*dict.fromkeys((*record.KEY, "from_day"))),
        CheckConstraint("to_day IS NULL OR to_day >= from_day", name=f"{name}_days"),
        *more,
    )


ITEM: Final = _table(
    "item",
    Item,
    CheckConstraint("chrgitm_lv IN ('01', '02', '03')", name="item_class"),
    CheckConstraint("selfpay_e4 BETWEEN 0 AND 10000", name="item_share"),
)
PRICE_CEILING: Final = _table(
    "price_ceiling",
    PriceCeiling,
    CheckConstraint("pric_uplmt_e6 >= 0", name="price_ceiling_amount"),
)
SELFPAY_RATIO: Final = _table(
    "selfpay_ratio", SelfpayRatio, CheckConstraint("selfpay_e4 BETWEEN 0 AND 10000", name="selfpay_ratio_share")
)
TERM: Final = _table("term", Term)
DISEASE: Final = _table("disease", Disease)
INSTITUTION: Final = _table(
    "institution", Institution, Index("institution_of_type", "fixmedins_type", "fixmedins_code")
)
DIVISION: Final = _table("division", Division)
LOCAL_MED_TYPE: Final = _table("local_med_type", LocalMedType, Index("local_med_type_of", "admdvs"))
POLICY: Final = _table(
    "policy",
    PolicyVersion,
    UniqueConstraint("policy_id", "version", name="policy_version"),
    UniqueConstraint("policy_hash", name="policy_content"),
)
STACK: Final = _table("stack", PolicyStack)

TABLES: Final[Mapping[type[Record], Table]] = {
    Item: ITEM,
    PriceCeiling: PRICE_CEILING,
    SelfpayRatio: SELFPAY_RATIO,
    Term: TERM,
    Disease: DISEASE,
    Institution: INSTITUTION,
    Division: DIVISION,
    LocalMedType: LOCAL_MED_TYPE,
    PolicyVersion: POLICY,
    PolicyStack: STACK,
}

PUBLICATION: Final = Table(
    "publication",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("scope", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("head", Text, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("published_at", Moment, nullable=False),
    UniqueConstraint("scope", "request_id", name="publication_request"),
)
