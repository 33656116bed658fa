"""What a bureau may refuse in a message that is served here: blank fields, names that nobody reads, values that are written
otherwise than the national text does, a broken envelope.

Compiled from the contract: the "required" column, the names of a node, the forms of the envelope's fields. It asks nobody
and changes nothing; what it says holds names and places, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from gateway.national.codec.notes import BLANK, RENAMED, UNKNOWN, Note, Notes
from gateway.national.codec.plan import Kind, fields_of, find, folded, ignored, is_absent
from gateway.national.codec.reading import Row
from gateway.national.codec.spelling import DIVISION, EMPTY, LOCAL_CODE, NULL_TEXT, NUMBER, PADDED, TEXT
from gateway.national.codec.tables import is_division
from gateway.spelling import nearest
from services.kernel.errors import Fault, FaultKind, Violation, Violations
from services.runtime.texts.gateway import rule_text
from yibao.gateway.v1 import envelope_pb2
from yibao.options.v1 import options_pb2

SIMILAR: Final = "lenient.unknown_similar"
LENGTH: Final = "lenient.length"
FORM: Final = "lenient.form."

_TIME: Final = "google.protobuf.Timestamp"
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_REGIONS: Final = ("mdtrtarea_admvs", "insuplc_admdvs")
_INSTITUTION_LENGTH: Final = 12
_LONGEST_NAME: Final = 64
_CHECKED_ONLY: Final = frozenset({LOCAL_CODE, NUMBER, TEXT})
_ABSENT: Final = frozenset({"", "null", "NULL"})

Fits = Callable[[str], object]


class Finding(NamedTuple):
    """One thing that is not as the text has it: where, which rule, the values that the rule's text names, and for a name
    that nobody reads the names that it may have been meant for."""

    path: str
    rule: str
    values: Mapping[str, str] = MappingProxyType({})
    known: tuple[str, ...] = ()


class _Outer(NamedTuple):
    """A field of the envelope: whether the text requires it, what its value looks like, what is said of one that does not."""

    name: str
    required: bool
    fits: Fits | None
    misfit: Finding
    region: bool


class Lenience:
    """What is lenient in the messages of one request type; `signed` where they carry the sign-in number."""

    def __init__(self, request: Descriptor, signed: bool) -> None:
        self._signed = signed
        self._person = _person(request)
        envelope: Any = envelope_pb2.Envelope.DESCRIPTOR
        self._outer = tuple(_outer(each) for each in envelope.fields)
        self._names = tuple(each.name for each in envelope.fields)
        self._known = frozenset(self._names) | ignored(envelope)

    def findings(
        self, envelope: Row, notes: Notes, message: Message | None, outside: Iterable[tuple[str, str]] = ()
    ) -> list[Finding]:
        """What is lenient, in the rows that `notes` has kept; `message` is the request where it could be read, `outside` what
        was odd in the body, by path and rule."""
        told = [_told(note) for note in notes.each()]
        if any(each.rule in (NULL_TEXT, EMPTY) for each in told):
            # In a required field it is told once, as a blank.
            blank = {each.path for each in told if each.rule == BLANK}
            told = [each for each in told if each.rule == BLANK or each.path not in blank]
        odd: list[Finding] = [Finding(path, rule) for path, rule in outside]
        beside = list(self._fields(envelope, odd))
        told += beside
        if _is_foreign(envelope) and not any(each.path == "msgid" for each in beside):
            told.append(Finding("msgid", "lenient.msgid_foreign"))
        raw = find(envelope, "input")
        if type(raw) is str and not is_absent(raw):
            told.append(Finding("input", "lenient.input_text"))
        if self._names_person(message) and is_absent(find(envelope, "insuplc_admdvs")):
            told.append(Finding("insuplc_admdvs", "lenient.insured_place"))
        if not envelope.keys() <= self._known:
            told += self._foreign(envelope)
        if self._signed and is_absent(find(envelope, "sign_no")):
            told.append(Finding("sign_no", "lenient.sign_in"))
        named = {each.path for each in told} if odd else set()
        return told + [each for each in odd if each.path not in named]

    def _fields(self, row: Row, odd: list[Finding]) -> Iterator[Finding]:
        """Blanks and forms beside `input`, in the order of the contract; `odd` takes values that are written otherwise."""
        for name, required, fits, misfit, region in self._outer:
            raw: Any = row.get(name)
            if raw is None and required:
                raw = find(row, name)
            if type(raw) is str and raw not in _ABSENT:
                text = raw.strip()
                if text is not raw:
                    odd.append(Finding(name, PADDED))
            elif is_absent(raw):
                text = ""
                if type(raw) is str and raw:
                    odd.append(Finding(name, NULL_TEXT))
            elif type(raw) is int or type(raw) is bytes:
                text = raw.decode() if type(raw) is bytes else str(raw)
                odd.append(Finding(name, TEXT))
            else:
                # An object where the text has a value; `input` is one by right.
                if fits is not None:
                    yield misfit
                continue
            if not text:
                if required:
                    yield Finding(name, BLANK)
            elif fits is not None and not fits(text):
                yield misfit
            elif region and not is_division(text):
                yield Finding(name, DIVISION)

    def _names_person(self, message: Message | None) -> bool:
        return message is not None and self._person is not None and bool(self._person(message))

    def _foreign(self, row: Row) -> Iterator[Finding]:
        """Keys beside `input` that the text does not have."""
        own = {folded(name): name for name in self._names}
        for key in row:
            if key not in self._known and not is_absent(row[key]):
                meant = own.get(folded(key), "") if len(key) <= _LONGEST_NAME else ""
                yield _name(key[:_LONGEST_NAME], meant, self._names)


def _told(note: Note) -> Finding:
    if note.rule not in (RENAMED, UNKNOWN):
        return Finding(note.path, note.rule, note.values)
    return _name(note.path, note.meant, note.shape.known)


def _name(path: str, meant: str, known: tuple[str, ...]) -> Finding:
    return Finding(path, RENAMED, {"meant": meant}) if meant else Finding(path, UNKNOWN, known=known)


def with_guess(found: Finding) -> Finding:
    """The finding with the name that an unknown one was probably meant for. Comparing costs: only for what is shown."""
    if found.rule != UNKNOWN:
        return found
    similar = nearest(found.path.rpartition(".")[2], found.known)
    return Finding(found.path, SIMILAR, {"meant": similar}) if similar else found


def _outer(declared: FieldDescriptor) -> _Outer:
    options = declared.GetOptions()
    rules = options.Extensions[validate_pb2.field].string
    fits: Fits | None = None
    misfit = Finding(declared.name, FORM + declared.name)
    allowed = frozenset[str](getattr(rules, "in"))
    if declared.message_type is not None and declared.message_type.full_name == _TIME:
        fits = _is_moment
    elif rules.pattern:
        fits = re.compile(rules.pattern, re.ASCII).fullmatch
    elif allowed:
        fits = allowed.__contains__
    elif rules.max_len:
        fits = _at_most(rules.max_len)
        misfit = Finding(declared.name, LENGTH, {"limit": str(rules.max_len)})
    required: bool = options.Extensions[options_pb2.national].required
    return _Outer(declared.name, required, fits, misfit, declared.name in _REGIONS)


def _is_foreign(row: Row) -> bool:
    """Whether a message number begins with the code of another institution than the one that sends it."""
    msgid, code = row.get("msgid"), row.get("fixmedins_code")
    return type(msgid) is str and type(code) is str and msgid.strip()[:_INSTITUTION_LENGTH] != code.strip()


def _is_moment(text: str) -> bool:
    if _MOMENT.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _at_most(limit: int) -> Fits:
    return lambda text: len(text) <= limit


def _person(request: Descriptor) -> Callable[[Message], object] | None:
    """Where a request names the person whom it is about, None where it does not."""
    for plan in fields_of(request):
        if plan.person:
            return attrgetter(plan.field)
    for plan in fields_of(request):
        if plan.kind is Kind.ROW and plan.row is not None:
            for each in fields_of(plan.row):
                if each.person:
                    return attrgetter(f"{plan.field}.{each.field}")
    return None


def in_answer(found: Sequence[Finding]) -> list[Finding]:
    """The findings that are told, or refused, where a message is served; the rest is told by the check alone.

    Whether a province has declared a code of its own the member behind knows, and JSON libraries of the field read a number
    with and without its quotes (our decision).
    """
    return [each for each in found if each.rule not in _CHECKED_ONLY]


def not_conforming(found: Sequence[Finding]) -> Fault:
    """The refusal of a message that is lenient, where the partner's profile is strict."""
    violations = Violations()
    for each in found:
        if not violations.full():
            told = with_guess(each)
            violations.append(Violation(told.path, told.rule, rule_text(told.rule, told.values, "zh"), told.values))
    return Fault(FaultKind.INVALID, "NOT_CONFORMING", {"count": str(len(found))}, violations=violations)
