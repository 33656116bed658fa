"""Openings of ledgers: balances and accumulators that somebody brings along, booked as entries of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.kernel.errors import Fault, FaultKind, Violation
from services.settlement.domain.books.booking import opening_postings
from services.settlement.domain.books.entries import BookChanges, Books, accumulator_entries
from services.settlement.domain.books.ledger import AccountKey, LedgerKey, YearLedger, after_deltas


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

    @property
    def balance(self) -> tuple[int, int, str]:
        """What the account begins with, as `OpenedWith` has it; a year that holds nothing is none."""
        return self.balance_fen, self.current_year_fen, self.key.benefit_year if self.current_year_fen else ""


@dataclass(frozen=True, slots=True)
class OpenedWith:
    """With what an account and a year began: `balance` is (balance, current year's part, its benefit year) in fen.

    None and empty where something else, or nothing, stands at the beginning.
    """

    balance: tuple[int, int, str] | None = None
    accumulators: Mapping[str, int] = field(default_factory=dict)


def check_openings(openings: Sequence[Opening]) -> None:
    """INVALID with every opening whose parts do not fit together."""
    found: list[Violation] = []
    for place, opening in enumerate(openings):
        path = f"openings[{place}]"
        names = [key for key, _ in opening.accumulators]
        if opening.current_year_fen > opening.balance_fen:
            found.append(Violation(f"{path}.current_year_fen", "within_balance", "not above balance_fen"))
        if (names or opening.current_year_fen) and not opening.key.benefit_year:
            found.append(Violation(f"{path}.benefit_year", "required", "parts of a year need the year"))
        if len(set(names)) != len(names):
            found.append(Violation(f"{path}.accumulators", "duplicate", "a key stands once"))
        if any(value < 0 for _, value in opening.accumulators):
            found.append(Violation(f"{path}.accumulators", "not_negative", "not negative"))
    if found:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=found)


def book_openings(
    openings: Sequence[Opening], books: Books, standing: Mapping[LedgerKey, OpenedWith], source_id: str, at: int
) -> tuple[BookChanges, int]:
    """The rows of the openings, and how many openings bring nothing that does not stand; the books move with them.

    What an account or year began with may be given again, whatever has happened to it since. Raises LEDGER_OPEN naming
    the place of an opening whose account or year has other entries already.
    """
    changes = BookChanges()
    unchanged = 0
    for place, opening in enumerate(openings):
        year = books.years.get(opening.key, YearLedger())
        opened = standing.get(opening.key, OpenedWith())
        pays = bool(opening.balance_fen) and opening.balance != opened.balance
        counts = bool(opening.accumulators) and dict(opening.accumulators) != opened.accumulators
        if (pays and opening.account in books.accounts) or (counts and year.seq):
            path = f"openings[{place}]"
            raise Fault(FaultKind.CONFLICT, "LEDGER_OPEN", {"opening": path}, violations=[Violation(path, "open")])
        unchanged += not (pays or counts)
        if pays:
            changes.postings += opening_postings(
                *(source_id, len(changes.postings), opening.account, books.accounts),
                *(opening.balance_fen, opening.current_year_fen, opening.key.benefit_year, at),
            )
        if counts:
            deltas = dict(opening.accumulators)
            changes.accumulators += accumulator_entries(opening.key, year.seq + 1, deltas, source_id)
            books.years[opening.key] = after_deltas(year, deltas)
    return changes, unchanged
