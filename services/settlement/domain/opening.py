"""Openings of ledgers: balances and accumulators that somebody brings along, booked as entries of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.kernel.errors import Fault, FaultKind, Violation
from services.settlement.domain.booking import opening_postings
from services.settlement.domain.entries import Books, Writing, accumulator_entries
from services.settlement.domain.ledger import AccountKey, LedgerKey, YearLedger, after_deltas


@dataclass(frozen=True, slots=True)
class Opening:
    """One person's ledger to be opened; `benefit_year` may be empty where nothing of a year is given."""

    key: LedgerKey
    balance_fen: int
    current_year_fen: int
    accumulators: tuple[tuple[str, int], ...]

    @property
    def account(self) -> AccountKey:
        """Whose account."""
        return AccountKey(self.key.psn_no, self.key.insutype)


def check_openings(openings: Sequence[Opening]) -> None:
    """INVALID with every opening whose parts do not fit together."""
    found: list[Violation] = []
    for place, opening in enumerate(openings):
        path = f"openings[{place}]"
        names = [key for key, _ in opening.accumulators]
        if opening.current_year_fen > opening.balance_fen:
            found.append(Violation(f"{path}.current_year_fen", "range", "not above balance_fen"))
        if (names or opening.current_year_fen) and not opening.key.benefit_year:
            found.append(Violation(f"{path}.benefit_year", "required", "parts of a year need the year"))
        if len(set(names)) != len(names):
            found.append(Violation(f"{path}.accumulators", "duplicate", "a key stands once"))
        if any(value < 0 for _, value in opening.accumulators):
            found.append(Violation(f"{path}.accumulators", "range", "not negative"))
    if found:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=found)


def book_openings(openings: Sequence[Opening], books: Books, source_id: str, at: int) -> Writing:
    """The rows of the openings; the books move with them.

    Raises LEDGER_OPEN naming the place of an opening whose account or year has entries already.
    """
    writing = Writing()
    for place, opening in enumerate(openings):
        year = books.years.get(opening.key, YearLedger())
        if (opening.balance_fen and opening.account in books.accounts) or (opening.accumulators and year.seq):
            path = f"openings[{place}]"
            raise Fault(FaultKind.CONFLICT, "LEDGER_OPEN", {"opening": path}, violations=[Violation(path, "open")])
        if opening.balance_fen:
            writing.postings += opening_postings(
                *(source_id, len(writing.postings), opening.account, books.accounts),
                *(opening.balance_fen, opening.current_year_fen, opening.key.benefit_year, at),
            )
        if opening.accumulators:
            deltas = dict(opening.accumulators)
            writing.accumulators += accumulator_entries(opening.key, year.seq + 1, deltas, source_id)
            books.years[opening.key] = after_deltas(year, deltas)
    return writing
