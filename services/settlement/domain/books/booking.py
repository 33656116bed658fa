"""Double entry of settlements, reversals and openings: postings whose amounts add up to zero for each source.

The institution is owed the whole fee; funds, accounts, the person's cash and the hospital's own part bear it. Postings are
made here and stored as they are; nothing is ever changed in one.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import NamedTuple

from services.settlement.domain.benefits.outcome import FUND_FIELDS, Components, Settlement
from services.settlement.domain.books.ledger import AccountHead, AccountKey, after_amount

ACCOUNT = "account"
BANK = "bank"
INSTITUTION = "institution"
CASH = "cash"
HOSPITAL = "hospital"
ELSEWHERE = "elsewhere"
OPENING = "opening"

_FUNDS = tuple((f"fund:{name}", f"{name}_fen") for name in FUND_FIELDS)


class Posting(NamedTuple):
    """One posting; owner, place and balances stand on account postings only.

    `created_at` is in microseconds UTC.
    """

    source_id: str
    line_no: int
    ledger_account: str
    owner_psn_no: str | None
    owner_insutype: str | None
    amount_fen: int
    current_year_fen: int
    account_seq: int | None
    balance_after: int | None
    current_year_after: int | None
    benefit_year: str
    created_at: int


def settlement_postings(
    source_id: str,
    settlement: Settlement,
    own: AccountKey,
    family: AccountKey | None,
    heads: MutableMapping[AccountKey, AccountHead],
    year: str,
    at: int,
) -> list[Posting]:
    """The postings of a settlement; moves the heads of the accounts that pay. What a real account pays (实账户) is owed by its
    bank, on `bank`: that account is the bank's, and no head moves."""
    components, use = settlement.components, settlement.account
    rows = _payers(source_id, components, year, at)
    if use.own_fen and use.at_bank:
        rows.append(_plain(source_id, len(rows), BANK, -use.own_fen, year, at))
    elif use.own_fen:
        rows.append(_on_account(source_id, len(rows), own, heads, -use.own_fen, -use.current_year_fen, year, at))
    if use.mutual_fen and family is not None:
        current = min(heads[family].current_in(year), use.mutual_fen)
        rows.append(_on_account(source_id, len(rows), family, heads, -use.mutual_fen, -current, year, at))
    return rows


def booked_postings(source_id: str, components: Components, area: str, year: str, at: int) -> list[Posting]:
    """The postings of a settlement on another cell's ledgers: what its funds and accounts pay is owed by the pooling area of
    the insured place, on `elsewhere:370100`, and is cleared with it (our decision). No account here moves."""
    rows = [_plain(source_id, 0, INSTITUTION, components.medfee_sumamt_fen, year, at)]
    owed = components.fund_pay_sumamt_fen + components.acct_pay_fen
    if owed:
        rows.append(_plain(source_id, 1, f"{ELSEWHERE}:{area}", -owed, year, at))
    return _others(source_id, rows, components, year, at)


def reversal_postings(
    source_id: str,
    originals: Iterable[Posting],
    heads: MutableMapping[AccountKey, AccountHead],
    at: int,
) -> list[Posting]:
    """The negatives of a settlement's postings: money goes back to the account that it came from."""
    rows: list[Posting] = []
    for line in originals:
        if line.ledger_account == ACCOUNT:
            key = AccountKey(line.owner_psn_no or "", line.owner_insutype or "")
            amount, current = -line.amount_fen, -line.current_year_fen
            rows.append(_on_account(source_id, len(rows), key, heads, amount, current, line.benefit_year, at))
        else:
            rows.append(_plain(source_id, len(rows), line.ledger_account, -line.amount_fen, line.benefit_year, at))
    return rows


def opening_postings(
    source_id: str,
    first_line: int,
    key: AccountKey,
    heads: MutableMapping[AccountKey, AccountHead],
    balance_fen: int,
    current_year_fen: int,
    year: str,
    at: int,
) -> list[Posting]:
    """The postings that open an account with a balance."""
    return [
        _on_account(source_id, first_line, key, heads, balance_fen, current_year_fen, year, at),
        _plain(source_id, first_line + 1, OPENING, -balance_fen, year, at),
    ]


def _payers(source_id: str, components: Components, year: str, at: int) -> list[Posting]:
    rows = [_plain(source_id, 0, INSTITUTION, components.medfee_sumamt_fen, year, at)]
    if components.fund_pay_sumamt_fen:
        for account, name in _FUNDS:
            paid = getattr(components, name)
            if paid:
                rows.append(_plain(source_id, len(rows), account, -paid, year, at))
    return _others(source_id, rows, components, year, at)


def _others(source_id: str, rows: list[Posting], components: Components, year: str, at: int) -> list[Posting]:
    """With what the person pays in cash and the hospital bears."""
    if components.psn_cash_pay_fen:
        rows.append(_plain(source_id, len(rows), CASH, -components.psn_cash_pay_fen, year, at))
    if components.hosp_part_amt_fen:
        rows.append(_plain(source_id, len(rows), HOSPITAL, -components.hosp_part_amt_fen, year, at))
    return rows


def _plain(source_id: str, line_no: int, account: str, amount_fen: int, year: str, at: int) -> Posting:
    return Posting(source_id, line_no, account, None, None, amount_fen, 0, None, None, None, year, at)


def _on_account(
    source_id: str,
    line_no: int,
    key: AccountKey,
    heads: MutableMapping[AccountKey, AccountHead],
    amount_fen: int,
    current_year_fen: int,
    year: str,
    at: int,
) -> Posting:
    before = heads.get(key, AccountHead())
    after = heads[key] = after_amount(before, amount_fen, current_year_fen, year)
    return Posting(
        source_id=source_id,
        line_no=line_no,
        ledger_account=ACCOUNT,
        owner_psn_no=key.psn_no,
        owner_insutype=key.insutype,
        amount_fen=amount_fen,
        current_year_fen=after.current_year_fen - before.current_in(after.benefit_year),
        account_seq=after.seq,
        balance_after=after.balance_fen,
        current_year_after=after.current_year_fen,
        benefit_year=after.benefit_year,
        created_at=at,
    )
