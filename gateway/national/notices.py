"""What an answer says beside its `output`: the warnings in `warn_msg`, and answers that are failures in this envelope.

Both are read from the contract's options, once for each response message. It looks at the answer alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from services.kernel.errors import Fault, precondition
from services.runtime.contract import is_public
from services.runtime.texts.table import text_of
from yibao.options.v1 import options_pb2

_SEPARATOR: Final = "；"


@dataclass(frozen=True, slots=True)
class Notices:
    """What the fields of one response message mean beside its output, by field.

    `warnings` are reasons told where the field has a value, `failures` reasons by the value of an enum that fails.
    `numbers` are the single fields that the texts may name.
    """

    warnings: tuple[tuple[str, str], ...]
    failures: tuple[tuple[str, Mapping[int, str]], ...]
    numbers: tuple[str, ...]

    def warning(self, answer: Message) -> str:
        """`[REASON] 中文说明` of every field that warns and has a value; empty for none."""
        told = [reason for field, reason in self.warnings if getattr(answer, field)]
        if not told:
            return ""
        metadata = self._metadata(answer)
        return _SEPARATOR.join(f"[{reason}] {text_of(reason, metadata, 'zh')}" for reason in told)

    def failure(self, answer: Message) -> Fault | None:
        """The failure that the answer is, None for a success."""
        for field, reasons in self.failures:
            reason = reasons.get(getattr(answer, field))
            if reason is not None:
                return precondition(reason, **self._metadata(answer))
        return None

    def _metadata(self, answer: Message) -> dict[str, str]:
        values: dict[str, Any] = {name: getattr(answer, name) for name in self.numbers}
        return {name: str(value) for name, value in values.items() if value}


def compile_notices(response_class: type[Message]) -> Notices:
    """The notices of a response message, by its options."""
    descriptor: Descriptor = response_class.DESCRIPTOR  # type: ignore[assignment]  # upb's class, which mypy cannot see
    fields = [field for field in descriptor.fields if field.message_type is None and not field.is_repeated]
    warnings = ((field.name, field.GetOptions().Extensions[options_pb2.national].warning) for field in fields)
    failures = ((field.name, _failures(field)) for field in fields)
    return Notices(
        warnings=tuple((name, reason) for name, reason in warnings if reason),
        failures=tuple((name, reasons) for name, reasons in failures if reasons),
        numbers=tuple(field.name for field in fields if is_public(field) or field.type != FieldDescriptor.TYPE_STRING),
    )


def joined(*, since: str = "", sign_in: str = "", lenient: str = "") -> str:
    """All warnings of one answer in their fixed order: what has happened since, the sign-in, what was read leniently.

    What does not fit into `warn_msg` is cut from the end: a settlement that was taken back is told first.
    """
    return _SEPARATOR.join(each for each in (since, sign_in, lenient) if each)


def _failures(field: FieldDescriptor) -> dict[int, str]:
    values = field.enum_type.values if field.enum_type is not None else ()
    extension: Any = options_pb2.national_failure
    return {value.number: reason for value in values if (reason := value.GetOptions().Extensions[extension])}
