"""`yibao case`: plays worked cases through the engine, here, without a mesh, and prints every difference.

The ledger of a case lives in memory for as long as the case is played: accumulators by benefit year, account money, and the
settlements that stand.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

from services.kernel.errors import Fault, invalid, not_found
from services.kernel.money import ratio_text
from services.kernel.policy.identity import policy_hash
from services.kernel.policy.parsing import parse_policy
from services.runtime.documents import read_document
from services.settlement.domain.account import AccountState
from services.settlement.domain.compile import CompiledPolicy, compile_policy
from services.settlement.domain.lines import LineInput, LineSplit, split_line, totals_of
from services.settlement.domain.outcome import Components, Settlement, national_components
from services.settlement.domain.refund import SettledRef, check_refund_order, refund, refund_deltas
from services.settlement.domain.settle import settle
from services.settlement.domain.stack import CompiledStack, compile_stack
from services.settlement.domain.versions import benefit_year
from tools.cli.case_document import (
    Answer,
    Case,
    CaseAccount,
    CaseLine,
    CaseOperation,
    Difference,
    compare,
    read_case,
)

SAMPLE_POLICIES = Path(__file__).resolve().parents[2] / "services" / "catalogue" / "samples" / "policies"


@dataclass(frozen=True, slots=True)
class _Standing:
    """A settlement that may be refunded."""

    ref: SettledRef
    year: str
    settlement: Settlement


class LocalPlayer:
    """Plays the operations of one case against the engine."""

    def __init__(self, case: Case, policies_dir: Path) -> None:
        self._case = case
        self._directory = policies_dir
        self._compiled: dict[str, CompiledPolicy] = {}
        self._ledger: dict[str, dict[str, int]] = {}
        self._account = case.account
        self._standing: dict[str, _Standing] = {}
        self._years: dict[str, str] = {}
        self._sequence = 0
        first = next((operation for operation in case.operations if operation.day is not None), None)
        if first is not None:
            self._ledger[self._year(self._stack(first), first.day)] = dict(case.accumulators_before)

    def play(self, operation: CaseOperation) -> Answer:
        """Plays one operation; an expected refusal is an answer."""
        if operation.op == "refund":
            return self._refund(operation)
        stack = self._stack(operation)
        year = self._year(stack, operation.day)
        try:
            return self._settle(operation, stack, year)
        except Fault as fault:
            return Answer(error=fault.reason, accumulators=self._ledger.get(year, {}), benefit_year=year)

    def _settle(self, operation: CaseOperation, stack: CompiledStack, year: str) -> Answer:
        splits = tuple(split_line(_line_input(line)) for line in operation.lines)
        tags = [frozenset(f"{name}={value}" for name, value in line.flags.items()) for line in operation.lines]
        done = settle(
            stack,
            totals_of(splits, tags),
            operation.facts,
            self._ledger.setdefault(year, {}),
            _account_state(self._account),
            hosp_part_fen=operation.hosp_part_fen,
        )
        balance = done.account.balc_fen
        if operation.op == "settle":
            self._sequence += 1
            ref = SettledRef(operation.id, self._sequence)
            self._standing[operation.id] = _Standing(ref, year, done)
            self._years[operation.id] = year
            self._book(year, done.accumulator_deltas, done, -1)
        return self._answer(year, done.components, balance, tuple(map(_line_answer, count(1), splits)))

    def _refund(self, operation: CaseOperation) -> Answer:
        year = self._years.get(operation.of)
        if year is None:
            raise not_found("SETTLEMENT_NOT_FOUND", setl_id=operation.of)
        target = self._standing.get(operation.of)
        same_year = [entry.ref for entry in self._standing.values() if entry.year == year]
        try:
            check_refund_order(target.ref if target is not None else SettledRef(operation.of, 0), same_year)
        except Fault as fault:
            return Answer(error=fault.reason, accumulators=self._ledger[year], benefit_year=year)
        done = self._standing.pop(operation.of).settlement
        self._book(year, refund_deltas(done.accumulator_deltas), done, 1)
        return self._answer(year, refund(done.components), self._account.balance_fen, ())

    def _book(self, year: str, deltas: Mapping[str, int], done: Settlement, sign: int) -> None:
        ledger = self._ledger[year]
        for key, delta in deltas.items():
            ledger[key] = ledger.get(key, 0) + delta
        use, now = done.account, self._account
        current = None if now.current_year_fen is None else now.current_year_fen + sign * use.current_year_fen
        own, mutual = now.balance_fen + sign * use.own_fen, now.mutual_fen + sign * use.mutual_fen
        self._account = CaseAccount(own, current, mutual, now.use)

    def _answer(self, year: str, components: Components, balance: int, lines: tuple[dict[str, int], ...]) -> Answer:
        account = {
            "balance": self._account.balance_fen,
            "mutual_balance": self._account.mutual_fen,
            "current_year_balance": self._account.current_year_fen,
            "use": self._account.use,
        }
        told: dict[str, object] = dict(national_components(components))
        told["pool_prop_selfpay"] = ratio_text(components.pool_prop_selfpay_e4)
        told["balc"] = balance
        return Answer(None, lines, told, dict(self._ledger[year]), account, year)

    def _stack(self, operation: CaseOperation) -> CompiledStack:
        return compile_stack([self._policy(name) for name in operation.policies])

    def _policy(self, name: str) -> CompiledPolicy:
        if name not in self._compiled:
            path = self._directory / f"{name}.yaml"
            if not path.is_file():
                raise not_found("POLICY_NOT_FOUND", policy=name)
            document = read_document(path)
            if not isinstance(document, dict):
                raise invalid("", "map", "a policy file is a map", reason="POLICY_INVALID", policy=name)
            self._compiled[name] = compile_policy(parse_policy(document), policy_hash(document))
        return self._compiled[name]

    @staticmethod
    def _year(stack: CompiledStack, day: date | None) -> str:
        return benefit_year(stack.benefit_year_start, day).label if day is not None else ""


def _line_input(line: CaseLine) -> LineInput:
    return LineInput(
        amount_fen=line.amount_fen,
        count_e4=line.count_e4,
        chrg_class=line.chrg_class,
        selfpay_prop_e4=line.selfpay_prop_e4,
        price_limit_e6=line.price_limit_e6,
        restricted=line.restricted,
        approval=line.approval,
    )


def _line_answer(number: int, split: LineSplit) -> dict[str, int]:
    return {
        "sn": number,
        "det_item_fee_sumamt": split.amount_fen,
        "fulamt_ownpay_amt": split.fulamt_ownpay_fen,
        "overlmt_amt": split.overlmt_fen,
        "preselfpay_amt": split.preselfpay_fen,
        "inscp_scp_amt": split.inscp_fen,
    }


def _account_state(account: CaseAccount) -> AccountState:
    return AccountState(account.balance_fen, account.current_year_fen, account.mutual_fen, account.use, account.use)


def run_case(path: Path, policies_dir: Path) -> list[Difference]:
    """Plays the case of a file through the engine and answers every difference.

    Raises CASE_INVALID or DOCUMENT_INVALID for a file that is no case, POLICY_NOT_FOUND or POLICY_INVALID for its stack.
    """
    case = read_case(path)
    player = LocalPlayer(case, policies_dir)
    return [gap for operation in case.operations for gap in compare(case, operation, player.play(operation))]


def main(argv: Sequence[str] | None = None) -> int:
    """Plays every file named; 0 when all agree, 1 when anything differs or a file cannot be read."""
    parser = argparse.ArgumentParser(prog="yibao case", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--policies", type=Path, default=SAMPLE_POLICIES, help="the folder of the policy files")
    asked = parser.parse_args(argv)
    failed = 0
    for path in asked.files:
        try:
            differences = run_case(path, asked.policies)
        except Fault as fault:
            failed += 1
            print(f"{path}: {fault.reason} {fault.metadata}", file=sys.stderr)
            for violation in fault.violations:
                print(f"  {violation.path}: {violation.rule} {violation.description}", file=sys.stderr)
            continue
        except OSError as error:
            failed += 1
            print(f"{path}: {error.strerror}", file=sys.stderr)
            continue
        failed += bool(differences)
        for difference in differences:
            print(difference)
        if not differences:
            print(f"{path.name}: agrees")
    return 1 if failed else 0
