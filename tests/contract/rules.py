"""What `buf.validate` says of one field, as plain values. Only the rules that stand in the protos are understood:
another one raises, so that nobody adds a rule that no test breaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor import OneofDescriptor

from buf.validate import validate_pb2

# The stubs name two classes for a descriptor, the pure one and the compiled one; here they are one thing.
Field: TypeAlias = Any
Owner: TypeAlias = Any

_INTEGERS: Final = ("int32", "int64", "uint32", "uint64")
_KNOWN: Final = {
    "string": {"min_len", "max_len", "pattern", "in"},
    "bytes": {"max_len"},
    "enum": {"defined_only", "not_in"},
    "repeated": {"min_items", "max_items"},
    "map": {"max_pairs"},
    "timestamp": {"gte", "lt"},
} | {kind: {"gte", "lte", "gt", "lt"} for kind in _INTEGERS}
_LEAVES: Final = frozenset({"google.protobuf.Timestamp", "google.type.Date", "google.protobuf.Duration"})


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one field; None or empty where there is none. `least` and `most` of a moment are its seconds."""

    required: bool = False
    skips_empty: bool = False
    min_len: int = 0
    max_len: int | None = None
    pattern: str = ""
    one_of: tuple[str, ...] = ()
    defined_only: bool = False
    not_in: tuple[int, ...] = ()
    least: int | None = None
    most: int | None = None
    min_items: int = 0
    max_items: int | None = None
    max_pairs: int | None = None

    @property
    def needs_value(self) -> bool:
        """True where the empty value breaks the rules."""
        if self.required:
            return True
        if self.skips_empty:
            return False
        texts = self.min_len > 0 or bool(self.pattern) or (bool(self.one_of) and "" not in self.one_of)
        return texts or 0 in self.not_in or self.min_items > 0


@lru_cache(maxsize=4096)
def rules_of(field: Field) -> Rules:
    """The rules of a field; ValueError for a rule that the generator does not know."""
    option: Any = field.GetOptions().Extensions[validate_pb2.field]
    kind = option.WhichOneof("type")
    given = {each.name: value for each, value in getattr(option, kind).ListFields()} if kind else {}
    unknown = set(given) - _KNOWN.get(kind or "", set())
    if unknown or option.cel:
        raise ValueError(
            f"{field.full_name}: teach tests/contract the rule {kind}.{', '.join(sorted(unknown)) or 'cel'}"
        )
    common = {"required": option.required, "skips_empty": option.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE}
    if kind == "string":
        limits = {name: given[name] for name in ("min_len", "max_len", "pattern") if name in given}
        return Rules(**common, **limits, one_of=tuple(given.get("in", ())))
    if kind == "enum":
        return Rules(**common, defined_only=given.get("defined_only", False), not_in=tuple(given.get("not_in", ())))
    if kind in _INTEGERS:
        least = given.get("gte", given["gt"] + 1 if "gt" in given else None)
        most = given.get("lte", given["lt"] - 1 if "lt" in given else None)
        return Rules(**common, least=least, most=most)
    if kind == "timestamp":
        return Rules(**common, least=given["gte"].seconds, most=given["lt"].seconds - 1)
    return Rules(**common, **given)


def oneofs_of(owner: Owner) -> list[OneofDescriptor]:
    """The real oneofs of a message: an `optional` field is none."""
    return [each for each in owner.oneofs if not (len(each.fields) == 1 and each.name == f"_{each.fields[0].name}")]


def oneof_required(oneof: OneofDescriptor) -> bool:
    """True where one member must be set."""
    return bool(oneof.GetOptions().Extensions[validate_pb2.oneof].required)


def in_oneof(field: Field) -> bool:
    """True for a member of a real oneof."""
    oneof = field.containing_oneof
    return oneof is not None and oneof in oneofs_of(field.containing_type)


def is_map(field: Field) -> bool:
    """True for a map field."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def is_leaf(field: Field) -> bool:
    """True for what is one value: a scalar, an enum, a moment or a day."""
    return field.message_type is None or field.message_type.full_name in _LEAVES
