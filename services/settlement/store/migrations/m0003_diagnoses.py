"""Diagnoses are rows: filled from the requests that told them, which entries keep whole (2203, 2401, 2402).

What a later message of the same stage told stands, an earlier one's rows are replaced; those of a discharge that was undone too.
Rows that were sent as invalid are no rows. A message is read by the numbers of its fields, which never change their meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"

_PART: Final = 500
_MICRO: Final = 1_000_000
_SIGN: Final = 1 << 63
_STAGES: Final = {"describe": "visit", "admit": "admission", "discharge": "discharge"}
# Numbers of fields: of the three requests, of their desk, of a diagnosis, of its time.
_DESK, _DIAGNOSES = 2, 4
_OPTER, _OPTER_NAME = 3, 4
_TEXTS: Final = {
    2: "diag_type",
    3: "maindiag_flag",
    4: "diag_srt_no",
    5: "diag_code",
    6: "diag_name",
    7: "adm_cond",
    8: "diag_dept",
    9: "dise_dor_no",
    10: "dise_dor_name",
    12: "vali_flag",
}
_TIME, _SECONDS, _NANOS = 11, 1, 2
_INVALID: Final = b"0"
_ID_DIGITS: Final = 20

_ENTRY: Final = sa.table(
    "encounter_entry",
    *(sa.column(name) for name in ("entry_id", "mdtrt_id", "kind")),
    sa.column("content", sa.LargeBinary()),
    sa.column("created_at", sa.BigInteger()),
)


def upgrade() -> None:
    """The table, its rows, and which of them stand."""
    _create()
    connection = op.get_bind()
    table = sa.table("diagnosis", *(sa.column(name) for name in _columns()))
    after = ""
    while True:
        entries = connection.execute(
            sa.select(_ENTRY)
            .where(_ENTRY.c.entry_id > after, _ENTRY.c.kind.in_(sorted(_STAGES)), _ENTRY.c.mdtrt_id.is_not(None))
            .order_by(_ENTRY.c.entry_id)
            .limit(_PART)
        ).all()
        if not entries:
            break
        after = entries[-1].entry_id
        rows = [row for entry in entries for row in _rows(entry)]
        if rows:
            connection.execute(sa.insert(table), rows)
    _settle(connection)


def _columns() -> tuple[str, ...]:
    head = ("diag_info_id", "mdtrt_id", "stage", "row_no")
    return (*head, *_TEXTS.values(), "diag_time", "told_at", "opter", "opter_name", "state")


def _create() -> None:
    op.create_table(
        "diagnosis",
        sa.Column("diag_info_id", sa.Text(), nullable=False, primary_key=True),
        sa.Column("mdtrt_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=False),
        sa.Column("diag_type", sa.Text(), nullable=False),
        sa.Column("maindiag_flag", sa.Text(), nullable=False),
        sa.Column("diag_srt_no", sa.Text(), nullable=False),
        sa.Column("diag_code", sa.Text(), nullable=False),
        sa.Column("diag_name", sa.Text(), nullable=False),
        sa.Column("adm_cond", sa.Text(), nullable=False),
        sa.Column("diag_dept", sa.Text(), nullable=False),
        sa.Column("dise_dor_no", sa.Text(), nullable=False),
        sa.Column("dise_dor_name", sa.Text(), nullable=False),
        sa.Column("diag_time", sa.BigInteger(), nullable=True),
        sa.Column("vali_flag", sa.Text(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.Column("opter", sa.Text(), nullable=False),
        sa.Column("opter_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("stage IN ('visit', 'admission', 'discharge')", name="diagnosis_stage"),
        sa.CheckConstraint("state IN ('standing', 'replaced')", name="diagnosis_state"),
    )
    op.create_index("diagnosis_of", "diagnosis", ["mdtrt_id"])


def _settle(connection: sa.Connection) -> None:
    """Numbers of rows begin with that of their entry, and numbers of entries grow with time."""
    entry_of = f"SUBSTR(diagnosis.diag_info_id, 1, {_ID_DIGITS})"
    later_rows = (
        "EXISTS (SELECT 1 FROM diagnosis AS d WHERE d.mdtrt_id = diagnosis.mdtrt_id AND d.stage = diagnosis.stage"
        f" AND SUBSTR(d.diag_info_id, 1, {_ID_DIGITS}) > {entry_of})"
    )
    undone = (
        "diagnosis.stage = 'discharge' AND EXISTS (SELECT 1 FROM encounter_entry AS e"
        f" WHERE e.mdtrt_id = diagnosis.mdtrt_id AND e.kind = 'undo_discharge' AND e.entry_id > {entry_of})"
    )
    connection.execute(sa.text(f"UPDATE diagnosis SET state = 'replaced' WHERE {later_rows} OR ({undone})"))


def _rows(entry: Any) -> Iterator[dict[str, Any]]:
    opter = opter_name = ""
    told: list[dict[int, bytes | int]] = []
    for number, value in _fields(entry.content):
        if number == _DESK and isinstance(value, bytes):
            desk = dict(_fields(value))
            opter, opter_name = _text(desk.get(_OPTER, b"")), _text(desk.get(_OPTER_NAME, b""))
        elif number == _DIAGNOSES and isinstance(value, bytes):
            told.append(dict(_fields(value)))
    valid = [row for row in told if row.get(12) != _INVALID]
    for row_no, row in enumerate(valid, 1):
        yield {
            "diag_info_id": f"{entry.entry_id}{row_no:03d}",
            "mdtrt_id": entry.mdtrt_id,
            "stage": _STAGES[entry.kind],
            "row_no": row_no,
            **{name: _text(row.get(number, b"")) for number, name in _TEXTS.items()},
            "diag_time": _micros(row.get(_TIME)),
            "told_at": entry.created_at,
            "opter": opter,
            "opter_name": opter_name,
            "state": "standing",
        }


def _text(value: bytes | int) -> str:
    return value.decode() if isinstance(value, bytes) else ""


def _micros(time: bytes | int | None) -> int | None:
    if not isinstance(time, bytes):
        return None
    parts = dict(_fields(time))
    seconds, nanos = (int(parts.get(number, 0)) for number in (_SECONDS, _NANOS))
    return (seconds - 2 * _SIGN if seconds >= _SIGN else seconds) * _MICRO + nanos // 1_000


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Numbers and values of a message's fields, in their order: whole numbers, and bytes of all that has a length."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
        elif kind == 2:
            size, at = _varint(message, at)
            yield number, message[at : at + size]
            at += size
        else:
            # Numbers of fixed width: nothing that is read here.
            at += 8 if kind == 1 else 4


def _varint(message: Sequence[int], at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at
