"""The rows of seed files as messages, each with the file and line where it stands.

A file is read row by row and never kept whole: what stays of a row is its message in its wire form and its place. A bad file
is refused with every bad row, by file, line and field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import Message

from services.kernel.errors import Fault, Violation
from services.runtime.documents.csv_rows import read_csv
from services.runtime.documents.faults import MAX_BYTES, MAX_VIOLATIONS, document_invalid
from services.runtime.documents.files import read_document
from services.runtime.documents.yaml_values import YamlRow, yaml_rows
from tools.cli.records import message_of
from yibao.catalogue.v1 import records_pb2
from yibao.identity.v1 import api_key_pb2, partner_pb2, person_pb2
from yibao.settlement.v1 import ledger_pb2


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of row: its message, and for a catalogue record the field of `Record` that holds it."""

    message: type[Message]
    record: str = ""


KINDS: Final[Mapping[str, Kind]] = {
    "divisions": Kind(records_pb2.Division, "division"),
    "institutions": Kind(records_pb2.Institution, "institution"),
    "items": Kind(records_pb2.Item, "item"),
    "price_ceilings": Kind(records_pb2.PriceCeiling, "price_ceiling"),
    "selfpay_ratios": Kind(records_pb2.SelfpayRatio, "selfpay_ratio"),
    "terms": Kind(records_pb2.Term, "term"),
    "diagnoses": Kind(records_pb2.Term, "term"),
    "operations": Kind(records_pb2.Term, "term"),
    "diseases": Kind(records_pb2.Disease, "disease"),
    "local_med_types": Kind(records_pb2.LocalMedType, "local_med_type"),
    "policies": Kind(records_pb2.PolicyDocument, "policy"),
    "stacks": Kind(records_pb2.PolicyStack, "stack"),
    "partners": Kind(partner_pb2.Partner),
    "api_keys": Kind(api_key_pb2.IssueApiKeyRequest),
    "persons": Kind(person_pb2.PersonRecord),
    "ledgers": Kind(ledger_pb2.LedgerOpening),
}
"""In the order in which they are loaded: what is named stands before what names it."""

_LINE: Final = re.compile(r"line \d+")
STANDARDS: Final[Mapping[str, str]] = {"diagnoses": "diagnosis_icd10", "operations": "operation_icd9cm3"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class SeedRow:
    """A row: its message in wire form, and where it stands."""

    message: bytes
    place: Place


@dataclass(slots=True)
class SeedRows:
    """The rows of some files by kind, in the order of the files."""

    by_kind: dict[str, list[SeedRow]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def add(self, file: Path) -> None:
        """Reads a file; DOCUMENT_INVALID with every violation, and then none of its rows is kept."""
        found: list[tuple[str, SeedRow]] = []
        violations: list[Violation] = []
        try:
            for kind, value, where, line in _pieces(file):
                try:
                    message = _message(kind, value, where, line, file)
                except Fault as fault:
                    violations.extend(fault.violations)
                    if len(violations) >= MAX_VIOLATIONS:
                        break
                    continue
                found.append((kind, SeedRow(message.SerializeToString(deterministic=True), Place(file.name, line))))
        except Fault as fault:
            # What a row's own message says of a cell is more to the point than what the reader says.
            told = {each.path.partition(": ")[2] or each.path for each in violations}
            violations.extend(_with_line(each) for each in fault.violations if each.path not in told)
        if violations:
            raise document_invalid(violations, file.name)
        for kind, row in found:
            self.by_kind[kind].append(row)

    def messages(self, kind: str, rows: list[SeedRow]) -> list[Any]:
        """Some rows of a kind as messages again."""
        return [KINDS[kind].message.FromString(row.message) for row in rows]


def _with_line(violation: Violation) -> Violation:
    """A reader's violation with its line before the path, as those of rows have it."""
    line, colon, text = violation.description.partition(": ")
    if not (colon and violation.path and _LINE.fullmatch(line)):
        return violation
    return replace(violation, path=f"{line}: {violation.path}", description=text)


def _pieces(file: Path) -> Iterator[tuple[str, object, str, int]]:
    """Kind, value, path and line of each row of a file; line 0 where the reader tells none."""
    if file.suffix == ".csv":
        if file.stem not in KINDS:
            raise document_invalid(
                [Violation("", "name", f"a CSV file is named after {_known()}", {"known": _known()})], file.name
            )
        for row in read_csv(file.read_bytes(), (), _columns(KINDS[file.stem].message), file.name):
            yield file.stem, row.cells, "", row.line
        return
    if file.suffix in (".yaml", ".yml"):
        yield from _yaml_pieces(file)
        return
    document = read_document(file)
    if not isinstance(document, dict):
        raise _no_map(file)
    if _is_policy(document):
        yield "policies", document, "", 0
        return
    for kind, rows in document.items():
        _check_kind(kind, rows, file)
        for place, each in enumerate(rows):
            yield kind, each, f"{kind}[{place}]", 0


def _yaml_pieces(file: Path) -> Iterator[tuple[str, object, str, int]]:
    """Lists of rows; or a policy, whose keys are no kinds: it is one row, and read whole."""
    first = True
    for piece in yaml_rows(file.read_bytes(), file.name):
        key = piece.key if isinstance(piece, YamlRow) else piece[0]
        if not key:
            raise _no_map(file)
        if first and key not in KINDS and (policy := _policy_in(file)) is not None:
            yield "policies", policy, "", 1
            return
        first = False
        if isinstance(piece, YamlRow):
            _check_kind(key, [], file)
            yield key, piece.value, f"{key}[{piece.place}]", piece.line
        else:
            _check_kind(key, piece[1], file)


def _policy_in(file: Path) -> object:
    """The policy that a file is, its keys in whatever order; None where it is none."""
    document = read_document(file) if file.stat().st_size <= MAX_BYTES else None
    return document if isinstance(document, dict) and _is_policy(document) else None


def _is_policy(document: Mapping[str, object]) -> bool:
    return str(document.get("schema", "")).startswith("hsa.policy/")


def _no_map(file: Path) -> Fault:
    return document_invalid([Violation("", "map", f"lists under the names {_known()}")], file.name)


def _check_kind(kind: str, rows: object, file: Path) -> None:
    if kind not in KINDS:
        raise document_invalid([Violation(kind, "unknown_key", f"known: {_known()}", {"known": _known()})], file.name)
    if not isinstance(rows, list):
        raise document_invalid([Violation(kind, "list", "a list of rows")], file.name)


def _columns(kind: type[Message]) -> list[str]:
    """Columns that a CSV of a message may have: its fields, and those of a part that holds days."""
    names = [each.name for each in kind.DESCRIPTOR.fields]
    days = records_pb2.Validity.DESCRIPTOR.fields if "validity" in names else []
    return [*names, *(each.name for each in days)]


def _known() -> str:
    return ", ".join(KINDS)


def _message(kind: str, row: object, where: str, line: int, file: Path) -> Message:
    """The message of a row; a Fault whose violations name line and field."""
    if kind == "policies":
        if isinstance(row, str):
            row = read_document(file.parent / row)
        return records_pb2.PolicyDocument(document_json=json.dumps(row, ensure_ascii=False))
    at = f"line {line}" if line else ""
    if not isinstance(row, Mapping):
        raise document_invalid([Violation(_joined(at, where), "map", "a row is a map of fields")], file.name)
    fields: dict[str, Any] = {**row}
    if kind in STANDARDS:
        fields.setdefault("standard", STANDARDS[kind])
    try:
        return message_of(KINDS[kind].message, fields)
    except Fault as fault:
        found = [
            replace(each, path=_joined(at, f"{where}.{each.path}" if where else each.path)) for each in fault.violations
        ]
        raise document_invalid(found, file.name) from None


def _joined(at: str, where: str) -> str:
    return f"{at}: {where}" if at and where else at or where
