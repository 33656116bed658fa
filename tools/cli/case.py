"""`yibao case`: plays worked cases through the engine, here, without a mesh, and prints every difference.

The ledger of a case lives in memory for as long as the case is played: accumulators by benefit year, account money, and the
settlements that stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

from services.kernel.errors import Fault, FaultKind, Violation, invalid
from services.kernel.money import ratio_text
from services.kernel.policy.identity import policy_hash
from services.kernel.policy.parsing import parse_policy
from services.runtime.documents.files import read_document
from services.settlement.domain.benefits.account import AccountState
from services.settlement.domain.benefits.compile import CompiledPolicy, compile_policy
from services.settlement.domain.benefits.outcome import Components, Settlement, national_components
from services.settlement.domain.benefits.settle import settle
from services.settlement.domain.benefits.stack import CompiledStack, compile_stack
from services.settlement.domain.benefits.versions import benefit_year
from services.settlement.domain.books.booking import Posting, reversal_postings, settlement_postings
from services.settlement.domain.books.ledger import AccountHead, AccountKey
from services.settlement.domain.books.refund import SettledRef, check_refund_order, refund, refund_deltas
from services.settlement.domain.care.lines import LineInput, LineSplit, split_line, totals_of
from tools.cli.case_document import (
    Case,
    CaseLine,
    CaseOperation,
    PlayedAnswer,
    read_case,
)
from tools.cli.case_report import Played, Step, play_files
from tools.cli.language import ENGLISH, Words

SAMPLE_POLICIES = Path(__file__).resolve().parents[2] / "services" / "catalogue" / "samples" / "policies"
OWN, FAMILY = AccountKey("own", ""), AccountKey("family", "")


class PolicyFolder:
    """The policies of a folder, `<id>@<version>.yaml`, each read and compiled once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._documents: dict[str, Mapping[str, object]] = {}
        self._compiled: dict[str, CompiledPolicy] = {}

    def document(self, name: str) -> Mapping[str, object]:
        """A policy as it is written. Raises POLICY_NOT_FOUND, DOCUMENT_INVALID, and POLICY_INVALID where it is no map."""
        if name not in self._documents:
            path = self._directory / f"{name}.yaml"
            if not path.is_file():
                absent = Violation(str(path), "file_absent", "there is no such file")
                raise Fault(FaultKind.NOT_FOUND, "POLICY_NOT_FOUND", {"policy": name}, violations=[absent])
            document = read_document(path)
            if not isinstance(document, dict):
                raise invalid("", "map", "a policy file is a map", reason="POLICY_INVALID", policy=name)
            _check_name(document, name)
            self._documents[name] = document
        return self._documents[name]

    def stack(self, names: Sequence[str]) -> CompiledStack:
        """The policies as one stack. Raises what `document` raises, POLICY_INVALID, STACK_INVALID."""
        return compile_stack([self._policy(name) for name in names])

    def year(self, names: Sequence[str], day: date | None) -> str:
        """The label of the benefit year that holds a day, by the stack of these policies; empty without a day."""
        return "" if day is None else benefit_year(self.stack(names).benefit_year_start, day).label

    def _policy(self, name: str) -> CompiledPolicy:
        if name not in self._compiled:
            document = self.document(name)
            self._compiled[name] = compile_policy(parse_policy(document), policy_hash(document))
        return self._compiled[name]


def _check_name(document: Mapping[str, object], name: str) -> None:
    """A file is named after its policy: what a case asked for is what it gets. Raises POLICY_INVALID."""
    policy_id, _, version = name.partition("@")
    told = {"id": document.get("id"), "version": document.get("version")}
    wrong = [
        Violation(
            field,
            "file_name",
            f"it is {value}; the name of the file says {wanted}",
            {"value": str(value), "wanted": str(wanted)},
        )
        for (field, value), wanted in zip(told.items(), (policy_id, version), strict=True)
        if value != wanted
    ]
    if wrong:
        raise Fault(FaultKind.INVALID, "POLICY_INVALID", {"policy": name}, violations=wrong)


@dataclass(frozen=True, slots=True)
class _Booked:
    """A settlement that was booked: its place, benefit year and stay (itself for a visit), and what undoes it."""

    ref: SettledRef
    operation: CaseOperation
    year: str
    stay: str
    settlement: Settlement
    postings: tuple[Posting, ...]


class LocalPlayer:
    """Plays the operations of one case against the engine, with the mesh's own rules of bookkeeping."""

    def __init__(self, case: Case, policies: PolicyFolder) -> None:
        self._case = case
        self._policies = policies
        self._ledger: dict[str, dict[str, int]] = {}
        self._heads: dict[AccountKey, AccountHead] = {}
        self._booked: dict[str, _Booked] = {}
        self._standing: set[str] = set()
        self._stay = ""
        if case.bills:
            first, account = case.bills[0], case.account
            year = policies.year(first.policies, first.day)
            self._ledger[year] = dict(case.accumulators_before)
            self._heads[OWN] = AccountHead(0, account.balance_fen, account.current_year_fen or 0, year)
            self._heads[FAMILY] = AccountHead(0, account.mutual_fen, 0, year)

    def play(self, operation: CaseOperation) -> PlayedAnswer:
        """Plays one operation; a refusal is an answer."""
        if operation.op == "refund":
            return self._refund(operation)
        year = self._policies.year(operation.policies, operation.day)
        try:
            return self._settle(operation, year)
        except Fault as fault:
            return self._refused(fault.reason, year, year)

    def _settle(self, operation: CaseOperation, year: str) -> PlayedAnswer:
        splits = tuple(split_line(_line_input(line)) for line in operation.lines)
        tags = [frozenset(f"{name}={value}" for name, value in line.flags.items()) for line in operation.lines]
        done = settle(
            self._policies.stack(operation.policies),
            totals_of(splits, tags),
            operation.facts,
            self._ledger.setdefault(year, {}),
            self._account_state(year),
            hosp_part_fen=operation.hosp_part_fen,
        )
        if operation.op == "settle":
            self._book(operation, year, done)
        balance = done.account.balc_fen
        return self._answer(done.components, balance, tuple(map(_line_answer, count(1), splits)), year, year)

    def _book(self, operation: CaseOperation, year: str, done: Settlement) -> None:
        stay = self._stay if operation.continues_stay and self._stay else operation.id
        if operation.in_patient:
            self._stay = stay
        ref = SettledRef(operation.id, len(self._booked) + 1)
        postings = settlement_postings(operation.id, done, OWN, FAMILY, self._heads, year, 0)
        self._booked[operation.id] = _Booked(ref, operation, year, stay, done, tuple(postings))
        self._standing.add(operation.id)
        self._move(year, done.accumulator_deltas)

    def _refund(self, operation: CaseOperation) -> PlayedAnswer:
        target = self._booked.get(operation.of)
        policies = operation.policies if target is None else target.operation.policies
        year_of_day = self._policies.year(policies, operation.day)
        if target is None:
            return self._refused("SETTLEMENT_NOT_FOUND", year_of_day, year_of_day)
        standing = [self._booked[name] for name in self._standing]
        try:
            check_refund_order(target.ref, [each.ref for each in standing if _tied(each, target)])
        except Fault as fault:
            return self._refused(fault.reason, target.year, year_of_day)
        self._standing.remove(operation.of)
        self._move(target.year, refund_deltas(target.settlement.accumulator_deltas))
        reversal_postings(operation.id, target.postings, self._heads, 0)
        balance = self._heads[OWN].balance_fen
        return self._answer(refund(target.settlement.components), balance, (), target.year, year_of_day)

    def _move(self, year: str, deltas: Mapping[str, int]) -> None:
        ledger = self._ledger[year]
        for key, delta in deltas.items():
            ledger[key] = ledger.get(key, 0) + delta

    def _refused(self, reason: str, year: str, year_of_day: str) -> PlayedAnswer:
        ledger = dict(self._ledger.get(year, {}))
        return PlayedAnswer(error=reason, accumulators=ledger, benefit_year=year, year_of_day=year_of_day)

    def _answer(
        self, components: Components, balance: int, lines: tuple[dict[str, int], ...], year: str, year_of_day: str
    ) -> PlayedAnswer:
        account = {
            "balance": self._heads[OWN].balance_fen,
            "mutual_balance": self._heads[FAMILY].balance_fen,
            "current_year_balance": self._current_year_fen(year_of_day),
            "use": self._case.account.use,
        }
        told: dict[str, object] = dict(national_components(components))
        told["pool_prop_selfpay"] = ratio_text(components.pool_prop_selfpay_e4)
        told["balc"] = balance
        return PlayedAnswer(None, lines, told, dict(self._ledger[year]), account, year, year_of_day)

    def _account_state(self, year: str) -> AccountState:
        own, mutual, use = self._heads[OWN].balance_fen, self._heads[FAMILY].balance_fen, self._case.account.use
        return AccountState(own, self._current_year_fen(year), mutual, use, use)

    def _current_year_fen(self, year: str) -> int | None:
        """The part of the own balance that came in during the benefit year; None where the case keeps none apart."""
        return None if self._case.account.current_year_fen is None else self._heads[OWN].current_in(year)


def _tied(one: _Booked, other: _Booked) -> bool:
    """Whether two settlements are to be taken back in turn: those of one benefit year, and those of one stay."""
    return one.year == other.year or one.stay == other.stay


def _line_input(line: CaseLine) -> LineInput:
    return LineInput(
        amount_fen=line.amount_fen,
        count_e4=line.count_e4,
        chrg_class=line.chrg_class,
        selfpay_prop_e4=line.selfpay_prop_e4,
        price_limit_e6=line.price_limit_e6,
        restricted=line.restricted,
        approval=line.approval,
        hosp_bear=line.hosp_bear,
    )


def _line_answer(number: int, split: LineSplit) -> dict[str, int]:
    return {
        "sn": number,
        "det_item_fee_sumamt": split.amount_fen,
        "fulamt_ownpay_amt": split.fulamt_ownpay_fen,
        "overlmt_amt": split.overlmt_fen,
        "preselfpay_amt": split.preselfpay_fen,
        "inscp_scp_amt": split.inscp_fen,
        "hosp_part_amt": split.hosp_part_fen,
    }


def play_case(path: Path, policies_dir: Path) -> Played:
    """Plays the case of a file through the engine.

    Raises CASE_INVALID or DOCUMENT_INVALID for a file that is no case, POLICY_NOT_FOUND or POLICY_INVALID for its stack.
    """
    case = read_case(path)
    player = LocalPlayer(case, PolicyFolder(policies_dir))
    return Played(case, tuple(Step(operation, player.play(operation)) for operation in case.operations))


def main(
    files: Sequence[Path], policies_dir: Path = SAMPLE_POLICIES, words: Words = ENGLISH, *, show: bool = False
) -> int:
    """Plays every file through the engine; 0 when none differs or fails, else 1."""
    return play_files(files, lambda path: play_case(path, policies_dir), words, show=show)
