"""The statements of identity that read persons and insert rows, made once for a store. Texts for the driver connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

from sqlalchemy import Table

from services.identity.store.rows import ENROLMENT, IDENTITY, LINK, PERSON, TOKEN
from services.identity.store.tables import Tables
from services.runtime.db import insert_sql, sql

Sql = Mapping[str, str]

# All columns as texts, so that one statement can give together what is asked for: tokens, persons, and what hangs on persons.
_TOKENS: Final = (
    f"SELECT psn_no, '{TOKEN}', CAST(issued_at AS TEXT), CAST(expires_at AS TEXT), token_digest, org_id, code_digest,"
    " NULL, NULL, NULL, NULL, NULL, NULL FROM kept"
)
_PERSONS: Final = (
    f"SELECT psn_no, '{PERSON}', brdy, NULL, psn_name, psn_cert_type, certno, gend, naty, card_no, card_sn, NULL, NULL"
    " FROM known"
)
_ENROLMENTS: Final = (
    f"SELECT psn_no, '{ENROLMENT}', from_day, to_day, insutype, insuplc_admdvs, psn_type, psn_insu_stas, status,"
    " insured_since, cvlserv_flag, emp_name, facts FROM {0}"
)
_IDENTITIES: Final = (
    f"SELECT psn_no, '{IDENTITY}', from_day, to_day, psn_idet_type, identity, memo, psn_type_lv, NULL, NULL, NULL, NULL, NULL"
    " FROM {1}"
)
_LINKS: Final = (
    f"SELECT psn_no, '{LINK}', from_day, to_day, owner_psn_no, owner_insutype, owner_cell, NULL, NULL, NULL, NULL, NULL, NULL"
    " FROM {2}"
)
_DATED: Final = " UNION ALL ".join((_ENROLMENTS, _IDENTITIES, _LINKS))
_DATED_TABLES: Final = ("enrolment", "person_identity", "family_link")
_BY_NUMBER: Final = "AMONG(psn_no, ?1)"
_GIVEN: Final = ("psn_no", "certno", "card_no")


def _dated(source: str) -> str:
    """What hangs on persons, of whom `source` says how they are found in a table."""
    return _DATED.format(*(source.format(table) for table in _DATED_TABLES))


_KNOWN: Final = "(SELECT psn_no AS number FROM known) AS found, "
# PostgreSQL takes `known` for many, and would read a table of some thousand rows whole. What is LATERAL with an OFFSET it asks
# for one person after the other.
_OF_KNOWN: Final = {
    "sqlite": _dated(f"{_KNOWN}{{}} WHERE psn_no = number"),
    "postgresql": _dated(f"{_KNOWN}LATERAL (SELECT * FROM {{}} WHERE psn_no = number OFFSET 0) AS whose"),
}


@dataclass(frozen=True, slots=True)
class Statements:
    """`people` by which of numbers, certificate numbers and cards are given, in this order; `inserts` by table name.

    `dated` takes persons' numbers: what hangs on them. `whole` gives persons and what hangs on them, and takes as `people` does,
    and last, where they are given, digests of ecTokens: their rows, and whose they are.
    """

    people: Mapping[tuple[bool, bool, bool], Sql]
    dated: Sql
    whole: Mapping[tuple[bool, bool, bool, bool], Sql]
    inserts: Mapping[str, Sql]


@cache
def make_statements(tables: Tables) -> Statements:
    """All of them."""
    return Statements(
        _people(tables.person),
        sql(_dated(f"{{}} WHERE {_BY_NUMBER}")),
        _whole(tables.person),
        {table.name: insert_sql(table) for table in tables.metadata.tables.values()},
    )


def _people(person: Table) -> dict[tuple[bool, bool, bool], Sql]:
    columns = ", ".join(column.name for column in person.columns)
    found: dict[tuple[bool, bool, bool], Sql] = {}
    for by_number, by_certificate, by_card in product((False, True), repeat=3):
        given = (by_number, by_certificate, by_card)
        names = [name for name, here in zip(_GIVEN, given, strict=True) if here]
        wanted = " OR ".join(f"AMONG({name}, ?{place})" for place, name in enumerate(names, 1))
        if wanted:
            found[given] = sql(f"SELECT {columns} FROM person WHERE {wanted}")
    return found


def _whole(person: Table) -> dict[tuple[bool, bool, bool, bool], Sql]:
    columns = ", ".join(column.name for column in person.columns)
    found: dict[tuple[bool, bool, bool, bool], Sql] = {}
    for by_number, by_certificate, by_card, tokens in product((False, True), repeat=4):
        given = (by_number, by_certificate, by_card)
        names = [name for name, here in zip(_GIVEN, given, strict=True) if here]
        wanted = [f"AMONG({name}, ?{place})" for place, name in enumerate(names, 1)]
        named, first = "", [_PERSONS]
        if tokens:
            named = (
                "kept AS (SELECT token_digest, psn_no, org_id, code_digest, issued_at, expires_at FROM ec_token"
                f" WHERE AMONG(token_digest, ?{len(names) + 1})), "
            )
            wanted.append("psn_no IN (SELECT psn_no FROM kept)")
            first = [_TOKENS, _PERSONS]
        if wanted:
            # Each by its own index; of one found twice UNION keeps one.
            people = " UNION ".join(f"SELECT {columns} FROM person WHERE {each}" for each in wanted)
            texts = {
                dialect: f"SELECT * FROM (WITH {named}known AS ({people}) {' UNION ALL '.join((*first, dated))}) AS k"
                for dialect, dated in _OF_KNOWN.items()
            }
            found[(*given, tokens)] = {dialect: sql(text)[dialect] for dialect, text in texts.items()}
    persons = _PERSONS.replace("FROM known", f"FROM person WHERE {_BY_NUMBER}")
    found[True, False, False, False] = sql(f"{persons} UNION ALL {_dated(f'{{}} WHERE {_BY_NUMBER}')}")
    return found
