"""The statements of the hot path, made once for a store: making one costs more than running it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, Text, literal, null, or_, select, type_coerce, union_all

from services.identity.store.rows import ENROLMENT, IDENTITY, LINK, PERSON
from services.identity.store.tables import Tables
from services.runtime.db import in_values


@dataclass(frozen=True, slots=True)
class Statements:
    """`people` by which of `numbers`, `certnos` and `cards` are given; `tokens` takes `digests`.

    `dated` takes `numbers`: what hangs on these persons. `whole` is the same with the persons themselves.
    """

    people: Mapping[tuple[bool, bool, bool], Select[Any]]
    dated: CompoundSelect[Any]
    whole: CompoundSelect[Any]
    tokens: Select[Any]


def make_statements(tables: Tables) -> Statements:
    """All of them."""
    token = tables.token
    tokens = select(token).where(in_values(token.c.token_digest, "digests"))
    dated = _dated(tables)
    return Statements(_people(tables), union_all(*dated), union_all(_persons(tables), *dated), tokens)


def _people(tables: Tables) -> dict[tuple[bool, bool, bool], Select[Any]]:
    person = tables.person
    columns = ((person.c.psn_no, "numbers"), (person.c.certno, "certnos"), (person.c.card_no, "cards"))
    return {
        (given[0], given[1], given[2]): select(person).where(
            or_(*(in_values(column, name) for (column, name), here in zip(columns, given, strict=True) if here))
        )
        for given in product((False, True), repeat=3)
        if any(given)
    }


def _persons(tables: Tables) -> Select[Any]:
    p, none = tables.person.c, _nothing()
    return select(
        p.psn_no, literal(PERSON), _raw(p.brdy), none, p.psn_name, p.psn_cert_type, p.certno, p.gend, p.naty,
        p.card_no, p.card_sn, none, none,
    ).where(in_values(p.psn_no, "numbers"))  # fmt: skip


def _dated(tables: Tables) -> tuple[Select[Any], ...]:
    """Enrolments, identities and links, all columns as texts, so that one statement can give them together."""
    e, i, f, none = tables.enrolment.c, tables.identity.c, tables.link.c, _nothing()
    enrolments = select(
        e.psn_no, literal(ENROLMENT), _raw(e.from_day), _raw(e.to_day), e.insutype, e.insuplc_admdvs,
        e.psn_type, e.psn_insu_stas, e.status, _raw(e.insured_since), e.cvlserv_flag, e.emp_name, _raw(e.facts),
    )  # fmt: skip
    identities = select(
        i.psn_no, literal(IDENTITY), _raw(i.from_day), _raw(i.to_day), i.psn_idet_type, i.identity,
        i.memo, none, none, none, none, none, none,
    )  # fmt: skip
    links = select(
        f.psn_no, literal(LINK), _raw(f.from_day), _raw(f.to_day), f.owner_psn_no, f.owner_insutype,
        none, none, none, none, none, none, none,
    )  # fmt: skip
    return (
        enrolments.where(in_values(e.psn_no, "numbers")),
        identities.where(in_values(i.psn_no, "numbers")),
        links.where(in_values(f.psn_no, "numbers")),
    )


def _nothing() -> ColumnElement[str]:
    return type_coerce(null(), Text)


def _raw(column: ColumnElement[Any]) -> ColumnElement[str]:
    """The stored text, read as it is."""
    return type_coerce(column, Text)
