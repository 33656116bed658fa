"""Whether a running mesh can play a case as the engine does: what it cannot is refused with the reason why.

A person is registered once, with one stack of policies; what belongs to the care itself travels with each bill. It sends
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from services.kernel.clock import age_on, holds_on, months_between
from services.kernel.errors import Fault, precondition
from services.kernel.policy.document import FactValue
from services.kernel.policy.domains import FACTS, admits
from services.runtime.wire import optional_told_day, told_day
from tools.cli.case import LocalPlayer
from tools.cli.case_document import Case, CaseLine, CaseOperation, PlayedAnswer
from tools.cli.case_fixture import ENROLMENT_FACTS, REFERRALS, Fixture, day_of, unit_price_e6
from yibao.catalogue.v1 import catalogue_pb2

ONE_FEN_E10 = 10**8
"""A fen as yuan over 10**6 times a count over 10**4: as far as price times count may be from the amount of a line."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Why a mesh cannot play something, in English and Chinese."""

    english: str
    chinese: str


def unplayable(operation: CaseOperation | None, *gaps: Gap) -> Fault:
    """PRECONDITION CASE_NOT_PLAYABLE, naming the operation where it is one's."""
    english, chinese = "; ".join(each.english for each in gaps), "；".join(each.chinese for each in gaps)
    if operation is not None:
        english, chinese = f"{operation.id}: {english}", f"{operation.id}：{chinese}"
    return precondition("CASE_NOT_PLAYABLE", what=english, what_zh=chinese)


def check_case(case: Case) -> None:
    """Raises CASE_NOT_PLAYABLE where there is no bill, or where a bill says what the national interface has no field for."""
    if not case.bills:
        raise unplayable(None, Gap("there is no bill to settle or try", "没有要结算或预结算的账单"))
    for operation in case.bills:
        gaps = [*_bill_gaps(operation), *_value_gaps(operation)]
        if gaps:
            raise unplayable(operation, *gaps)


def check_person(fixture: Fixture) -> None:
    """Raises CASE_NOT_PLAYABLE where bills need other policies, or other facts of the person, than those registered.

    Facts that differ without changing any answer of the engine are no obstacle. Raises also what compiling the policies
    raises: POLICY_NOT_FOUND, POLICY_INVALID, STACK_INVALID.
    """
    for operation in fixture.case.bills:
        gaps = list(_stack_gaps(fixture, operation))
        if gaps:
            raise unplayable(operation, *gaps)
    case = _as_known(fixture)
    told, known = LocalPlayer(fixture.case, fixture.policies), LocalPlayer(case, fixture.policies)
    for operation, registered in zip(fixture.case.operations, case.operations, strict=True):
        differing = [name for name in FACTS if operation.facts.get(name) != registered.facts.get(name)]
        telling = [name for name in differing if _tells(told, name, operation, registered)]
        if _decided(told.play(operation)) != _decided(known.play(registered)):
            if not telling and fixture.case.account.current_year_fen is None:
                untold = "the policy reads current_year_balance, which the case does not tell"
                raise unplayable(operation, Gap(untold, "政策要用current_year_balance（当年账户余额），算例没有写明"))
            named = telling or differing
            raise unplayable(operation, *(_fact_gap(name, operation, registered) for name in named))


def check_versions(fixture: Fixture, operation: CaseOperation, standing: catalogue_pb2.ResolveStackResponse) -> None:
    """Raises CASE_NOT_PLAYABLE where the mesh takes other policies on the day of a bill than the case names.

    `standing` are all versions that the mesh has for that day; the one that begins last is taken.
    """
    day = day_of(operation)
    for policy in fixture.policies.stack(operation.policies).policies:
        fitting = [each for each in standing.policies if each.policy_id == policy.id and _holds(each, day)]
        taken = max(fitting, key=lambda each: (told_day(each.from_day), each.version), default=None)
        if taken is None or taken.policy_hash != policy.content_hash:
            named = "" if taken is None else f"{taken.policy_id}@{taken.version}"
            english = f"on {day} the mesh settles by {named or 'none'} and not by the case's {policy.name}"
            chinese = f"网格在{day}按{named}结算" if named else f"网格在{day}没有相应政策"
            raise unplayable(operation, Gap(english, f"{chinese}，与算例的{policy.name}不同"))


def _bill_gaps(operation: CaseOperation) -> Iterator[Gap]:
    if operation.hosp_part_fen:
        yield Gap("hosp_part_amt has no field in the national interface", "国家接口没有hosp_part_amt（医院负担）字段")
    for number, line in enumerate(operation.lines, 1):
        if not _has_price(line):
            english = f"line {number} has no price of six decimals that gives its amount"
            yield Gap(english, f"第{number}条明细没有与金额相符的六位小数单价")
        if line.amount_fen < 0 and operation.in_patient:
            english = f"line {number} takes back, which in a stay must name the line that it takes from"
            yield Gap(english, f"第{number}条明细是退费，住院退费须指明原明细")


def _has_price(line: CaseLine) -> bool:
    return abs(line.amount_fen) * ONE_FEN_E10 - unit_price_e6(line) * abs(line.count_e4) <= ONE_FEN_E10


def _value_gaps(operation: CaseOperation) -> Iterator[Gap]:
    if "med_type" not in operation.facts:
        yield Gap("every visit or stay has a med_type", "就诊须写医疗类别（med_type）")
    for name, value in operation.facts.items():
        if not admits(name, value):
            yield Gap(f"no person or care has {name} {value}", f"{name}没有{value}这一取值")


def _stack_gaps(fixture: Fixture, operation: CaseOperation) -> Iterator[Gap]:
    ids = fixture.ids_of(operation)
    if ids != fixture.policy_ids:
        first = fixture.case.bills[0].id
        own, others = ", ".join(ids), ", ".join(fixture.policy_ids)
        english = f"it is settled by {own}, {first} by {others}; a person has one stack"
        yield Gap(english, f"按{own}结算，而{first}按{others}结算；一人只有一个政策组合")
    for policy in fixture.policies.stack(operation.policies).policies:
        if policy.version_on == "end_date":
            english = f"{policy.name} goes by the end of care, which visits and trials do not have"
            yield Gap(english, f"{policy.name}以就诊结束日期为准，门诊与预结算没有该日期")


def _as_known(fixture: Fixture) -> Case:
    """The case as a mesh will know it: facts as registered and sent, and a current year's part always told."""
    case = fixture.case
    operations = tuple(
        each if each.op == "refund" else replace(each, facts=_known_facts(fixture, each)) for each in case.operations
    )
    account = replace(case.account, current_year_fen=case.account.current_year_fen or 0)
    return replace(case, operations=operations, account=account)


def _known_facts(fixture: Fixture, operation: CaseOperation) -> dict[str, FactValue]:
    facts, day = fixture.facts, day_of(operation)
    known: dict[str, FactValue] = {name: facts[name] for name in ENROLMENT_FACTS if name in facts}
    known["status"] = facts.get("status", "active")
    known["cvlserv"] = facts.get("cvlserv", "0")
    known["identity"] = facts.get("identity", "normal")
    known["age"] = age_on(fixture.birth, day)
    known["months_insured"] = months_between(fixture.insured_from, day)
    known["remote"] = _known_remote(fixture, operation)
    known["hosp_lv"] = operation.facts.get("hosp_lv", "3")
    known["same_stay"] = operation.continues_stay
    for name in ("med_type", "disease", "chronic_class"):
        known[name] = operation.facts.get(name, "none")
    return known


def _known_remote(fixture: Fixture, operation: CaseOperation) -> FactValue:
    remote = operation.facts.get("remote", "local")
    if fixture.across or remote == "local" or remote in REFERRALS:
        return remote
    return "filed_long_term" if fixture.filed else "temporary"


def _decided(answer: PlayedAnswer) -> tuple[object, ...]:
    return answer.error, answer.components, answer.accumulators


def _tells(player: LocalPlayer, name: str, operation: CaseOperation, registered: CaseOperation) -> bool:
    """Whether this one fact, as it is registered, changes what the engine answers to the bill; nothing is booked."""
    trial = replace(operation, op="presettle")
    facts = {other: value for other, value in operation.facts.items() if other != name}
    if name in registered.facts:
        facts[name] = registered.facts[name]
    return _decided(player.play(trial)) != _decided(player.play(replace(trial, facts=facts)))


def _fact_gap(name: str, operation: CaseOperation, registered: CaseOperation) -> Gap:
    told, known = operation.facts.get(name), registered.facts.get(name)
    said = f"no {name}" if told is None else f"{name} {told}"
    english = f"the case says {said}, a mesh that registers the person once knows {known} on {operation.day}"
    case = f"没有写明{name}" if told is None else f"写明{name}为{_shown(told)}"
    mesh = f"为{_shown(known)}" if known is not None else "没有该项"
    return Gap(english, f"算例{case}，而网格只登记一次人员，{operation.day}{mesh}")


def _shown(value: FactValue) -> str:
    """A fact's value as case files write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _holds(version: catalogue_pb2.StackPolicy, day: date) -> bool:
    return holds_on(day, told_day(version.from_day), optional_told_day(version, "to_day"))
