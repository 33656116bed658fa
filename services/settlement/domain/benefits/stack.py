"""A stack: the compiled policies that pay one person's bills together, their layers in stage order.

Which policies form a stack is an effective-dated record of the region; it is never inferred here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.kernel.errors import Fault, FaultKind, Violation
from services.settlement.domain.benefits.compile import CompiledLayer, CompiledPolicy
from services.settlement.domain.benefits.versions import PolicyVersion


@dataclass(frozen=True, slots=True)
class CompiledStack:
    """Policies in their order, and `(policy place, layer)` by stage, then policy, then layer."""

    policies: tuple[CompiledPolicy, ...]
    layers: tuple[tuple[int, CompiledLayer], ...]
    benefit_year_start: str
    names: tuple[str, ...]
    by_name: Mapping[str, CompiledPolicy]


def compile_stack(policies: Sequence[CompiledPolicy]) -> CompiledStack:
    """Orders the layers of a stack by stage.

    Raises INVALID (STACK_INVALID) for an empty stack, a constraint file, a policy twice, or benefit years that begin on
    different days: one person's ledger has one year (our decision).
    """
    found = []
    if not policies:
        found.append(Violation("policies", "required", "a stack names at least one policy"))
    for place, policy in enumerate(policies):
        path = f"policies[{place}]"
        if policy.kind == "constraint":
            found.append(Violation(path, "constraint", f"{policy.name} pays nothing"))
        if any(other.id == policy.id for other in policies[:place]):
            found.append(Violation(path, "duplicate", f"{policy.id} stands twice"))
        if policy.benefit_year_start != policies[0].benefit_year_start:
            begins = policy.benefit_year_start
            told = f"begins {begins}, unlike the first policy"
            found.append(Violation(path, "benefit_year", told, {"begins": begins}))
    if found:
        names = ",".join(policy.name for policy in policies)
        raise Fault(FaultKind.INVALID, "STACK_INVALID", {"policies": names}, violations=found)
    layers = [(place, layer) for place, policy in enumerate(policies) for layer in policy.layers]
    layers.sort(key=lambda entry: entry[1].stage)
    return CompiledStack(
        policies=tuple(policies),
        layers=tuple(layers),
        benefit_year_start=policies[0].benefit_year_start,
        names=tuple(policy.name for policy in policies),
        by_name={policy.name: policy for policy in policies},
    )


@dataclass(frozen=True, slots=True)
class StackRequest:
    """Which policies: insured place, insurance type, day of settlement, and first and last day of the encounter."""

    admdvs: str
    insutype: str
    day: date
    begin_day: date
    end_day: date | None = None


@dataclass(frozen=True, slots=True)
class StackChoice:
    """The stack that pays: the version of each policy that the dates choose, in order, compiled."""

    versions: tuple[PolicyVersion, ...]
    stack: CompiledStack
