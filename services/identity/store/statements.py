"""The statements of identity that read persons and insert rows, made once for a store. Texts for the driver connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

from sqlalchemy import Table

from services.identity.store.rows import ENROLMENT, IDENTITY, LINK, PERSON
from services.identity.store.tables import Tables
from services.runtime.db import insert_sql, sql

Sql = Mapping[str, str]

_PERSONS: Final = (
    f"SELECT psn_no, '{PERSON}', brdy, NULL, psn_name, psn_cert_type, certno, gend, naty, card_no, card_sn, NULL, NULL"
    " FROM person WHERE AMONG(psn_no, ?1)"
)
# All columns as texts, so that one statement can give together what hangs on persons.
_ENROLMENTS: Final = (
    f"SELECT psn_no, '{ENROLMENT}', from_day, to_day, insutype, insuplc_admdvs, psn_type, psn_insu_stas, status,"
    " insured_since, cvlserv_flag, emp_name, facts FROM enrolment WHERE AMONG(psn_no, ?1)"
)
_IDENTITIES: Final = (
    f"SELECT psn_no, '{IDENTITY}', from_day, to_day, psn_idet_type, identity, memo, psn_type_lv, NULL, NULL, NULL, NULL, NULL"
    " FROM person_identity WHERE AMONG(psn_no, ?1)"
)
_LINKS: Final = (
    f"SELECT psn_no, '{LINK}', from_day, to_day, owner_psn_no, owner_insutype, owner_cell, NULL, NULL, NULL, NULL, NULL, NULL"
    " FROM family_link WHERE AMONG(psn_no, ?1)"
)
_DATED: Final = (_ENROLMENTS, _IDENTITIES, _LINKS)


@dataclass(frozen=True, slots=True)
class Statements:
    """`people` by which of numbers, certificate numbers and cards are given, in this order; `inserts` by table name.

    `dated` takes persons' numbers: what hangs on them. `whole` is the same with the persons themselves.
    """

    people: Mapping[tuple[bool, bool, bool], Sql]
    dated: Sql
    whole: Sql
    inserts: Mapping[str, Sql]


@cache
def make_statements(tables: Tables) -> Statements:
    """All of them."""
    return Statements(
        _people(tables.person),
        sql(" UNION ALL ".join(_DATED)),
        sql(" UNION ALL ".join((_PERSONS, *_DATED))),
        {table.name: insert_sql(table) for table in tables.metadata.tables.values()},
    )


def _people(person: Table) -> dict[tuple[bool, bool, bool], Sql]:
    columns = ", ".join(column.name for column in person.columns)
    found: dict[tuple[bool, bool, bool], Sql] = {}
    for by_number, by_certificate, by_card in product((False, True), repeat=3):
        given = (("psn_no", by_number), ("certno", by_certificate), ("card_no", by_card))
        names = [name for name, here in given if here]
        wanted = " OR ".join(f"AMONG({name}, ?{place})" for place, name in enumerate(names, 1))
        if wanted:
            found[by_number, by_certificate, by_card] = sql(f"SELECT {columns} FROM person WHERE {wanted}")
    return found
