"""What the engine's tests are played on: the shipped policies in stacks, and random persons, visits, bills and ledgers.

Strategies are made once: Hypothesis proves each new one before it draws from it, which costs more than a settlement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from services.kernel.policy.document import FactValue
from services.kernel.policy.domains import EMPLOYEE_STATUS, FACTS, RESIDENT_STATUS
from services.kernel.policy.identity import policy_hash
from services.kernel.policy.parsing import parse_policy
from services.runtime.documents.files import read_document
from services.settlement.domain.benefits.account import AccountState
from services.settlement.domain.benefits.compile import CompiledPolicy, compile_policy
from services.settlement.domain.benefits.stack import CompiledStack, compile_stack
from services.settlement.domain.care.lines import BillTotals, LineInput, split_line, totals_of

POLICIES = Path(__file__).resolve().parents[2] / "services" / "catalogue" / "samples" / "policies"
CASES = Path(__file__).resolve().parent / "cases"
STACKS = (
    ("beijing-employee@2023-01-01",),
    ("beijing-resident@2024-01-01", "beijing-resident-cii@2019-01-01"),
    ("chengdu-employee@2023-01-01",),
    ("chengdu-resident@2024-01-01", "national-medical-assistance@2021-11-19"),
    ("chongqing-resident@2024-01-01", "chongqing-medical-assistance@2022-01-01"),
    ("fuzhou-employee@2024-03-31", "synthetic-enterprise-supplement@2024-01-01"),
    ("guangzhou-employee@2008-01-01",),
    ("guangzhou-employee@2023-01-01", "synthetic-enterprise-supplement@2024-01-01"),
    ("hangzhou-employee@2025-01-01", "national-medical-assistance@2021-11-19"),
    ("hebei-interface-sample@2021-01-01",),
    ("jinan-employee@2025-01-01",),
    ("jinan-resident@2025-01-01", "shandong-resident-cii@2020-01-01", "national-medical-assistance@2021-11-19"),
    ("nanchang-civil-servant-example@2025-01-01",),
    ("nanchang-employee@2025-01-01", "synthetic-enterprise-supplement@2024-01-01"),
    (
        "nanchang-resident@2025-01-01",
        "jiangxi-resident-cii@2025-01-01",
        "national-medical-assistance@2021-11-19",
    ),
    ("shanghai-employee@2025-07-01",),
    ("shangluo-employee-op@2023-01-01",),
    ("shenzhen-employee-t1@2023-10-01",),
    ("shenzhen-resident@2023-10-01",),
    ("tianjin-employee-op@2023-01-01",),
    ("wuhan-employee@2023-02-01",),
    ("wuhan-employee@2024-04-01",),
    ("xilingol-employee@2025-01-01",),
)
LARGEST_FEN = 300_000_000


@cache
def document(name: str) -> dict[str, Any]:
    """A shipped policy as a plain document."""
    found = read_document(POLICIES / f"{name}.yaml")
    assert isinstance(found, dict)
    return found


@cache
def compiled(name: str) -> CompiledPolicy:
    """A shipped policy, compiled."""
    return compile_policy(parse_policy(document(name)), policy_hash(document(name)))


@cache
def stack_of(*names: str) -> CompiledStack:
    """A stack of shipped policies."""
    return compile_stack([compiled(name) for name in names])


@dataclass(frozen=True, slots=True)
class Line:
    """A random fee line that both the engine and the oracle can read."""

    amount_fen: int
    count_e4: int
    chrg_class: str
    selfpay_prop_e4: int
    price_limit_e6: int | None
    restricted: bool
    approval: str
    flags: Mapping[str, str] = field(default_factory=dict)
    hosp_bear: bool = False

    def for_engine(self) -> LineInput:
        return LineInput(
            *(self.amount_fen, self.count_e4, self.chrg_class, self.selfpay_prop_e4, self.price_limit_e6),
            *(self.restricted, self.approval, frozenset(f"{name}={value}" for name, value in self.flags.items())),
            hosp_bear=self.hosp_bear,
        )

    def for_oracle(self) -> dict[str, Any]:
        limit = self.price_limit_e6
        return {
            "amount": self.amount_fen,
            "count": Fraction(self.count_e4, 10_000),
            "class": self.chrg_class,
            "p": Fraction(self.selfpay_prop_e4, 10_000),
            "limit": None if limit is None else Fraction(limit, 10_000),
            "restricted": self.restricted,
            "approval": self.approval,
            "flags": self.flags,
            "hosp_bear": self.hosp_bear,
        }


def totals(lines: list[Line]) -> BillTotals:
    """The engine's totals of a bill."""
    inputs = [line.for_engine() for line in lines]
    return totals_of([split_line(line) for line in inputs], [line.tags for line in inputs])


def a_class(amount_fen: int) -> Line:
    """A line wholly in scope."""
    return Line(amount_fen, 10_000, "A", 0, None, False, "1")


@cache
def amounts(least: int = 0) -> st.SearchStrategy[int]:
    """Fen of every size: small change, daily bills, and sums that reach ceilings."""
    return st.one_of(st.integers(least, 2_000), st.integers(least, 3_000_000), st.integers(least, LARGEST_FEN))


@cache
def line_strategy() -> st.SearchStrategy[Line]:
    return st.builds(
        Line,
        amount_fen=amounts(),
        count_e4=st.integers(1, 500_000),
        chrg_class=st.sampled_from("AAABBC"),
        selfpay_prop_e4=st.sampled_from((0, 500, 1000, 3333, 10_000)),
        price_limit_e6=st.one_of(st.none(), st.integers(0, 10**11)),
        restricted=st.booleans(),
        approval=st.sampled_from(("1", "1", "1", "0", "2")),
        flags=st.sampled_from(({}, {"bas_medn_flag": "1"}, {"bas_medn_flag": "0"})),
        hosp_bear=st.booleans(),
    )


@cache
def bills() -> st.SearchStrategy[list[Line]]:
    return st.lists(line_strategy(), min_size=1, max_size=6)


@cache
def facts_for(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, FactValue]]:
    """Every fact, with the statuses of the stack's first policy."""
    status = RESIDENT_STATUS if compiled(names[0]).insutype == "390" else EMPLOYEE_STATUS
    choices: dict[str, st.SearchStrategy[FactValue]] = {}
    for name, domain in FACTS.items():
        choices[name] = st.integers(domain.low, domain.high) if domain.numeric else st.sampled_from(domain.values)
    choices["status"] = st.sampled_from(status)
    choices["age"] = st.integers(0, 105)
    choices["months_insured"] = st.integers(0, 120)
    choices["cii_bonus_units"] = st.integers(0, 30)
    choices["med_type"] = st.one_of(
        st.sampled_from(("inpatient", "outpatient")), st.sampled_from(FACTS["med_type"].values)
    )
    return st.fixed_dictionaries(choices)


@cache
def ledgers(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, int]]:
    """Opening accumulators, with keys of templates resolved for every named disease."""
    keys: dict[str, st.SearchStrategy[int]] = {}
    for name in names:
        for entry in document(name)["accumulators"]:
            for disease in FACTS["disease"].values:
                key = entry["key"].replace("{disease}", str(disease))
                keys[key] = st.integers(0, 5) if key == "adm_count" else st.one_of(st.just(0), amounts())
    return st.fixed_dictionaries(keys)


@cache
def accounts() -> st.SearchStrategy[AccountState]:
    """Balances with their current-year part; the person uses all of it or nothing."""

    def build(own: int, share: int, mutual: int, use: bool) -> AccountState:
        return AccountState(own, own * share // 100, mutual, use, use)

    return st.builds(build, amounts(), st.integers(0, 100), amounts(), st.booleans())
