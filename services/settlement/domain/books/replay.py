"""A replay: a settlement is taken out from under later ones. Pure.

The later ones are refunded last in, first out, then the settlement itself; then the later ones are decided anew in their
order, by the dates, facts and versions of policies that each was decided by. Money on accounts moves with it. What was paid
in cash, and what funds owe, becomes an adjustment of its own for each: nobody's past receipt is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.kernel.errors import Fault, FaultKind, Violation, precondition
from services.settlement.domain.benefits.outcome import Components, Settlement
from services.settlement.domain.benefits.settle import settle
from services.settlement.domain.benefits.stack import CompiledStack
from services.settlement.domain.books.basis import Basis
from services.settlement.domain.books.booking import Posting, reversal_postings, settlement_postings
from services.settlement.domain.books.entries import (
    REVERSED,
    SETTLE,
    VOIDED,
    AccumulatorEntry,
    Books,
    accumulator_entries,
)
from services.settlement.domain.books.ledger import AccountHead, AccountKey, LedgerKey, YearLedger, after_deltas
from services.settlement.domain.books.refund import refund, refund_deltas
from services.settlement.domain.books.reversal import BookedSettlement

MOST: Final = 100
"""Later settlements of one replay (our decision)."""


@dataclass(frozen=True, slots=True)
class StandingSettlement:
    """A settlement with what it moved, and what its row keeps beside its sums.

    `care_admdvs` is the division of an institution in another cell, and `care_cell` that cell where it was told; empty where care
    was given here.
    """

    settlement: BookedSettlement
    postings: Sequence[Posting]
    deltas: MutableMapping[str, int]
    basis: Basis | None
    fee_batches: tuple[str, ...]
    fixmedins_code: str
    setl_at: int
    opter: str
    opter_name: str
    care_admdvs: str = ""
    care_cell: str = ""

    @property
    def root(self) -> str:
        """The settlement that was first settled."""
        return self.settlement.replays or self.settlement.setl_id


@dataclass(frozen=True, slots=True)
class Scene:
    """What a replay is about: the settlement to be taken out, and those that stand after it, oldest first."""

    target: StandingSettlement
    later: tuple[StandingSettlement, ...]

    @property
    def all(self) -> tuple[StandingSettlement, ...]:
        """The target and the later ones, in their order."""
        return self.target, *self.later

    @property
    def setl_ids(self) -> tuple[str, ...]:
        """Their numbers."""
        return tuple(each.settlement.setl_id for each in self.all)

    @property
    def ledgers(self) -> tuple[LedgerKey, ...]:
        """Whose accumulators move."""
        return tuple(dict.fromkeys(each.settlement.key for each in self.all))

    @property
    def accounts(self) -> tuple[AccountKey, ...]:
        """The accounts that paid, or may pay now."""
        found: list[AccountKey] = []
        for each in self.all:
            key = each.settlement.key
            found.append(AccountKey(key.psn_no, key.insutype))
            found += [
                AccountKey(line.owner_psn_no, line.owner_insutype or "") for line in each.postings if line.owner_psn_no
            ]
            if each.basis is not None and each.basis.purses.family is not None:
                found.append(each.basis.purses.family)
        return tuple(dict.fromkeys(found))

    @property
    def persons(self) -> set[str]:
        """Whose books move."""
        return {account.psn_no for account in self.accounts}


@dataclass(frozen=True, slots=True)
class LeftOver:
    """What one settlement leaves to be settled outside the books, in fen: positive is owed to the institution, by the funds, the
    own account, the family account, and by the person in cash; negative is given back by it."""

    fund_fen: int
    account_fen: int
    family_fen: int
    cash_fen: int

    @classmethod
    def between(cls, before: Components, after: Components | None) -> LeftOver:
        """Of a settlement that another one replaces, or none."""
        was, now = _paid(before), (0, 0, 0, 0) if after is None else _paid(after)
        return cls(*(new - old for new, old in zip(now, was, strict=True)))


@dataclass(frozen=True, slots=True)
class Counter:
    """The counter-entry of a settlement; `balance_fen` is that of the own account after it."""

    original: StandingSettlement
    setl_id: str
    seq: int
    balance_fen: int
    components: Components


@dataclass(frozen=True, slots=True)
class Renewed:
    """A later settlement as it was decided anew, under a number of its own."""

    original: StandingSettlement
    setl_id: str
    seq: int
    settlement: Settlement


@dataclass(frozen=True, slots=True)
class Replay:
    """All that a replay books: counter-entries last in, first out, then the later settlements in their order."""

    counters: tuple[Counter, ...]
    renewed: tuple[Renewed, ...]
    accumulators: tuple[AccumulatorEntry, ...]
    postings: tuple[Posting, ...]

    def differences(self) -> list[tuple[Counter, Renewed | None, LeftOver]]:
        """What each settlement leaves, the target's first."""
        renewed = {each.original.settlement.setl_id: each for each in self.renewed}
        found = []
        for counter in reversed(self.counters):
            before = counter.original.settlement
            after = renewed.get(before.setl_id)
            parts = None if after is None else after.settlement.components
            found.append((counter, after, LeftOver.between(before.components, parts)))
        return found


def check_target(setl_id: str, found: BookedSettlement | None) -> BookedSettlement:
    """The settlement, if it can be taken out: SETTLEMENT_NOT_FOUND, SETTLEMENT_REFUNDED, REPLAY_ELSEWHERE where the ledgers are
    another cell's."""
    if found is None or found.kind != SETTLE or found.state == VOIDED:
        broken = [Violation("setl_id", "replay.settlement")]
        raise Fault(FaultKind.NOT_FOUND, "SETTLEMENT_NOT_FOUND", {"setl_id": setl_id}, violations=broken)
    if found.insured_cell:
        raise precondition("REPLAY_ELSEWHERE", setl_id=setl_id, cell=found.insured_cell)
    if found.state == REVERSED:
        raise precondition("SETTLEMENT_REFUNDED", setl_id=setl_id)
    return found


def replay(
    scene: Scene,
    stacks: Sequence[CompiledStack],
    books: Books,
    billed: Collection[str],
    new_id: Callable[[str], str],
    at: int,
) -> Replay:
    """Decides a replay and moves the books by it.

    `stacks` are the policies by which the later ones were decided, `billed` the encounters of which another settlement
    stands that is not replayed. Raises REPLAY_IMPOSSIBLE, naming the settlement that cannot be decided anew.
    """
    deciding = _MovingBooks(books, set(billed), new_id, at)
    counters = [deciding.countered(each) for each in reversed(scene.all)]
    renewed = [deciding.renewed(each, stack) for each, stack in zip(scene.later, stacks, strict=True)]
    return Replay(tuple(counters), tuple(renewed), tuple(deciding.accumulators), tuple(deciding.postings))


class _MovingBooks:
    """The books as they move, and the rows of what has moved them."""

    def __init__(self, books: Books, billed: set[str], new_id: Callable[[str], str], at: int) -> None:
        self._books = books
        self._billed = billed
        self._new_id = new_id
        self._at = at
        self.accumulators: list[AccumulatorEntry] = []
        self.postings: list[Posting] = []

    def countered(self, each: StandingSettlement) -> Counter:
        """Gives back what a settlement has moved."""
        original, setl_id = each.settlement, self._new_id("")
        own = AccountKey(original.key.psn_no, original.key.insutype)
        self.postings += reversal_postings(setl_id, each.postings, self._books.accounts, self._at)
        seq = self._moved(original.key, refund_deltas(each.deltas), setl_id)
        balance = self._books.accounts.get(own, AccountHead()).balance_fen
        return Counter(each, setl_id, seq, balance, refund(original.components))

    def renewed(self, each: StandingSettlement, stack: CompiledStack) -> Renewed:
        """Decides a settlement on the books as they are now."""
        original, basis = each.settlement, each.basis
        if basis is None:
            raise impossible(original.setl_id)
        key, purses = original.key, basis.purses
        year = self._books.years.get(key, YearLedger())
        facts = basis.facts_now(goes_on=original.mdtrt_id in self._billed)
        was = original.components
        paying = purses.paid_by_bank(was.acct_pay_fen - was.acct_mulaid_pay_fen)
        account = paying.state(self._books.accounts, key.benefit_year)
        try:
            decided = settle(stack, basis.totals, facts, year.accumulators, account)
        except Fault as fault:
            raise impossible(original.setl_id, fault.reason) from None
        setl_id, heads = self._new_id(""), self._books.accounts
        self.postings += settlement_postings(
            setl_id, decided, purses.own, purses.family, heads, key.benefit_year, self._at
        )
        seq = self._moved(key, dict(decided.accumulator_deltas), setl_id)
        if basis.stay and basis.totals.medfee_fen:
            self._billed.add(original.mdtrt_id)
        return Renewed(each, setl_id, seq, decided)

    def _moved(self, key: LedgerKey, deltas: dict[str, int], source_id: str) -> int:
        year = self._books.years.get(key, YearLedger())
        self._books.years[key] = after_deltas(year, deltas)
        self.accumulators += accumulator_entries(key, year.seq + 1, deltas, source_id)
        return year.seq + 1


def check_bases(later: Iterable[StandingSettlement]) -> None:
    """REPLAY_IMPOSSIBLE for the first that was settled before it was kept on what."""
    for each in later:
        if each.basis is None:
            raise impossible(each.settlement.setl_id)


def impossible(setl_id: str, cause: str = "") -> Fault:
    """PRECONDITION REPLAY_IMPOSSIBLE: nothing was written; `cause` is the refusal of the decision."""
    return precondition("REPLAY_IMPOSSIBLE", setl_id=setl_id, **({"cause": cause} if cause else {}))


def _paid(components: Components) -> tuple[int, int, int, int]:
    family = components.acct_mulaid_pay_fen
    return components.fund_pay_sumamt_fen, components.acct_pay_fen - family, family, components.psn_cash_pay_fen
