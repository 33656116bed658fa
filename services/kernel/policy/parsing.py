"""`parse_policy`: a plain document of `hsa.policy/1` into the model, or a refusal with every violation and its path.

The document's own words only: nothing is defaulted that changes money, nothing unknown is skipped. Tables are proved over
all enumerations before a policy leaves here.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from services.kernel.errors import Fault, FaultKind
from services.kernel.policy.conditions import read_condition
from services.kernel.policy.document import (
    HELD_BY_BANK,
    HELD_BY_LEDGER,
    Account,
    Accumulator,
    Figure,
    Policy,
    RemoteLimit,
    RemoteRule,
    Source,
)
from services.kernel.policy.layers import read_layers
from services.kernel.policy.proof import prove
from services.kernel.policy.reading import Findings, Node, scan_kinds
from services.kernel.policy.shapes import POLICY, WORD


def parse_policy(document: Mapping[str, object]) -> Policy:
    """The policy of a plain document.

    Raises INVALID (POLICY_INVALID) with all violations: unknown keys, floats, keys or dates that YAML turned into
    something else, unknown facts or values, tables with two rows for one case, tables with none outside `partial`.
    """
    findings = Findings()
    scan_kinds(document, "", findings)
    policy = _read(Node(document, "", findings, POLICY), findings)
    if not findings:
        prove(policy, findings)
    if findings:
        name = f"{document.get('id')}@{document.get('version')}" if isinstance(document, Mapping) else ""
        raise Fault(FaultKind.INVALID, "POLICY_INVALID", {"policy": name[:80]}, violations=findings.all())
    return policy


def _read(root: Node, findings: Findings) -> Policy:
    at = root.fields()
    at["schema"].choice()
    at["money"].choice()
    effective = at["effective"].fields()
    since = effective["from"].day()
    until = effective["to"].day() if effective["to"].value is not None else None
    if until is not None and until < since:
        effective["to"].wrong("effective", "ends before it begins")
    documents = tuple(_read_source(entry) for entry in at["documents"].entries())
    layers = read_layers(at["layers"])
    return Policy(
        id=at["id"].text(),
        version=at["version"].text(),
        title=at["title"].text(),
        region=at["region"].text(),
        insutype=at["insutype"].text(),
        kind=_read_kind(at),
        effective_from=since,
        effective_to=until,
        version_on=at["version_on"].choice(),
        benefit_year_start=at["benefit_year"].fields()["start"].text(),
        indices=tuple((_word(key, node), node.yuan()) for key, node in _pairs(at, "indices")),
        documents=documents,
        remote=tuple(_read_remote(entry) for entry in _entries(at, "remote")),
        remote_limits=tuple(_read_limit(entry) for entry in _entries(at, "remote_limits")),
        account=_read_account(at["account"]) if "account" in at else None,
        layers=layers,
        partial=frozenset(entry.choice([layer.id for layer in layers] or [""]) for entry in _entries(at, "partial")),
        accumulators=tuple(_read_accumulator(entry) for entry in at["accumulators"].entries()),
        figures=_read_figures(at["figures"], {source.id for source in documents}),
        notes=_read_notes(at),
    )


def _entries(at: dict[str, Node], name: str) -> list[Node]:
    return at[name].entries() if name in at else []


def _pairs(at: dict[str, Node], name: str) -> list[tuple[str, Node]]:
    return at[name].pairs() if name in at else []


def _word(key: str, node: Node) -> str:
    if WORD.fullmatch(key) is None:
        node.wrong("word", "the name must be a lower-case word")
    return key


def _read_kind(at: dict[str, Node]) -> str:
    kind = at["kind"].choice() if "kind" in at else "benefit"
    if kind == "benefit":
        at["layers"].entries(least=1)
        for name in ("remote_limits", "principles"):
            if name in at:
                at[name].wrong("constraint", "belongs to a file of kind constraint")
    elif at["layers"].entries():
        at["layers"].wrong("constraint", "a constraint file pays nothing and has no layers")
    for key, node in _pairs(at, "principles"):
        _word(key, node)
        node.choice()
    return kind


def _read_source(node: Node) -> Source:
    at = node.fields()
    return Source(
        id=at["id"].text(),
        title=at["title"].text(),
        number=at["number"].text(),
        year=at["year"].integer(),
        mark=at["mark"].choice(),
        confidence=at["confidence"].choice(),
        note=at["note"].text() if "note" in at else "",
    )


def _read_figures(node: Node, documents: set[str]) -> tuple[Figure, ...]:
    figures = []
    for entry in node.entries():
        at = entry.fields()
        doc = at["doc"].text()
        if doc and doc not in documents:
            at["doc"].wrong("unknown_document", "no document of this file has that id")
        figures.append(
            Figure(
                figure=at["figure"].text(),
                doc=doc,
                mark=at["mark"].choice(),
                confidence=at["confidence"].choice(),
                note=at["note"].text() if "note" in at else "",
            )
        )
    return tuple(figures)


def _read_accumulator(node: Node) -> Accumulator:
    at = node.fields()
    if "note" in at:
        at["note"].text()
    return Accumulator(
        key=at["key"].text(),
        meaning=at["meaning"].text() if "meaning" in at else "",
        national_like=at["national_like"].text() if "national_like" in at else "",
    )


def _read_remote(node: Node) -> RemoteRule:
    at = node.fields()
    method = at["method"].choice()
    value = at.get("value", Node(None, f"{node.path}.value", node.findings))
    bounds = {"pre_selfpay": (0, 100), "ratio_points": (-100, 0), "ratio_factor": (0, 100), "none": (0, 0)}[method]
    if method == "none" and "value" in at:
        value.wrong("value", "the method none has no value")
    return RemoteRule(
        when=read_condition(at["when"]),
        method=method,
        value=value.percent(*bounds) if method != "none" else Fraction(0),
        note=at["note"].text() if "note" in at else "",
    )


def _read_limit(node: Node) -> RemoteLimit:
    at = node.fields()
    return RemoteLimit(read_condition(at["when"]), at["max_reduction_points"].percent())


def _read_account(node: Node) -> Account:
    at = node.fields()
    order = tuple(entry.choice() for entry in at["order"].entries())
    scope = at["scope"].choice()
    if len(set(order)) != len(order):
        at["order"].wrong("duplicate", "a purse stands twice")
    if bool(order) == (scope == "none"):
        at["order"].wrong("order", "is empty exactly when the scope is none")
    first = None
    if "first" in at:
        inner = at["first"].fields()
        inner["from"].choice()
        first = read_condition(inner["when"])
        if "own" not in order:
            at["first"].wrong("first", "needs the own account in the order")
    held = at["held"].choice() if "held" in at else HELD_BY_LEDGER
    if held == HELD_BY_BANK and first is not None:
        at["held"].wrong("held", "a bank keeps no current year's part, so none goes before the deductible")
    return Account(scope, order, first, held)


def _read_notes(at: dict[str, Node]) -> tuple[str, ...]:
    notes = [at[name].text() for name in ("lint", "dedc_cap_rules") if name in at]
    return (*notes, *(entry.text() for entry in _entries(at, "open_questions")))
