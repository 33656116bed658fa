"""The benefit engine alone, without a mesh: a bill of 20 lines split line by line, summed and settled."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from services.kernel.policy.document import FactValue
from services.kernel.policy.identity import policy_hash
from services.kernel.policy.parsing import parse_policy
from services.runtime.documents.files import read_document
from services.settlement.domain.benefits.account import AccountState
from services.settlement.domain.benefits.compile import compile_policy
from services.settlement.domain.benefits.settle import settle
from services.settlement.domain.benefits.stack import CompiledStack, compile_stack
from services.settlement.domain.care.lines import LineInput, split_line, totals_of
from tools.bench.figures import percentile
from tools.bench.world import LINES, catalogue_folder

STACKS: Final[Mapping[str, tuple[str, ...]]] = {
    "beijing-employee": ("beijing-employee@2023-01-01",),
    "jinan-resident, critical illness, medical assistance": (
        *("jinan-resident@2025-01-01", "shandong-resident-cii@2020-01-01", "national-medical-assistance@2021-11-19"),
    ),
}
_ROUNDS: Final = 2_000
_FACTS: Final[Mapping[str, Mapping[str, FactValue]]] = {
    "beijing-employee": {"med_type": "outpatient", "hosp_lv": "3", "status": "active"},
    "jinan-resident, critical illness, medical assistance": {
        "med_type": "inpatient",
        "hosp_lv": "3",
        "status": "resident",
        "identity": "dibao",
        "same_stay": False,
        "disease": "none",
        "chronic_class": "none",
        "contracted": False,
        "ma_category": "ordinary",
    },
}


def microseconds(stack_name: str, rounds: int = _ROUNDS) -> tuple[float, float]:
    """Median and 99th percentile of one bill under one stack."""
    stack = _stack(STACKS[stack_name])
    facts = {"remote": "local", "age": 46, "identity": "normal", "months_insured": 130, **_FACTS[stack_name]}
    lines = [_line(place) for place in range(LINES)]
    account = AccountState(own_fen=500_000, use_own=True)
    before = {"op_dedc": 0, "op_inscp": 0}
    taken: list[float] = []
    for _ in range(rounds):
        begun = time.perf_counter_ns()
        totals = totals_of([split_line(line) for line in lines], [line.tags for line in lines])
        settle(stack, totals, facts, before, account)
        taken.append((time.perf_counter_ns() - begun) / 1000)
    taken.sort()
    return percentile(taken, 0.5), percentile(taken, 0.99)


def _stack(names: tuple[str, ...]) -> CompiledStack:
    compiled = []
    for name in names:
        document = read_document(catalogue_folder() / "policies" / f"{name}.yaml")
        assert isinstance(document, dict)
        compiled.append(compile_policy(parse_policy(document), policy_hash(document)))
    return compile_stack(compiled)


def _line(place: int) -> LineInput:
    """A mixture: one in ten is class C, half are class B, every fourth has a ceiling and every fifth a flag."""
    return LineInput(
        amount_fen=12_000 + 731 * place,
        count_e4=20_000,
        chrg_class="C" if place % 10 == 9 else "B" if place % 2 else "A",
        selfpay_prop_e4=1000 if place % 2 and place % 10 != 9 else 0,
        price_limit_e6=60_000_000 if place % 4 == 0 else None,
        tags=frozenset({"bas_medn_flag=1"}) if place % 5 == 0 else frozenset(),
    )
