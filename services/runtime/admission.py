"""Whether a call may go on: who calls, may that role, is the message whole, does it name its caller, on which day is it decided.

The order is fixed: role and sandbox, then the field rules of the protos, then the bound field, so that a broken field is
told as such to everybody who may call at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor, OneofDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from protovalidate import Validator

from services.kernel.clock import FIRST_BUSINESS_DAY, LAST_BUSINESS_DAY, Clock, business_day, is_business_day
from services.kernel.errors import MOST_VIOLATIONS, Fault, FaultKind, Violation, Violations, denied
from services.runtime.auth import TokenSigner
from services.runtime.bounds import shape_of, window_of
from services.runtime.call import ANYBODY, BUSINESS_DATE_KEY, CallContext, Caller, Role, on_business_date, wire_time
from services.runtime.contract import MethodContract, is_judged
from services.runtime.rule_values import rule_values
from services.runtime.texts.gateway import rule_text

# Broken rules that one look at a large message may find: each costs microseconds, and twenty are told.
_MOST_LOOKED_AT: Final = 2_000
_OF_TEXT: Final = ("string.pattern", "string.in", "string.len", "string.min")
_REQUIRED: Final = "required"
_ONE_REQUIRED: Final = "oneof.required"
_NO_TEXT: Final = frozenset({int, bool, float, bytes, Timestamp, Date})
_HOLDING_TEXT: Final = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE)


class Admission:
    """The checks of one member; rules of messages are compiled once. `is_foreign` says of a caller that the cell which made its
    key cannot know whose it is: methods that name their caller refuse it."""

    def __init__(
        self,
        signer: TokenSigner,
        clock: Clock,
        sandbox: bool,
        is_foreign: Callable[[Caller], bool] = lambda caller: False,
    ) -> None:
        self._signer = signer
        self._is_foreign = is_foreign
        self._clock = clock
        self._sandbox = sandbox
        self._anybody = Caller(Role.PUBLIC, "", sandbox) if sandbox else ANYBODY
        self._validator = Validator()

    def caller(self, method: MethodContract, token: str) -> Caller:
        """Who calls, checked against the method's roles and callers; Fault UNAUTHENTICATED or DENIED."""
        if token:
            caller = self._signer.verify(token)
        elif Role.PUBLIC in method.roles:
            caller = self._anybody
        else:
            raise Fault(FaultKind.UNAUTHENTICATED, "CALLER_TOKEN_MISSING")
        if caller.role not in method.roles and Role.PUBLIC not in method.roles:
            raise Fault(FaultKind.DENIED, "ROLE_NOT_ALLOWED", {"role": caller.role.value, "method": method.full_name})
        if caller.role is Role.SERVICE and method.callers and caller.subject not in method.callers:
            raise denied("CALLER_NOT_ALLOWED", caller=caller.subject, method=method.full_name)
        if method.sandbox_only and not (self._sandbox and caller.sandbox):
            raise Fault(FaultKind.DENIED, "SANDBOX_ONLY", {"what": method.full_name})
        return caller

    def admit(
        self,
        method: MethodContract,
        request: Any,
        *,
        token: str,
        day: str | date | None = None,
        deadline: datetime | None = None,
        violations: Sequence[Violation] | None = None,
        sender: Caller | None = None,
    ) -> CallContext:
        """The context of an admitted call, else a Fault. `violations` are given where the message was checked already.

        An item of a batch brings the token that its `sender` made for it: one made by another member is refused.
        """
        context = self.context(method, token, day, deadline, sender)
        self.check(method, context.caller, request, self.violations(request) if violations is None else violations)
        return context

    def context(
        self,
        method: MethodContract,
        token: str,
        day: str | date | None = None,
        deadline: datetime | None = None,
        sender: Caller | None = None,
    ) -> CallContext:
        """What `admit` says of a call before its message is looked at."""
        if deadline is not None and deadline <= wire_time():
            raise Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED")
        caller = self.caller(method, token)
        if token and sender is not None and (caller.via, caller.cell) != (sender.via, sender.cell):
            raise denied("CALLER_TOKEN_FORWARDED", caller=caller.via, sender=sender.via)
        business_date = self._business_date(caller, day) if day else None
        return CallContext(caller, method.path, deadline, business_date, on_business_date(self._clock(), business_date))

    def renewed(self, opened: CallContext, method: MethodContract, seconds: float) -> CallContext:
        """The context of a further message of somebody who was admitted: it is decided now, within so many seconds."""
        now = on_business_date(self._clock(), opened.business_date)
        return replace(opened, method=method.path, deadline=wire_time() + timedelta(seconds=seconds), now=now)

    def check(self, method: MethodContract, caller: Caller, request: Any, broken: Sequence[Violation]) -> None:
        """Raises the Fault of a message whose rules are broken, or which does not name its caller."""
        if not broken and _is_blank(request):
            broken = [Violation("request_id", _REQUIRED, "must not be blank")]
        if broken:
            raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)
        binding = method.bindings.get(caller.role)
        if binding is not None and (binding.get(request) != caller.subject or self._is_foreign(caller)):
            raise Fault(FaultKind.DENIED, "CALLER_NOT_BOUND", {"field": binding.field})

    def violations(self, request: Any, most: int = MOST_VIOLATIONS) -> Violations:
        """The broken fields of a message, by the rules in the protos; the character NUL breaks any text.

        A list that is too long is told alone: nothing is looked at row by row behind it. Of a large message only so many
        rows are looked at, from the first broken one on, as can break some thousand rules.
        """
        broken = Violations(most)
        too_long = shape_of(request.DESCRIPTOR).too_long(request)
        if too_long is not None:
            broken.add(too_long)
            return broken
        first = self._validator.collect_violations(request, fail_fast=True)
        if first:
            window = window_of(request, next(_told(first[0], request)).path, _MOST_LOOKED_AT)
            broken.open_ended = not window.whole
            for each in self._validator.collect_violations(window.part):
                if not broken.full():
                    for found in _told(each, request):
                        broken.add(replace(found, path=window.path(found.path)))
        if _holds_nul(request):
            for found in _nuls(request):
                broken.add(found)
        return broken

    def batch_violations(self, request: Message, items: str) -> tuple[Violations, dict[int, Violations]]:
        """Broken fields of a batch request, checked in one go: those of the batch itself, and those of each item.

        The paths of an item's violations begin inside its `request`, as if it had come alone.
        """
        own, by_item = Violations(), dict[int, Violations]()
        too_long = shape_of(request.DESCRIPTOR).own_too_long(request)
        if too_long is not None:
            own.add(too_long)
            return own, by_item
        refused = self._overlong_items(getattr(request, items))
        for each in self._validator.collect_violations(request):
            proto = each.proto
            elements = list(proto.field.elements) if proto.field else []
            if len(elements) > 1 and elements[0].field_name == items and elements[0].subscript:
                place = int(elements[0].subscript.value)
                above = 2 if elements[1].field_name == "request" else 1
                row = by_item.setdefault(place, Violations())
                if place not in refused and not row.full():
                    for found in _told(each, request, above):
                        row.add(found)
            elif not own.full():
                for found in _told(each, request):
                    own.add(found)
        if _holds_nul(request):
            for place, row in enumerate(getattr(request, items)):
                for nul in _nuls(row.request):
                    by_item.setdefault(place, Violations()).add(nul)
        for place, found in refused.items():
            by_item[place] = Violations()
            by_item[place].add(found)
        return own, by_item

    def _overlong_items(self, rows: Sequence[Any]) -> dict[int, Violation]:
        """Items with a list that is too long; they are emptied, so that nobody looks at its rows."""
        refused: dict[int, Violation] = {}
        for place, row in enumerate(rows):
            shape = shape_of(row.request.DESCRIPTOR)
            if shape.limited and (found := shape.too_long(row.request)) is not None:
                refused[place] = found
                row.request.Clear()
        return refused

    def _business_date(self, caller: Caller, day: str | date) -> date:
        if not (self._sandbox and caller.sandbox):
            raise Fault(FaultKind.DENIED, "SANDBOX_ONLY", {"what": BUSINESS_DATE_KEY})
        found = business_day(day) if isinstance(day, str) else day
        if found is None:
            broken = Violation(BUSINESS_DATE_KEY, "header.date", "must be a day as yyyy-MM-dd")
        elif not is_business_day(found):
            told = f"must be a day from {FIRST_BUSINESS_DAY} to {LAST_BUSINESS_DAY}"
            broken = Violation(BUSINESS_DATE_KEY, "header.date_range", told)
        else:
            return found
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[broken])


def _told(found: Any, request: Message, above: int = 0) -> Iterator[Violation]:
    """A broken rule as it is told, its path without the first so many steps. A group of which one is required is told as each of
    its fields: those a client can write, the group's name it cannot.
    """
    proto = found.proto
    elements = list(proto.field.elements) if proto.field else []
    group = _group(request, elements) if proto.rule_id == _REQUIRED else None
    if group is None:
        yield _violation(found, elements[above:])
        return
    owner = _path(elements[above:-1])
    for each in group.fields:
        path = f"{owner}.{each.name}" if owner else each.name
        yield Violation(path, _ONE_REQUIRED, rule_text(_ONE_REQUIRED, {}, "en"))


def _group(request: Message, elements: Sequence[Any]) -> OneofDescriptor | None:
    """The group that a path ends with, None where it ends with a field."""
    owner: Any = request.DESCRIPTOR
    for element in elements[:-1]:
        owner = owner.fields_by_name[element.field_name].message_type
        if owner is None or owner.GetOptions().map_entry:
            return None
    return owner.oneofs_by_name.get(elements[-1].field_name) if elements else None


def _violation(found: Any, elements: Sequence[Any]) -> Violation:
    proto = found.proto
    path, rule = _path(elements), proto.rule_id or ""
    if rule.startswith(_OF_TEXT) and isinstance(found.field_value, str) and not found.field_value.strip():
        # A form asks for something, and nothing is there: that is what its sender has to know.
        return Violation(path, rule, rule_text(_REQUIRED, {}, "en"), chinese=rule_text(_REQUIRED, {}, "zh"))
    values = rule_values(path, rule, found.rule_value, proto.message or "")
    return Violation(path, rule, rule_text(rule, values, "en", proto.message or ""), values)


def _is_blank(request: Any) -> bool:
    """Whether a request id is nothing but blanks: many requests would share it."""
    request_id: str = getattr(request, "request_id", "")
    return request_id.isspace()


def _holds_nul(message: Message) -> bool:
    """Whether a text may hold NUL, which PostgreSQL keeps in none: few other bytes of a message are zero, and serialising
    costs less than looking.
    """
    return b"\0" in message.SerializeToString()


def _nuls(message: Message, prefix: str = "") -> list[Violation]:
    """A violation for each text with NUL, wherever it stands but in lists whose elements the member judges."""
    broken: list[Violation] = []
    for field, value in message.ListFields():
        kind = type(value)
        # Told by its class: of a field's descriptor each question costs more.
        if (kind is str and "\0" not in value) or kind in _NO_TEXT:
            continue
        if field.type not in _HOLDING_TEXT or is_judged(field):
            continue
        path = f"{prefix}{field.name}"
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            parts = [(f"{path}[]", part) for entry in value.items() for part in entry]
        elif field.is_repeated:
            parts = [(f"{path}[{place}]", each) for place, each in enumerate(value)]
        else:
            parts = [(path, value)]
        for place, part in parts:
            if isinstance(part, Message):
                broken += _nuls(part, f"{place}.")
            elif isinstance(part, str) and "\0" in part:
                broken.append(Violation(place, "text.nul", "must not hold the character NUL"))
    return broken


def _path(elements: Sequence[Any]) -> str:
    """`lines[3].cnt`; the key of a map is left out, for it may be anybody's data."""
    steps: list[str] = []
    for element in elements:
        subscript = element.subscript
        index = f"[{subscript.value}]" if subscript and subscript.field == "index" else "[]" if subscript else ""
        steps.append(f"{element.field_name}{index}")
    return ".".join(steps)
