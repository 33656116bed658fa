"""The books recomputed by the database itself: each rule is one statement that returns what breaks it and nothing else.

A finding names a settlement or entry, never a person. The bill of a pending order, and one that was voided with its
counter-entry, are held to the same rules as settlements: their postings and movements are in the books.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.runtime.db import Database
from services.settlement.domain.benefits.outcome import FUND_FIELDS, MONEY_FIELDS
from services.settlement.domain.books.verification import CeilingCheck, Finding, LedgerGroup

MOST: Final = 100
"""Findings told of each rule."""

_LEDGER: Final = "psn_no, insutype, insuplc_admdvs, benefit_year"
_FUNDS: Final = " + ".join(f"s.{name}_fen" for name in FUND_FIELDS)
_SUM: Final = "CAST(COALESCE(SUM({0}), 0) AS BIGINT)"
_LOCAL: Final = "NOT EXISTS (SELECT 1 FROM carried_bill AS o WHERE o.setl_id = s.setl_id)"
_HERE: Final = "CASE WHEN s.insured_cell = '' THEN {0} ELSE 0 END"
_ELSEWHERE: Final = "CASE WHEN s.insured_cell = '' THEN 0 ELSE {0} END"
_KEPT: Final = "s.fee_batches_json LIKE '%\"' || b.fee_batch_id || '\"%'"
_POSTED: Final = f"SELECT source_id, {_SUM.format('amount_fen')} AS amount FROM posting WHERE {{0}} GROUP BY source_id"


def _posted(where: str, expected: str) -> str:
    """The postings of one kind against the settlement that they came from."""
    return (
        f"SELECT s.setl_id, {expected}, COALESCE(p.amount, 0) FROM settlement AS s"
        f" LEFT JOIN ({_POSTED.format(where)}) AS p ON p.source_id = s.setl_id"
        f" WHERE s.kind <> 'void' AND COALESCE(p.amount, 0) <> {expected}"
    )


def _identity(whole: str, parts: str) -> str:
    return f"SELECT s.setl_id, {parts}, s.{whole} FROM settlement AS s WHERE s.{whole} <> {parts}"


_NEGATED: Final = " OR ".join(f"s.{name} + c.{name} <> 0" for name in MONEY_FIELDS)

RULES: Final[Mapping[str, str]] = {
    "postings_sum_to_zero": (
        f"SELECT source_id, 0, {_SUM.format('amount_fen')} FROM posting GROUP BY source_id HAVING SUM(amount_fen) <> 0"
    ),
    "balance_equals_postings": (
        "SELECT source_id, CAST(total AS BIGINT), balance_after FROM (SELECT source_id, balance_after, SUM(amount_fen)"
        " OVER (PARTITION BY owner_psn_no, owner_insutype ORDER BY account_seq) AS total FROM posting"
        " WHERE account_seq IS NOT NULL) AS run WHERE total <> balance_after"
    ),
    "account_places_follow": (
        "SELECT source_id, place, account_seq FROM (SELECT source_id, account_seq, ROW_NUMBER()"
        " OVER (PARTITION BY owner_psn_no, owner_insutype ORDER BY account_seq) AS place FROM posting"
        " WHERE account_seq IS NOT NULL) AS run WHERE place <> account_seq"
    ),
    "current_year_within_balance": (
        "SELECT source_id, balance_after, current_year_after FROM posting"
        " WHERE current_year_after < 0 OR current_year_after > balance_after"
    ),
    # A reversed settlement and its counter-entry leave nothing, so what is left are the un-reversed movements.
    "accumulators_equal_standing": (
        f"SELECT s.setl_id, 0, {_SUM.format('a.delta')} FROM settlement AS s"
        " LEFT JOIN settlement AS c ON c.reverses = s.setl_id"
        " JOIN accumulator_entry AS a ON a.source_id IN (s.setl_id, c.setl_id)"
        " WHERE s.kind = 'settle' AND s.state IN ('reversed', 'voided') GROUP BY s.setl_id, a.key HAVING SUM(a.delta) <> 0"
    ),
    "accumulator_has_source": (
        "SELECT a.source_id, 1, 0 FROM accumulator_entry AS a"
        " WHERE NOT EXISTS (SELECT 1 FROM settlement AS s WHERE s.setl_id = a.source_id AND s.ledger_seq = a.seq)"
        " AND NOT EXISTS (SELECT 1 FROM ledger_entry AS l WHERE l.entry_id = a.source_id)"
    ),
    "accumulator_not_negative": (
        f"SELECT MAX(source_id), 0, {_SUM.format('delta')} FROM accumulator_entry GROUP BY {_LEDGER}, key"
        " HAVING SUM(delta) < 0"
    ),
    "fee_is_its_parts": _identity(
        "medfee_sumamt_fen",
        "s.fulamt_ownpay_amt_fen + s.overlmt_selfpay_fen + s.preselfpay_amt_fen + s.inscp_scp_amt_fen",
    ),
    "funds_add_up": _identity("fund_pay_sumamt_fen", _FUNDS),
    "fee_is_its_payers": _identity(
        "medfee_sumamt_fen",
        "s.fund_pay_sumamt_fen + s.psn_part_amt_fen + s.hosp_part_amt_fen",
    ),
    "person_is_account_and_cash": _identity("psn_part_amt_fen", "s.acct_pay_fen + s.psn_cash_pay_fen"),
    "institution_is_owed_the_fee": _posted("ledger_account = 'institution'", "s.medfee_sumamt_fen"),
    # Of a real account the bank owes the part; of a virtual one the ledger's balance has moved.
    "account_postings_are_acct_pay": _posted("ledger_account IN ('account', 'bank')", _HERE.format("-s.acct_pay_fen")),
    "fund_postings_are_fund_pay": _posted("ledger_account LIKE 'fund:%'", _HERE.format("-s.fund_pay_sumamt_fen")),
    # What another cell's funds and accounts pay is owed by the pooling area of the insured place.
    "elsewhere_postings_are_owed": _posted(
        "ledger_account LIKE 'elsewhere:%'", _ELSEWHERE.format("-(s.fund_pay_sumamt_fen + s.acct_pay_fen)")
    ),
    "place_is_in_its_own_ledger": (
        "SELECT s.setl_id, 1, 0 FROM settlement AS s WHERE (s.kind = 'void' OR s.insured_cell <> '') <> (s.ledger_seq IS NULL)"
    ),
    "insured_cell_is_the_encounters": (
        "SELECT s.setl_id, 1, 0 FROM settlement AS s JOIN encounter AS e ON e.mdtrt_id = s.mdtrt_id"
        f" WHERE s.insured_cell <> e.insured_cell AND {_LOCAL}"
    ),
    "cash_postings_are_cash_pay": _posted("ledger_account = 'cash'", "-s.psn_cash_pay_fen"),
    "hospital_postings_are_hosp_part": _posted("ledger_account = 'hospital'", "-s.hosp_part_amt_fen"),
    "reversed_has_counter_entry": (
        "SELECT s.setl_id, 1, 0 FROM settlement AS s LEFT JOIN settlement AS c ON c.reverses = s.setl_id"
        " WHERE s.kind = 'settle' AND (s.state IN ('reversed', 'voided')) <> (c.setl_id IS NOT NULL)"
    ),
    "counter_entry_negates": (
        "SELECT c.setl_id, -s.medfee_sumamt_fen, c.medfee_sumamt_fen FROM settlement AS c"
        f" JOIN settlement AS s ON s.setl_id = c.reverses WHERE {_NEGATED}"
    ),
    "batch_totals_equal_lines": (
        "SELECT b.fee_batch_id, l.total, b.medfee_fen FROM fee_batch AS b JOIN (SELECT fee_batch_id,"
        f" {_SUM.format('amount_fen')} AS total, {_SUM.format('inscp_fen')} AS inscp,"
        f" {_SUM.format('hosp_part_fen')} AS hosp FROM fee_line"
        " GROUP BY fee_batch_id) AS l ON l.fee_batch_id = b.fee_batch_id WHERE b.kind = 'upload'"
        " AND (l.total <> b.medfee_fen OR l.inscp <> b.inscp_fen OR l.hosp <> b.hosp_part_fen)"
    ),
    "settled_batch_stands": (
        "SELECT b.fee_batch_id, 1, 0 FROM fee_batch AS b WHERE b.state = 'settled' AND NOT EXISTS (SELECT 1"
        " FROM settlement AS s WHERE s.setl_id = b.setl_id AND s.kind = 'settle' AND s.state IN ('standing', 'pending'))"
    ),
    "settlement_is_its_batches": (
        "SELECT s.setl_id, COALESCE(b.total, 0), s.medfee_sumamt_fen FROM settlement AS s LEFT JOIN (SELECT setl_id,"
        f" {_SUM.format('medfee_fen')} AS total FROM fee_batch WHERE setl_id IS NOT NULL GROUP BY setl_id) AS b"
        f" ON b.setl_id = s.setl_id WHERE s.kind = 'settle' AND s.state IN ('standing', 'pending') AND {_LOCAL}"
        " AND COALESCE(b.total, 0) <> s.medfee_sumamt_fen"
    ),
    "hospital_bears_what_its_batches_say": (
        "SELECT s.setl_id, COALESCE(b.total, 0), s.hosp_part_amt_fen FROM settlement AS s LEFT JOIN (SELECT setl_id,"
        f" {_SUM.format('hosp_part_fen')} AS total FROM fee_batch WHERE setl_id IS NOT NULL GROUP BY setl_id) AS b"
        f" ON b.setl_id = s.setl_id WHERE s.kind = 'settle' AND s.state IN ('standing', 'pending') AND {_LOCAL}"
        " AND COALESCE(b.total, 0) <> s.hosp_part_amt_fen"
    ),
    "settled_batch_is_kept": (
        "SELECT b.fee_batch_id, 1, 0 FROM fee_batch AS b JOIN settlement AS s ON s.setl_id = b.setl_id"
        f" WHERE NOT ({_KEPT})"
    ),
    # Also of a reversed one: its batches may have been settled anew or cancelled, but they are there.
    "kept_batches_are_the_bill": (
        "SELECT s.setl_id, s.medfee_sumamt_fen, COALESCE(k.total, 0) FROM settlement AS s LEFT JOIN (SELECT s.setl_id,"
        f" {_SUM.format('b.medfee_fen')} AS total FROM settlement AS s JOIN fee_batch AS b ON b.mdtrt_id = s.mdtrt_id"
        f" AND {_KEPT} GROUP BY s.setl_id) AS k ON k.setl_id = s.setl_id"
        f" WHERE s.kind = 'settle' AND {_LOCAL} AND COALESCE(k.total, 0) <> s.medfee_sumamt_fen"
    ),
    "carried_lines_are_the_bill": (
        "SELECT s.setl_id, s.medfee_sumamt_fen, c.medfee_fen FROM carried_bill AS c"
        " JOIN settlement AS s ON s.setl_id = c.setl_id WHERE c.medfee_fen <> s.medfee_sumamt_fen"
        " OR c.hosp_part_fen <> s.hosp_part_amt_fen"
    ),
    # The bill is pending as long as its order is, stands (or stood) where that was confirmed, and is voided where that is;
    # and it is the bill of whom and of what the order says.
    "order_is_its_bill": (
        "SELECT o.order_no, 1, 0 FROM settle_order AS o LEFT JOIN settlement AS s ON s.setl_id = o.setl_id"
        " WHERE o.setl_id IS NOT NULL AND COALESCE(s.state, '') NOT IN (CASE o.phase WHEN 'pending' THEN 'pending'"
        " WHEN 'void' THEN 'voided' ELSE 'standing' END, CASE o.phase WHEN 'confirmed' THEN 'reversed' ELSE '' END)"
        " UNION ALL SELECT o.order_no, 1, 0 FROM settle_order AS o JOIN settlement AS s ON s.setl_id = o.setl_id"
        " LEFT JOIN carried_bill AS c ON c.setl_id = o.setl_id WHERE s.kind <> 'settle' OR o.psn_no <> s.psn_no"
        " OR o.insutype <> s.insutype OR o.mdtrt_id <> s.mdtrt_id OR o.insured_cell <> s.insured_cell"
        " OR (o.carried = 1) <> (c.setl_id IS NOT NULL)"
        " OR o.fixmedins_code <> COALESCE(c.fixmedins_code, s.scope)"
        " OR (o.carried = 1 AND s.scope <> 'service:' || o.opener)"
    ),
    # What a replay puts in the place of a settlement is the same bill of the same encounter, decided anew.
    "replayed_is_the_same_bill": (
        "SELECT s.setl_id, o.medfee_sumamt_fen, s.medfee_sumamt_fen FROM settlement AS s LEFT JOIN settlement AS o"
        " ON o.setl_id = s.replays WHERE s.replays IS NOT NULL AND (o.setl_id IS NULL OR o.state <> 'reversed'"
        " OR o.medfee_sumamt_fen <> s.medfee_sumamt_fen OR o.hosp_part_amt_fen <> s.hosp_part_amt_fen"
        " OR o.mdtrt_id <> s.mdtrt_id OR o.psn_no <> s.psn_no OR o.benefit_year <> s.benefit_year)"
    ),
    "adjustment_is_the_difference": (
        "SELECT a.setl_id, COALESCE(n.fund_pay_sumamt_fen, 0) - s.fund_pay_sumamt_fen, a.fund_fen FROM adjustment AS a"
        " JOIN settlement AS s ON s.setl_id = a.setl_id LEFT JOIN settlement AS n ON n.setl_id = a.replayed_by"
        " WHERE a.fund_fen <> COALESCE(n.fund_pay_sumamt_fen, 0) - s.fund_pay_sumamt_fen"
        " OR a.account_fen + a.family_fen <> COALESCE(n.acct_pay_fen, 0) - s.acct_pay_fen"
        " OR a.family_fen <> COALESCE(n.acct_mulaid_pay_fen, 0) - s.acct_mulaid_pay_fen"
        " OR a.cash_fen <> COALESCE(n.psn_cash_pay_fen, 0) - s.psn_cash_pay_fen"
    ),
    "pending_bill_has_order": (
        "SELECT s.setl_id, 1, 0 FROM settlement AS s WHERE s.kind = 'settle' AND s.state IN ('pending', 'voided')"
        " AND NOT EXISTS (SELECT 1 FROM settle_order AS o WHERE o.setl_id = s.setl_id)"
    ),
}

_COUNTS: Final = (
    "SELECT (SELECT COUNT(*) FROM settlement WHERE kind <> 'void'), (SELECT COUNT(*) FROM posting),"
    " (SELECT COUNT(*) FROM accumulator_entry)"
)
_GROUPS: Final = (
    f"SELECT insutype, insuplc_admdvs, benefit_year FROM accumulator_entry GROUP BY {_LEDGER.partition(', ')[2]}"
)
_ABOVE: Final = (
    f"SELECT MAX(source_id), {_SUM.format('delta')}, key FROM accumulator_entry"
    " WHERE insutype = ?1 AND insuplc_admdvs = ?2 AND benefit_year = ?3 AND key {0}"
    " GROUP BY psn_no, key HAVING SUM(delta) > ?5"
)


class LedgerChecks:
    """Checks of one database, each on a snapshot of its own moment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def counts(self) -> tuple[int, int, int]:
        """Settlements with counter-entries, postings, and movements of accumulators."""
        (row,) = await self._all(_COUNTS)
        return row[0], row[1], row[2]

    async def broken(self) -> list[Finding]:
        """What breaks a rule, at most MOST of each."""
        found: list[Finding] = []
        async with self._database.driver_read(patient=True) as connection:
            for rule, statement in RULES.items():
                rows = await connection.fetch(f"{statement} LIMIT {MOST}")
                found += [Finding(rule, row[0], row[1], row[2]) for row in rows]
        return found

    async def groups(self) -> list[LedgerGroup]:
        """The insurance types, places and years in which somebody accumulated something."""
        return [LedgerGroup(*row) for row in await self._all(_GROUPS)]

    async def above(self, check: CeilingCheck) -> list[Finding]:
        """Accumulators above the largest ceiling that any case of their policy sets."""
        condition, key = "= ?4", check.key
        if "%" in key:
            # The % stands for the value of a fact; a key's own _ is itself and no wildcard.
            condition, key = "LIKE ?4 ESCAPE '!'", key.replace("!", "!!").replace("_", "!_")
        group = check.group
        rows = await self._all(
            f"{_ABOVE.format(condition)} LIMIT {MOST}",
            *(group.insutype, group.insuplc_admdvs, group.benefit_year, key, check.most),
        )
        return [Finding("accumulator_within_cap", row[0], check.most, row[1]) for row in rows]

    async def _all(self, statement: str, *parameters: Any) -> Sequence[Any]:
        async with self._database.driver_read(patient=True) as connection:
            if connection.dialect == "postgresql":
                statement = statement.replace("?", "$")
            return await connection.fetch(statement, parameters)
