"""Everything that is lenient or wrong in one message, without doing anything about it.

The message is read as the national face reads it, and held against the rules that the member behind it would hold it
against. It calls nobody and stores nothing; what only a member's books can tell is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from google.protobuf.message import Message

from gateway.http import Request
from gateway.national import envelope as outer
from gateway.national.codec.notes import Notes
from gateway.national.codec.plan import national_path
from gateway.national.envelope import Envelope
from gateway.national.lenience import Finding, with_guess
from gateway.national.transactions import Served, Transactions
from services.kernel.errors import MORE_VIOLATIONS, Fault, FaultKind, Violation, Violations
from services.runtime.admission import Admission
from services.runtime.texts.gateway import next_step, rule_text
from services.runtime.texts.table import Language, text_of
from yibao.gateway.v1 import conformance_pb2

MOST: Final = 1000

# Names that are compared with those that may have been meant; comparing one costs up to 0.1 ms.
_GUESSED: Final = 200
_BODY: Final = "body"
_LENIENT: Final = "LENIENT"
_WRONG: Final = "WRONG"


class Conformance:
    """Holds messages against the contract."""

    def __init__(self, transactions: Transactions, admission: Admission) -> None:
        self._transactions = transactions
        self._admission = admission
        self._read_json = outer.decoder()

    def check(self, request: Request) -> conformance_pb2.CheckEnvelopeResponse:
        """What is wrong and what is lenient in the message that is the body of a request."""
        headers = request.headers
        kind, encoding = headers.get("content-type", ""), headers.get("content-encoding", "")
        try:
            envelope = outer.read_body(self._read_json, request.body, kind, encoding, self._transactions.lists)
            if not envelope.infno:
                raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[Violation("infno", "national.required")])
            served = self._transactions.find(envelope.infno, envelope.wrapper)
        except Fault as fault:
            return _answered(list(_of_fault(fault)), [], 0)
        return self._held(envelope, served)

    def _held(self, envelope: Envelope, served: Served) -> conformance_pb2.CheckEnvelopeResponse:
        names = served.missing(envelope.msgid, envelope.fixmedins_code)
        wrong = [_wrong(Violation(name, "national.required")) for name in names]
        notes, message = Notes(Violations(MOST)), None
        try:
            message = served.read(envelope.row, envelope.root, f"{served.key}:{envelope.msgid}", notes)
        except Fault as fault:
            wrong += _of_fault(fault)
        broken = notes.broken or Violations()
        wrong += [_wrong(each) for each in broken]
        more = broken.more + notes.more
        if message is not None:
            rules = self._rules(served, message)
            told = {each.path for each in wrong}
            wrong += [_wrong(each) for each in rules if each.path not in told]
            more += rules.more
        lenient = []
        if envelope.wrapper == outer.INFNO:
            told = {each.path for each in wrong}
            found = served.lenience.findings(envelope.row, notes, message, envelope.odd)
            kept = [each for each in found if each.path not in told]
            room = max(0, MOST - len(wrong))
            lenient = [_lenient(each, place < _GUESSED) for place, each in enumerate(kept[:room])]
            more += notes.count() - min(notes.count(), MOST) + len(kept) - len(lenient)
        return _answered(wrong, lenient, more)

    def _rules(self, served: Served, message: Message) -> Violations:
        """The field rules of the protos, by the client's own paths."""
        request: Any = served.method.request_class.DESCRIPTOR
        found = self._admission.violations(message, MOST)
        named = Violations(MOST)
        for each in found:
            named.add(replace(each, path=national_path(request, each.path)))
        named.more += found.more
        return named


def _answered(
    wrong: list[conformance_pb2.Finding], lenient: list[conformance_pb2.Finding], more: int
) -> conformance_pb2.CheckEnvelopeResponse:
    findings = [*wrong, *lenient]
    more += max(0, len(findings) - MOST)
    return conformance_pb2.CheckEnvelopeResponse(findings=findings[:MOST], more=more)


def _of_fault(fault: Fault) -> list[conformance_pb2.Finding]:
    """A refusal as findings: its broken fields, or the refusal itself where it names none."""
    if fault.violations:
        return [_wrong(each, fault.metadata) for each in fault.violations]
    path = "infno" if "infno" in fault.metadata else _BODY
    said: dict[Language, str] = {lang: text_of(fault.reason, fault.metadata, lang) for lang in ("zh", "en")}
    return [_finding(path, _WRONG, fault.reason, said, fault)]


def _wrong(violation: Violation, metadata: Mapping[str, str] | None = None) -> conformance_pb2.Finding:
    values = {**(metadata or {}), **violation.values}
    values.pop(MORE_VIOLATIONS, None)
    refusal = Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[violation])
    said: dict[Language, str] = {lang: _said(violation, values, lang) for lang in ("zh", "en")}
    return _finding(violation.path or _BODY, _WRONG, violation.rule, said, refusal)


def _lenient(found: Finding, guess: bool) -> conformance_pb2.Finding:
    found = with_guess(found) if guess else found
    refusal = Fault(
        FaultKind.INVALID,
        "NOT_CONFORMING",
        {"count": "1"},
        violations=[Violation(found.path, found.rule, "", found.values)],
    )
    said: dict[Language, str] = {lang: rule_text(found.rule, found.values, lang) for lang in ("zh", "en")}
    return _finding(found.path, _LENIENT, found.rule, said, refusal)


def _said(violation: Violation, values: Mapping[str, str], lang: Language) -> str:
    """What is wrong with a field: as whoever found it worded it, else the rule's text with the values of rule and refusal."""
    if lang == "zh" and violation.chinese:
        return violation.chinese
    return rule_text(violation.rule, values, lang, violation.description)


def _finding(path: str, level: str, rule: str, said: Mapping[Language, str], refusal: Fault) -> conformance_pb2.Finding:
    return conformance_pb2.Finding(
        path=path,
        level=level,
        rule=rule,
        chinese=said["zh"],
        english=said["en"],
        step_chinese=next_step(refusal, "zh"),
        step_english=next_step(refusal, "en"),
    )
