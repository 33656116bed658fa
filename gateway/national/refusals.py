"""Refusals in the words of a hospital's operator: `[REASON] 中文说明`, the fields by their national names, the next step.

At most 200 characters, as the envelope has it; what does not fit is left out from the end, fields before the next step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from google.protobuf.descriptor import Descriptor

from gateway.http import REQUEST_TIMEOUT, is_late_body
from gateway.national.codec.plan import national_path
from gateway.national.lenience import Finding, with_guess
from gateway.observing import RequestOutcome
from services.kernel.errors import MORE_VIOLATIONS, Fault, FaultKind, Violation
from services.runtime.status import INTERNAL_ERROR, InternalError
from services.runtime.texts.bodies import BODY_RULES
from services.runtime.texts.gateway import next_step, rule_text, violation_text
from services.runtime.texts.table import text, text_of

LIMIT: Final = 200

_NATIONAL: Final = ("national.", "lenient.", "moment.")
_WARNED: Final = 3
_UNKNOWN_OUTCOME: Final = {FaultKind.UNAVAILABLE: 503, FaultKind.DEADLINE: 504}


def refusal(error: Fault | InternalError, request: Descriptor | None) -> str:
    """What stands in `err_msg`; `request` is the message whose field paths the violations name."""
    if isinstance(error, InternalError):
        return f"[{INTERNAL_ERROR}] {text_of(INTERNAL_ERROR, {'error_id': error.error_id}, 'zh')}"[:LIMIT]
    said = f"[{error.reason}] {text(error, 'zh')}"
    step = f"。{next_step(error, 'zh')}"
    fields = [_field(violation, request) for violation in error.violations]
    shown = _fitted(fields, LIMIT - len(said) - len(step), *_more(error))
    return (said + shown + step if len(said) + len(shown) + len(step) <= LIMIT else said)[:LIMIT]


def outcome_of(error: Fault | InternalError) -> RequestOutcome:
    """What a refusal is to HTTP and to whoever watches: 200, but where it is not known what came of the request."""
    if isinstance(error, InternalError):
        return RequestOutcome(500, -1, "INTERNAL", "INTERNAL_ERROR", error.error_id)
    status = REQUEST_TIMEOUT if is_late_body(error) else _UNKNOWN_OUTCOME.get(error.kind, 200)
    return RequestOutcome(status, -1, error.kind.value, error.reason)


def lenient_warning(found: Sequence[Finding], room: int) -> str:
    """What stands in `warn_msg` of a message that is lenient: three of the findings, and how many there are."""
    if not found:
        return ""
    head = f"[LENIENT] 共{len(found)}处与规范不符"
    told = [with_guess(each) for each in found[:_WARNED]]
    fields = [(each.path, rule_text(each.rule, each.values, "zh")) for each in told]
    return (head + _fitted(fields, room - len(head), 0))[: max(room, 0)]


def _field(violation: Violation, request: Descriptor | None) -> tuple[str, str]:
    """Path and text. Paths of codec and body are the client's own already; those of members are the contract's."""
    own = violation.rule.startswith(_NATIONAL) or violation.rule in BODY_RULES
    path = violation.path if own or request is None else national_path(request, violation.path)
    return path, violation_text(violation, "zh")


def _more(fault: Fault) -> tuple[int, bool]:
    """Broken fields that a fault counts without naming them, and whether counting stopped there."""
    told = fault.metadata.get(MORE_VIOLATIONS, "0")
    return int(told.rstrip("+") or "0"), told.endswith("+")


def _fitted(fields: list[tuple[str, str]], room: int, more: int, open_ended: bool = False) -> str:
    """Every path, and as many of their texts as there is room for; where not even the paths fit, their number."""
    total = len(fields) + more
    left_out = f"；等{'至少' if open_ended else ''}{total}处"
    shown = [path for path, _ in fields]
    while shown and len(_joined(shown, total, left_out)) > room:
        shown.pop()
    for index in range(len(shown)):
        longer = [*shown[:index], " ".join(fields[index]).strip(), *shown[index + 1 :]]
        if len(_joined(longer, total, left_out)) <= room:
            shown = longer
    return _joined(shown, total, left_out)


def _joined(shown: list[str], total: int, left_out: str) -> str:
    if not shown:
        return ""
    return "：" + "；".join(shown) + (left_out if len(shown) < total else "")
