"""Rows of journals, with the tallies and postings that follow from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from services.kernel.clock import from_micros, to_micros
from services.routing.domain.clearing.journals import Filed, Journal, Key
from services.routing.domain.clearing.ledger import Posting, Tally, negative, postings_of, tallies_of
from services.routing.domain.clearing.parties import Pair
from services.runtime.db import DriverConnection, advisory_lock, sql

FACTS: Final = (
    "setl_id, kind, order_no, mdtrt_id, fixmedins_code, insured_area, care_area, insutype, clr_type, setl_at, setl_day,"
    " medfee_sumamt_fen, parts"
)
_WHERE: Final = "circle, insured_region, care_region, month"
_STANDING: Final = sql(f"SELECT {FACTS} FROM clearing_journal WHERE AMONG(setl_id, ?1)")
_OF_INSTITUTION: Final = sql(
    f"SELECT {FACTS}, cnfm_flag, cnfm_no FROM clearing_journal WHERE fixmedins_code = ?1 AND month = ?2"
    " ORDER BY setl_id, kind LIMIT ?3 OFFSET ?4"
)
_NAMED: Final = sql(
    f"SELECT {FACTS}, cnfm_flag, cnfm_no FROM clearing_journal WHERE fixmedins_code = ?1 AND month = ?2"
    " AND AMONG(setl_id, ?3) ORDER BY setl_id, kind"
)
_CONFIRM: Final = sql(
    "UPDATE clearing_journal SET cnfm_flag = ?4, cnfm_no = ?5 WHERE fixmedins_code = ?1 AND month = ?2"
    " AND AMONG(setl_id, ?3)"
)
_WITHDRAW: Final = sql(
    "UPDATE clearing_journal SET cnfm_flag = '', cnfm_no = '' WHERE fixmedins_code = ?1 AND month = ?2"
    " AND cnfm_no <> '' AND (?3 = '' OR cnfm_no = ?3) RETURNING setl_id"
)
_LEFT_OUT: Final = sql(f"SELECT {FACTS}, {_WHERE} FROM clearing_journal WHERE cnfm_flag = '0' AND month = ?1")
_MOVE: Final = sql(
    "UPDATE clearing_journal SET month = ?2, cnfm_flag = '', cnfm_no = '' WHERE month = ?1 AND cnfm_flag = '0'"
)
_TALLIES: Final = sql(
    "SELECT month, circle, insured_region, care_region, fund, settled_count, reversed_count, amount_fen"
    " FROM clearing_tally WHERE month = ?1 ORDER BY circle, insured_region, care_region, fund"
)
_ADD_UP: Final = (
    " ON CONFLICT (month, circle, insured_region, care_region, fund) DO UPDATE SET"
    " settled_count = clearing_tally.settled_count + excluded.settled_count,"
    " reversed_count = clearing_tally.reversed_count + excluded.reversed_count,"
    " amount_fen = clearing_tally.amount_fen + excluded.amount_fen"
)
_BOOKS: Final = "clearing:books"


# Made once: `json.dumps` makes an encoder for each call.
_encoded: Final = json.JSONEncoder(separators=(",", ":")).encode


class JournalBooks:
    """Journals, tallies and postings, in one transaction."""

    def __init__(self, connection: DriverConnection, inserts: Mapping[str, Mapping[str, str]]) -> None:
        self._connection = connection
        self._insert = {name: statement[connection.dialect] for name, statement in inserts.items()}

    async def lock(self) -> None:
        """Whoever changes months or journals comes one after the other."""
        await advisory_lock(self._connection, [_BOOKS])

    async def standing(self, setl_ids: Iterable[str]) -> dict[Key, Journal]:
        """What stands under the numbers of settlements."""
        rows = await self._connection.run(_STANDING, sorted(set(setl_ids)), patient=True)
        return {journal.key: journal for journal in map(journal_of, rows)}

    async def add(self, fresh: Sequence[Filed]) -> None:
        """New journals with all that follows from them."""
        rows = [_row(filed) for filed in fresh]
        await self._connection.insert(self._insert["clearing_journal"], rows, patient=True)
        await self.post([posting for filed in fresh for posting in postings_of(filed)])
        await self.add_up(tallies_of(fresh))

    async def post(self, postings: Sequence[Posting]) -> None:
        """New postings."""
        await self._connection.insert(self._insert["clearing_posting"], postings, patient=True)

    async def add_up(self, tallies: Sequence[Tally]) -> None:
        """Adds to the tallies; they come in the order of their keys, so that two writers never wait for each other."""
        rows = [
            (each.month, *each.pair, each.fund, each.settled_count, each.reversed_count, each.amount_fen)
            for each in tallies
        ]
        await self._connection.insert(self._insert["clearing_tally"] + _ADD_UP, rows, patient=True)

    async def tallies(self, month: str) -> list[Tally]:
        """The tallies of a month, by pair and fund."""
        rows = await self._connection.run(_TALLIES, month, patient=True)
        return [Tally(row[0], Pair(*row[1:4]), *row[4:8]) for row in rows]

    async def of_institution(
        self, fixmedins_code: str, month: str, skip: int, limit: int
    ) -> list[tuple[Journal, str, str]]:
        """Journals of an institution in a month with their flags, in the order of their numbers."""
        rows = await self._connection.run(_OF_INSTITUTION, fixmedins_code, month, limit, skip)
        return [(journal_of(row), row[13], row[14]) for row in rows]

    async def named(self, fixmedins_code: str, month: str, setl_ids: Sequence[str]) -> list[tuple[Journal, str, str]]:
        """Those of them that belong to these settlements."""
        rows = await self._connection.run(_NAMED, fixmedins_code, month, sorted(set(setl_ids)))
        return [(journal_of(row), row[13], row[14]) for row in rows]

    async def confirm(self, fixmedins_code: str, month: str, setl_ids: Sequence[str], flag: str, number: str) -> None:
        """Writes what an institution says to bills, under the number of its message."""
        if setl_ids:
            await self._connection.run(_CONFIRM, fixmedins_code, month, sorted(set(setl_ids)), flag, number)

    async def withdraw(self, fixmedins_code: str, month: str, number: str) -> int:
        """Takes back what was said by a message, by all where the number is empty; how many rows that were."""
        return len(await self._connection.run(_WITHDRAW, fixmedins_code, month, number))

    async def leave_out(self, month: str, later: str) -> int:
        """Moves what institutions do not confirm to a later month; how many journals that are."""
        rows = await self._connection.run(_LEFT_OUT, month, patient=True)
        if not rows:
            return 0
        moved = [Filed(journal_of(row), Pair(*row[13:16]), later) for row in rows]
        await self._connection.run(_MOVE, month, later, patient=True)
        taken = [Filed(each.journal, each.pair, month) for each in moved]
        await self.add_up([*map(negative, tallies_of(taken)), *tallies_of(moved)])
        return len(moved)


def journal_of(row: Sequence[Any]) -> Journal:
    """The journal of a row that begins with `FACTS`."""
    setl_id, kind, order_no, mdtrt_id, institution, insured, care, insutype, clr_type, setl_at, day, medfee, text = row[
        :13
    ]
    parts = tuple((fund, amount) for fund, amount in json.loads(text))
    moment, on = from_micros(setl_at), date.fromisoformat(day)
    return Journal(
        setl_id, kind, order_no, mdtrt_id, institution, insured, care, insutype, clr_type, moment, on, medfee, parts
    )


def _row(filed: Filed) -> tuple[Any, ...]:
    journal = filed.journal
    return (
        journal.setl_id,
        journal.kind,
        journal.order_no,
        journal.mdtrt_id,
        journal.fixmedins_code,
        journal.insured_area,
        journal.care_area,
        journal.insutype,
        journal.clr_type,
        to_micros(journal.setl_at),
        journal.setl_day.isoformat(),
        journal.medfee_sumamt_fen,
        journal.total_fen,
        _encoded(journal.parts),
        *filed.pair,
        filed.month,
        "",
        "",
    )
