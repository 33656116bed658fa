"""Certificates and cards in one writing, keys with a name and an end, partners with limits, and no apikey kept readable.

Numbers are folded as they have been looked for since: half-width, in capitals, without blanks around them. Of two persons
whose numbers become the same, the one that stands in the one writing, else the first by psn_no, gets it. The other row stays
as it is, for only its office can say whose the number is, and is found by psn_no alone until it is registered anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"

_PART: Final = 500
_ISSUED: Final = "/yibao.identity.v1.PartnerService/IssueApiKey"
# Ids of that time: microseconds and four more digits.
_TAIL: Final = 10_000
_DIALECT: Final = {"null_output": False, "answers_in_gbk": False, "lenient_warnings": None, "strict": False}

_PERSON: Final = sa.table("person", *(sa.column(name) for name in ("psn_no", "psn_cert_type", "certno", "card_no")))
_PARTNER: Final = sa.table(
    "partner", *(sa.column(name) for name in ("partner_code", "auth_style", "secret", "secret_digest", "dialect"))
)
_KEY: Final = sa.table("api_key", sa.column("key_digest"), sa.column("issued_at", sa.BigInteger()), sa.column("key_id"))
_ENTRY: Final = sa.table(
    "entry", *(sa.column(name) for name in ("scope", "request_id", "rpc", "response", "created_at", "secret_digest"))
)


def upgrade() -> None:
    """Columns first, then rows, then what only filled rows can keep."""
    op.add_column("person_identity", sa.Column("psn_type_lv", sa.Text(), nullable=False, server_default=""))
    op.add_column("partner", sa.Column("limits", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("api_key", sa.Column("key_id", sa.Text(), nullable=True))
    op.add_column("api_key", sa.Column("label", sa.Text(), nullable=False, server_default=""))
    for name in ("last_used_at", "revoked_at"):
        op.add_column("api_key", sa.Column(name, sa.BigInteger(), nullable=True))
    connection = op.get_bind()
    _fold_numbers(connection)
    _fill_partners(connection)
    _name_keys(connection)
    for table, column in (("person_identity", "psn_type_lv"), ("partner", "limits")):
        with op.batch_alter_table(table) as batch:
            batch.alter_column(column, server_default=None)
    with op.batch_alter_table("api_key") as batch:
        batch.alter_column("key_id", nullable=False)
        batch.alter_column("label", server_default=None)
        batch.create_unique_constraint("api_key_key_id_key", ["key_id"])
    op.create_index("api_key_holder", "api_key", ["role", "subject", "key_id"])


def _fold_numbers(connection: sa.Connection) -> None:
    left = 0
    for rows in _parts(connection, _PERSON, ["psn_no"]):
        certificates = {row.psn_no: _certificate(row) for row in rows}
        changed = {row.psn_no for row in rows if certificates[row.psn_no] != (row.psn_cert_type, row.certno)}
        columns = (_PERSON.c.psn_cert_type, _PERSON.c.certno)
        taken = _taken(connection, columns, {certificates[number][1] for number in changed})
        fitting = _first(changed, certificates, taken)
        _set(connection, _PERSON, "psn_no", ("psn_cert_type", "certno"), {key: certificates[key] for key in fitting})
        cards = {row.psn_no: (_folded(row.card_no) or None,) for row in rows if row.card_no is not None}
        other = {row.psn_no for row in rows if row.card_no is not None and cards[row.psn_no] != (row.card_no,)}
        taken = _taken(connection, (_PERSON.c.card_no,), {str(cards[number][0]) for number in other})
        free = _first(other, cards, taken)
        _set(connection, _PERSON, "psn_no", ("card_no",), {key: cards[key] for key in free})
        left += len((changed - fitting) | (other - free))
    if left:
        logging.getLogger("yibao.store").warning(
            "numbers left as they were written, for another person has the same",
            extra={"fields": {"member": "identity", "persons": left}},
        )


def _certificate(row: Any) -> tuple[str, str]:
    """Type and number in the one writing; a number of blanks alone stays what it is."""
    code = _folded(row.psn_cert_type)
    return code.zfill(2) if code.isdecimal() else code, _folded(row.certno) or row.certno


def _folded(number: str) -> str:
    return (number if number.isascii() else unicodedata.normalize("NFKC", number)).strip().upper()


def _taken(
    connection: sa.Connection, columns: Sequence[sa.ColumnClause[Any]], numbers: set[str]
) -> set[tuple[Any, ...]]:
    """What is held already of numbers; the last column is the number."""
    if not numbers:
        return set()
    return {tuple(row) for row in connection.execute(sa.select(*columns).where(columns[-1].in_(sorted(numbers))))}


def _first(changed: set[str], values: dict[str, Any], taken: set[tuple[Any, ...]]) -> set[str]:
    """Those who can have their value: it is nobody's, or empty, and no earlier one of these has it."""
    fitting = set()
    for key in sorted(changed):
        if values[key] not in taken:
            fitting.add(key)
            taken |= {values[key]} - {(None,)}
    return fitting


def _fill_partners(connection: sa.Connection) -> None:
    for rows in _parts(connection, _PARTNER, ["partner_code"]):
        told = {}
        for row in rows:
            dialect = json.dumps({**_DIALECT, **json.loads(row.dialect)}, sort_keys=True, separators=(",", ":"))
            kept = (row.secret, row.secret_digest)
            if row.auth_style == "api_key":
                kept = ("", row.secret_digest or hashlib.sha256(row.secret.encode()).hexdigest())
            told[row.partner_code] = (dialect, *kept)
        _set(connection, _PARTNER, "partner_code", ("dialect", "secret", "secret_digest"), told)


def _name_keys(connection: sa.Connection) -> None:
    """Ids that grow with the moment of issue; the answer that issued a key names it from now on."""
    last = 0
    for rows in _parts(connection, _KEY, ["issued_at", "key_digest"]):
        named = {}
        for row in rows:
            last = max(row.issued_at * _TAIL, last + 1)
            named[row.key_digest] = f"{last:020d}"
        _set(connection, _KEY, "key_digest", ("key_id",), {key: (name,) for key, name in named.items()})
        issued = {row.key_digest: row.issued_at for row in rows}
        told = connection.execute(
            sa.select(_ENTRY.c.scope, _ENTRY.c.request_id, _ENTRY.c.created_at, _ENTRY.c.secret_digest).where(
                _ENTRY.c.rpc == _ISSUED, _ENTRY.c.secret_digest.in_(sorted(named))
            )
        ).all()
        answers = [
            {
                "of": row.scope,
                "request": row.request_id,
                # One that came later was answered that the key stands already.
                "answer": (b"" if row.created_at == issued[row.secret_digest] else b"known ")
                + named[row.secret_digest].encode(),
            }
            for row in told
        ]
        if answers:
            same = (_ENTRY.c.scope == sa.bindparam("of"), _ENTRY.c.request_id == sa.bindparam("request"))
            response = sa.bindparam("answer", type_=sa.LargeBinary())
            connection.execute(sa.update(_ENTRY).where(*same).values(response=response), answers)


def _parts(connection: sa.Connection, table: sa.TableClause, key: Sequence[str]) -> Iterator[Sequence[Any]]:
    """All rows along a key, some at a time."""
    columns = [table.c[name] for name in key]
    after: tuple[Any, ...] = ()
    while True:
        behind = [sa.tuple_(*columns) > sa.tuple_(*map(sa.literal, after))] if after else []
        rows = connection.execute(sa.select(table).where(*behind).order_by(*columns).limit(_PART)).all()
        if not rows:
            return
        after = tuple(getattr(rows[-1], name) for name in key)
        yield rows


def _set(
    connection: sa.Connection, table: sa.TableClause, key: str, names: Sequence[str], rows: dict[str, tuple[Any, ...]]
) -> None:
    """Writes values of columns by key; nothing for none."""
    if not rows:
        return
    statement = (
        sa.update(table)
        .where(table.c[key] == sa.bindparam("of"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )
    filled = [
        {"of": of, **{f"new_{name}": each for name, each in zip(names, values, strict=True)}}
        for of, values in rows.items()
    ]
    connection.execute(statement, filled)
