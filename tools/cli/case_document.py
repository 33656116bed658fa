"""The worked-case file: its model, its strict reading with the format's defaults, and the comparison with an answer.

A case says who, what and what must come out; who plays it (the engine here, or a running mesh) hands in a `PlayedAnswer` and
gets every difference. Nothing here computes a benefit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from services.kernel.errors import Fault, FaultKind
from services.kernel.money import scaled_of
from services.kernel.policy.document import FactValue
from services.kernel.policy.domains import FACTS
from services.kernel.policy.reading import Findings, Node
from services.runtime.documents.files import read_document

DEFAULT_FACTS: Mapping[str, FactValue] = {
    "identity": "normal",
    "remote": "local",
    "contracted": False,
    "cvlserv": "0",
    "ent_flag": "0",
    "ma_category": "none",
    "disease": "none",
    "chronic_class": "none",
    "same_stay": False,
    "cii_bonus_units": 0,
}
"""What a case means when it does not say; the engine itself never guesses."""

OPERATIONS = ("settle", "presettle", "refund")
IN_PATIENT = frozenset({"inpatient", "day_surgery", "maternity_inpatient"})
"""Kinds of care that are a stay; all others are a visit."""

YEAR_OF_DAY = "Y1"
"""As the `benefit_year` of an operation: the benefit year that holds its day."""

LINE_PARTS = ("fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt", "hosp_part_amt")
NO_LIMIT_E6 = 999_999_000_000
"""A price limit of 999999 yuan says "no limit", as in the national interface."""

CASE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
POLICY_NAME = re.compile(r"[a-z0-9-]+@[0-9A-Za-z.-]+", re.ASCII)
MAX_FEN = 10**13


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A fee line: amount and price limit (per unit) in fen, count, class A, B or C, and flags.

    `hosp_bear` says that the hospital bears what is over the limit.
    """

    name: str
    amount_fen: int
    count_e4: int
    chrg_class: str
    selfpay_prop_e4: int
    price_limit_e6: int | None
    restricted: bool
    approval: str
    flags: Mapping[str, str]
    hosp_bear: bool = False


@dataclass(frozen=True, slots=True)
class CaseAccount:
    """Account money: own balance, its current-year part where told, family balance, and whether the person uses it."""

    balance_fen: int = 0
    current_year_fen: int | None = None
    mutual_fen: int = 0
    use: bool = False


@dataclass(frozen=True, slots=True)
class CaseOperation:
    """One step. `expected` parts are None where the case says nothing about them.

    `benefit_year` is the label of the year whose ledger must answer, or YEAR_OF_DAY. The `day` of a refund that names none is
    that of the operation it takes back, else of the one before; None only where no operation of the case has a day.
    """

    op: str
    id: str
    day: date | None
    of: str
    benefit_year: str | None
    policies: tuple[str, ...]
    facts: Mapping[str, FactValue]
    lines: tuple[CaseLine, ...]
    hosp_part_fen: int
    expect_error: str | None
    expected: Mapping[str, object] | None
    expected_lines: tuple[Mapping[str, object], ...] | None
    accumulators_after: Mapping[str, object] | None
    account_after: Mapping[str, object] | None

    @property
    def expects(self) -> bool:
        """Whether it says anything about what must come out."""
        told = (self.expect_error, self.benefit_year)
        parts = (self.expected, self.expected_lines, self.accumulators_after, self.account_after)
        return any(each is not None for each in told) or any(parts)

    @property
    def in_patient(self) -> bool:
        """Whether it bills a stay."""
        return self.facts.get("med_type") in IN_PATIENT

    @property
    def continues_stay(self) -> bool:
        """Whether it bills the stay of the in-patient bill before it, which goes on."""
        return self.in_patient and self.facts.get("same_stay") is True


@dataclass(frozen=True, slots=True)
class Case:
    """A worked case. An account that it does not tell is empty and not used."""

    case_id: str
    title: str
    accumulators_before: Mapping[str, int]
    account: CaseAccount
    operations: tuple[CaseOperation, ...]

    @property
    def bills(self) -> tuple[CaseOperation, ...]:
        """The operations that settle or try a bill; each has a day."""
        return tuple(operation for operation in self.operations if operation.op != "refund")


@dataclass(frozen=True, slots=True)
class PlayedAnswer:
    """What playing one operation gave: a refusal's reason, or lines, components, accumulators and account afterwards.

    `benefit_year` is the label of the year whose ledger answered, `year_of_day` of the year that holds the operation's day.
    """

    error: str | None = None
    lines: tuple[Mapping[str, int], ...] = ()
    components: Mapping[str, object] = field(default_factory=dict)
    accumulators: Mapping[str, int] = field(default_factory=dict)
    account: Mapping[str, object] = field(default_factory=dict)
    benefit_year: str | None = None
    year_of_day: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not what the case expects."""

    case_id: str
    operation: str
    what: str
    expected: object
    actual: object

    def __str__(self) -> str:
        return f"{self.case_id} {self.operation} {self.what}: expected {self.expected}, got {self.actual}"


def read_case(path: Path) -> Case:
    """The case of a JSON or YAML file. Raises INVALID (CASE_INVALID, or DOCUMENT_INVALID) with every violation."""
    findings = Findings()
    case = _read(Node(read_document(path), "", findings))
    if findings:
        raise Fault(FaultKind.INVALID, "CASE_INVALID", {"source": path.name}, violations=findings.all())
    return case


def _read(root: Node) -> Case:
    at = root.fields(
        ("case_id", "policies", "person", "ops"),
        (
            *("title", "unit", "published", "source", "tags", "note", "derivation"),
            *("accumulators_before", "account_before"),
        ),
    )
    if "unit" in at:
        at["unit"].choice(("fen",))
    policies = _read_policies(at["policies"])
    person = {**DEFAULT_FACTS, **_read_facts(at["person"])}
    before = at["accumulators_before"].pairs() if "accumulators_before" in at else []
    operations = [_read_operation(entry, policies, person) for entry in at["ops"].entries(least=1)]
    return Case(
        case_id=at["case_id"].text(CASE_NAME),
        title=at["title"].text() if "title" in at else "",
        accumulators_before={key: node.integer(0, MAX_FEN) for key, node in before},
        account=_read_account(at["account_before"]) if "account_before" in at else CaseAccount(),
        operations=tuple(_dated(operations)),
    )


def _dated(operations: Sequence[CaseOperation]) -> Iterator[CaseOperation]:
    """The operations, each that names no day on that of the operation it takes back, else of the one before it."""
    days: dict[str, date] = {}
    last = next((operation.day for operation in operations if operation.day is not None), None)
    for operation in operations:
        day = operation.day or days.get(operation.of) or last
        if day is not None:
            days[operation.id] = last = day
        yield replace(operation, day=day)


def _read_policies(node: Node) -> tuple[str, ...]:
    return tuple(entry.text(POLICY_NAME) for entry in node.entries(least=1))


def _read_facts(node: Node) -> dict[str, FactValue]:
    found: dict[str, FactValue] = {}
    for name, value in node.pairs():
        if name not in FACTS:
            value.wrong("unknown_fact", f"unknown fact; known: {', '.join(FACTS)}")
        elif isinstance(value.value, str | int):
            found[name] = value.value
        else:
            value.wrong("fact_value", "text, a whole number, true or false")
    return found


def _read_account(node: Node) -> CaseAccount:
    at = node.fields((), ("balance", "current_year_balance", "mutual_balance", "use"))
    return CaseAccount(
        balance_fen=at["balance"].integer(0, MAX_FEN) if "balance" in at else 0,
        current_year_fen=at["current_year_balance"].integer(0, MAX_FEN) if "current_year_balance" in at else None,
        mutual_fen=at["mutual_balance"].integer(0, MAX_FEN) if "mutual_balance" in at else 0,
        use=at["use"].flag() if "use" in at else False,
    )


def _read_operation(node: Node, policies: tuple[str, ...], person: dict[str, FactValue]) -> CaseOperation:
    at = node.fields(
        ("op", "id"),
        (
            *("setl_date", "of", "benefit_year", "policies", "visit", "lines", "hosp_part_amt", "note"),
            *("expect_error", "expected", "expected_lines", "accumulators_after", "account_after"),
        ),
    )
    op = at["op"].choice(OPERATIONS)
    for name, needed in (("of", op == "refund"), ("lines", op != "refund"), ("visit", op != "refund")):
        if (name in at) != needed:
            told = f"{name} is {'required' if needed else 'not allowed'} with {op}"
            node.wrong("field.needed" if needed else "field.not_allowed", told)
    if op != "refund" and "setl_date" not in at:
        node.wrong("setl_date", f"setl_date is required with {op}")
    lines = at["expected_lines"].entries() if "expected_lines" in at else None
    return CaseOperation(
        op=op,
        id=at["id"].text(CASE_NAME),
        day=at["setl_date"].day() if "setl_date" in at else None,
        of=at["of"].text(CASE_NAME) if "of" in at else "",
        benefit_year=at["benefit_year"].text() if "benefit_year" in at else None,
        policies=_read_policies(at["policies"]) if "policies" in at else policies,
        facts={**person, **(_read_facts(at["visit"]) if "visit" in at else {})},
        lines=tuple(_read_line(entry) for entry in at["lines"].entries(least=1)) if "lines" in at else (),
        hosp_part_fen=at["hosp_part_amt"].integer(0, MAX_FEN) if "hosp_part_amt" in at else 0,
        expect_error=at["expect_error"].text() if "expect_error" in at else None,
        expected=_plain(at, "expected"),
        expected_lines=None if lines is None else tuple(dict(_members(entry)) for entry in lines),
        accumulators_after=_plain(at, "accumulators_after"),
        account_after=_plain(at, "account_after"),
    )


def _members(node: Node) -> list[tuple[str, object]]:
    return [(key, value.value) for key, value in node.pairs()]


def _plain(at: dict[str, Node], name: str) -> dict[str, object] | None:
    return dict(_members(at[name])) if name in at else None


def _read_line(node: Node) -> CaseLine:
    flags = ("bas_medn_flag", "hi_nego_drug_flag")
    at = node.fields(
        ("amount", "class"),
        ("name", "cnt", "selfpay_prop", "price_limit", "lmt_used_flag", "hosp_appr_flag", "hosp_bear", *flags),
    )
    limit = _scaled(at["price_limit"], 4) if "price_limit" in at else None
    bear = "hosp_bear" in at and at["hosp_bear"].flag()
    if bear and (limit is None or limit >= NO_LIMIT_E6):
        at["hosp_bear"].wrong("hosp_bear", "the line needs a price_limit, for what is over it")
    return CaseLine(
        name=at["name"].text() if "name" in at else "",
        amount_fen=at["amount"].integer(-MAX_FEN, MAX_FEN),
        count_e4=_scaled(at["cnt"], 4) if "cnt" in at else 10_000,
        chrg_class=at["class"].choice(("A", "B", "C")),
        selfpay_prop_e4=_scaled(at["selfpay_prop"], 4) if "selfpay_prop" in at else 0,
        price_limit_e6=limit,
        restricted="lmt_used_flag" in at and at["lmt_used_flag"].choice(("0", "1")) == "1",
        approval=at["hosp_appr_flag"].choice(("0", "1", "2")) if "hosp_appr_flag" in at else "1",
        flags={name: at[name].choice(("0", "1")) for name in flags if name in at},
        hosp_bear=bear,
    )


def _scaled(node: Node, digits: int) -> int:
    """A decimal text over 10**digits; fen with four decimals are yuan with six."""
    if isinstance(node.value, str | int) and not isinstance(node.value, bool):
        try:
            return scaled_of(node.value, digits)
        except Fault as fault:
            node.wrong("decimal", fault.violations[0].description)
            return 0
    node.wrong("decimal", "a whole number or a decimal text is expected")
    return 0


def compare(case: Case, operation: CaseOperation, answer: PlayedAnswer) -> list[Difference]:
    """Every difference between what a case expects of an operation and what was answered."""
    found: list[Difference] = []

    def expect(what: str, expected: object, actual: object) -> None:
        if type(expected) is not type(actual) or expected != actual:
            found.append(Difference(case.case_id, operation.id, what, expected, actual))

    expect("error", operation.expect_error, answer.error)
    year = answer.year_of_day if operation.benefit_year == YEAR_OF_DAY else operation.benefit_year
    if year is not None:
        expect("benefit_year", year, answer.benefit_year)
    for key, value in (operation.accumulators_after or {}).items():
        expect(f"accumulators.{key}", value, answer.accumulators.get(key, 0))
    if answer.error is not None:
        return found
    for name, value in (operation.account_after or {}).items():
        expect(f"account.{name}", value, answer.account.get(name))
    for name, value in (operation.expected or {}).items():
        expect(name, value, answer.components.get(name))
    if operation.expected_lines is not None:
        expect("lines", len(operation.expected_lines), len(answer.lines))
        for place, (line, actual) in enumerate(zip(operation.expected_lines, answer.lines, strict=False)):
            for name, value in line.items():
                expect(f"lines[{place}].{name}", value, actual.get(name))
    return found
