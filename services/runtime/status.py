"""Faults as `google.rpc.Status` and back: reason and metadata in ErrorInfo, broken fields in BadRequest, delay in RetryInfo.

What a person reads stands in LocalizedMessage, in Chinese and English; so do the texts of broken fields, which only the
member that found them can word with their values.

An exception that is no Fault becomes INTERNAL with a fresh error id and nothing else: the text of a driver or of a bug
never leaves the member.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, RetryInfo
from google.rpc.status_pb2 import Status

from services.kernel.errors import MORE_VIOLATIONS, MOST_VIOLATIONS, Fault, FaultKind, Violation
from services.runtime.texts.gateway import MORE_OPEN_RULE, MORE_RULE, RULES, next_step, rule_text, violation_text
from services.runtime.texts.table import Language, text, text_of

DOMAIN: Final = "yibao"
DETAILS_KEY: Final = "grpc-status-details-bin"
INTERNAL_ERROR: Final = "INTERNAL_ERROR"

CHINESE: Final = "zh-CN"
LOCALES: Final[tuple[tuple[str, Language], ...]] = ((CHINESE, "zh"), ("en-US", "en"))

MOST_BYTES: Final = 5_000
"""Of one status. Callers of gRPC take trailers of 8 KB by default, and there it stands in Base64 beside its message."""

_MSGID: Final = "msgid"
_PATH_BYTES: Final = 200
_TEXT_BYTES: Final = 400
_MESSAGE_BYTES: Final = 900

_CODES: Final = {code.name: code.value[0] for code in grpc.StatusCode}
_NAMES: Final = {number: name for name, number in _CODES.items()}
_KINDS: Final = {_CODES[kind.value]: kind for kind in FaultKind}
_BY_NUMBER: Final = {code.value[0]: code for code in grpc.StatusCode}

# What a bare code means when whoever answered sent no details: gRPC itself, or a peer that is none of ours.
_BARE_REASONS: Final = {
    "UNAVAILABLE": "PEER_UNAVAILABLE",
    "DEADLINE_EXCEEDED": "DEADLINE_EXCEEDED",
    "RESOURCE_EXHAUSTED": "TOO_MANY_CALLS",
    "UNIMPLEMENTED": "METHOD_UNSERVED",
    "CANCELLED": "DEADLINE_EXCEEDED",
}

# gRPC refuses a message over the limit before any code of ours sees it, and says so in words only.
_TOO_LARGE: Final = re.compile(r"message larger than max \(\d+ vs\. (\d+)\)")


class InternalError(Exception):
    """A bug somewhere in the mesh, known here by its error id only; the log of the member that met it tells the rest."""

    def __init__(self, error_id: str, metadata: Mapping[str, str] | None = None) -> None:
        self.error_id = error_id
        self.metadata = dict(metadata or {})
        super().__init__(f"internal error {error_id}")


class RpcRefusal(Exception):
    """A status on its way out of a served call."""

    def __init__(self, status: Status) -> None:
        self.status = status
        super().__init__(_NAMES.get(status.code, str(status.code)))


def localized(fault: Fault, number: str = "request_id") -> Iterator[tuple[str, str]]:
    """Locale and text of a refusal with its next step, in Chinese and English; `number` is what the caller knows msgid as."""
    for locale, lang in LOCALES:
        stop, end = ("。", "。") if lang == "zh" else (". ", ".")
        yield locale, f"{text(fault, lang)}{stop}{next_step(fault, lang).replace(_MSGID, number)}{end}"


def to_status(fault: Fault) -> Status:
    """The status of a fault; its message is the English text, details hold the rest.

    It never takes more than MOST_BYTES: fields beyond the twentieth are counted, long texts are cut, and where that does
    not suffice fields are left out from the end, and metadata after them.
    """
    named = [_shortened(each) for each in fault.violations[:MOST_VIOLATIONS]]
    metadata = {_cut(name, _TEXT_BYTES): _cut(value, _TEXT_BYTES) for name, value in fault.metadata.items()}
    while (status := _status(fault, named, metadata)).ByteSize() > MOST_BYTES and (named or metadata):
        if named:
            named.pop()
        else:
            metadata.popitem()
    return status


def _status(fault: Fault, named: list[Violation], metadata: Mapping[str, str]) -> Status:
    status = Status(code=_CODES[fault.kind.value], message=_message(text(fault, "en")))
    left_out = len(fault.violations) - len(named)
    told = {**metadata, MORE_VIOLATIONS: _more(metadata, left_out)} if left_out else metadata
    status.details.add().Pack(ErrorInfo(reason=_cut(fault.reason, _PATH_BYTES), domain=DOMAIN, metadata=told))
    if named:
        broken = [_field_violation(each) for each in named]
        if MORE_VIOLATIONS in told:
            broken.append(_field_violation(more_violations(told[MORE_VIOLATIONS])))
        status.details.add().Pack(BadRequest(field_violations=broken))
    if fault.retry_after_s is not None:
        delay = Duration()
        delay.FromNanoseconds(round(fault.retry_after_s * 1e9))
        status.details.add().Pack(RetryInfo(retry_delay=delay))
    for locale, said in localized(fault):
        message = LocalizedMessage(locale=locale, message=_cut(said, _MESSAGE_BYTES))
        status.details.add().Pack(message)
    return status


def more_violations(count: str) -> Violation:
    """The entry that stands for the broken fields that are not named; `count` is `480`, or `480+` for at least."""
    rule, values = (MORE_OPEN_RULE if count.endswith("+") else MORE_RULE), {"more": count.rstrip("+")}
    return Violation("", MORE_RULE, rule_text(rule, values, "en"), values, rule_text(rule, values, "zh"))


def _field_violation(violation: Violation) -> BadRequest.FieldViolation:
    told = BadRequest.FieldViolation(field=violation.path, reason=violation.rule, description=violation.description)
    if violation.rule in RULES:
        told.description = _cut(violation_text(violation, "en"), _TEXT_BYTES)
    if violation.rule in RULES or violation.chinese:
        told.localized_message.locale = CHINESE
        told.localized_message.message = _cut(violation_text(violation, "zh"), _TEXT_BYTES)
    return told


def internal_status(error_id: str, member: str = "") -> Status:
    """INTERNAL, with the id under which the member logged the cause."""
    metadata = {"error_id": error_id, "member": member} if member else {"error_id": error_id}
    status = Status(code=_CODES["INTERNAL"], message=internal_text(metadata, "en", "request_id"))
    status.details.add().Pack(ErrorInfo(reason=INTERNAL_ERROR, domain=DOMAIN, metadata=metadata))
    for locale, lang in LOCALES:
        message = LocalizedMessage(locale=locale, message=internal_text(metadata, lang, "request_id"))
        status.details.add().Pack(message)
    return status


def internal_text(metadata: Mapping[str, str], lang: Language, number: str = _MSGID) -> str:
    """What is told of a bug: its error id and what to do; `number` is what the caller knows msgid as."""
    return text_of(INTERNAL_ERROR, metadata, lang).replace(_MSGID, number)


def from_status(status: Status, **fallback: str) -> Fault | InternalError:
    """The fault that a status stands for, or InternalError; `fallback` is the metadata of a status without details."""
    info, violations, retry_after_s = _details(status)
    kind = _KINDS.get(status.code)
    if kind is None and status.code == _CODES["CANCELLED"]:
        kind = FaultKind.DEADLINE
    if kind is None:
        metadata = dict(info.metadata) if info else dict(fallback)
        return InternalError(metadata.get("error_id", ""), metadata)
    if info is None:
        return Fault(kind, _BARE_REASONS.get(_NAMES[status.code], kind.value), fallback, retry_after_s=retry_after_s)
    return Fault(kind, info.reason, dict(info.metadata), violations=violations, retry_after_s=retry_after_s)


def code_name(status: Status) -> str:
    """Canonical name of the status code, `NOT_FOUND`."""
    return _NAMES.get(status.code, "UNKNOWN")


def reason_of(status: Status) -> str:
    """The reason in the status's ErrorInfo, or the code's name where it has none."""
    info, _, _ = _details(status)
    return info.reason if info else code_name(status)


def grpc_code(status: Status) -> grpc.StatusCode:
    """The status code as gRPC's own enum."""
    return _BY_NUMBER.get(status.code, grpc.StatusCode.UNKNOWN)


def to_rpc_error(error: Fault | Status) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """Code, message and trailing metadata, as `ServicerContext.abort` wants them."""
    status = error if isinstance(error, Status) else to_status(error)
    return grpc_code(status), status.message, ((DETAILS_KEY, status.SerializeToString()),)


def from_rpc_error(error: grpc.aio.AioRpcError, member: str) -> Fault | InternalError:
    """The fault behind a failed call to `member`, whoever refused it: the member, gRPC or the network."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            return from_status(Status.FromString(value), member=member)
    if too_large := _TOO_LARGE.search(error.details() or ""):
        return Fault(FaultKind.EXHAUSTED, "MESSAGE_TOO_LARGE", {"limit_bytes": too_large[1]})
    return from_status(Status(code=error.code().value[0]), member=member)


def _more(metadata: Mapping[str, str], left_out: int) -> str:
    """How many broken fields are not named, with those that were left out now."""
    count, open_ended, _ = metadata.get(MORE_VIOLATIONS, "").partition("+")
    return f"{left_out + (int(count) if count.isdigit() else 0)}{open_ended}"


def _shortened(violation: Violation) -> Violation:
    return replace(
        violation,
        path=_cut(violation.path, _PATH_BYTES),
        rule=_cut(violation.rule, _PATH_BYTES),
        description=_cut(violation.description, _TEXT_BYTES),
    )


def _cut(text: str, most: int) -> str:
    """A text of at most so many bytes."""
    return text if len(text) * 4 <= most else _cut_bytes(text.encode("utf-8", "replace"), most)


def _cut_bytes(encoded: bytes, most: int) -> str:
    if len(encoded) <= most:
        return encoded.decode()
    return encoded[: most - 3].decode("utf-8", "ignore") + "…"


def _message(text: str) -> str:
    """The message of a status; on the wire each byte of Chinese takes three."""
    return text if text.isascii() and len(text) <= _MESSAGE_BYTES else _cut(text, _MESSAGE_BYTES // 3)


def _details(status: Status) -> tuple[ErrorInfo | None, list[Violation], float | None]:
    """What the details say; of the same refusal, as of many items of a list, it is read once. Nobody changes it."""
    return _read_details(status.SerializeToString()) if status.details else (None, [], None)


@lru_cache(maxsize=256)
def _read_details(encoded: bytes) -> tuple[ErrorInfo | None, list[Violation], float | None]:
    status = Status.FromString(encoded)
    info: ErrorInfo | None = None
    violations: list[Violation] = []
    retry_after_s: float | None = None
    for detail in status.details:
        if detail.Is(ErrorInfo.DESCRIPTOR):
            info = ErrorInfo()
            detail.Unpack(info)
        elif detail.Is(BadRequest.DESCRIPTOR):
            broken = BadRequest()
            detail.Unpack(broken)
            # How many more there are stands in the metadata as well.
            told = (each for each in broken.field_violations if each.reason != MORE_RULE)
            violations = [
                Violation(each.field, each.reason, each.description, chinese=each.localized_message.message)
                for each in told
            ]
        elif detail.Is(RetryInfo.DESCRIPTOR):
            delay = RetryInfo()
            detail.Unpack(delay)
            retry_after_s = delay.retry_delay.ToNanoseconds() / 1e9
    return info, violations, retry_after_s
