"""Invented policy files for rules that no shipped policy exercises, and for one rule at a time."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from services.kernel.policy.document import FactValue
from services.kernel.policy.identity import policy_hash
from services.kernel.policy.parsing import parse_policy
from services.settlement.domain.benefits.account import AccountState
from services.settlement.domain.benefits.compile import CompiledPolicy, compile_policy
from services.settlement.domain.benefits.outcome import Settlement
from services.settlement.domain.benefits.settle import NO_ACCOUNT, settle
from services.settlement.domain.benefits.stack import compile_stack
from services.settlement.domain.care.lines import BillTotals

FACTS: dict[str, FactValue] = {
    "med_type": "inpatient",
    "hosp_lv": "3",
    "status": "active",
    "identity": "normal",
    "remote": "local",
    "age": 40,
    "same_stay": False,
}


def flat(ratio: str) -> list[dict[str, Any]]:
    """A table with one ratio for everybody."""
    return [{"when": {}, "value": [{"upto": None, "ratio": ratio}]}]


def one(value: Any) -> list[dict[str, Any]]:
    """A table with one value for everybody."""
    return [{"when": {}, "value": value}]


def layer(**changes: Any) -> dict[str, Any]:
    """A plain basic layer that pays 85 % of the cost in scope, with changes."""
    plain = {
        "id": "pool",
        "stage": 10,
        "fund": "hifp_pay",
        "when": {"med_type": ["inpatient"]},
        "base": "inscp",
        "tiers": {"position": "bill", "origin": "zero", "table": flat("85%")},
    }
    return {**plain, **changes}


def policy(*layers: Mapping[str, Any], keys: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """A whole document around layers."""
    document = {
        "schema": "hsa.policy/1",
        "id": "invented",
        "version": "2025-01-01",
        "title": "invented for a test",
        "region": "990100",
        "insutype": "310",
        "effective": {"from": "2025-01-01", "to": None},
        "version_on": "settle_date",
        "benefit_year": {"start": "01-01"},
        "money": "yuan",
        "documents": [
            {"id": "doc", "title": "none", "number": "none", "year": 2025, "mark": "synthetic", "confidence": "high"}
        ],
        "layers": [dict(part) for part in layers],
        "accumulators": [{"key": key} for key in keys],
        "figures": [{"figure": "all", "doc": "doc", "mark": "synthetic", "confidence": "high"}],
    }
    return deepcopy({**document, **changes})


def compiled(document: dict[str, Any]) -> CompiledPolicy:
    return compile_policy(parse_policy(document), policy_hash(document))


def play(
    *documents: dict[str, Any],
    inscp: int = 0,
    presel: int = 0,
    fulamt: int = 0,
    facts: Mapping[str, FactValue] | None = None,
    before: Mapping[str, int] | None = None,
    account: AccountState = NO_ACCOUNT,
    exempt: Mapping[str, int] | None = None,
    hosp_part_fen: int = 0,
) -> Settlement:
    """Settles one bill of these parts under invented policies."""
    return settle(
        compile_stack([compiled(document) for document in documents]),
        BillTotals(inscp + presel + fulamt, fulamt, 0, presel, inscp, exempt or {}),
        {**FACTS, **(facts or {})},
        before or {},
        account,
        hosp_part_fen=hosp_part_fen,
    )
