"""`yibao seed FILE…`: loads people, balances, institutions, items, policies and partners into a running mesh.

A file is YAML or JSON with a list under each kind that it holds, or CSV named after one kind; rows are the fields of the
messages. Everything of a call is taken or nothing, and a second run of the same file changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message

from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime.documents.csv_rows import read_csv
from services.runtime.documents.faults import document_invalid
from services.runtime.documents.files import read_document
from tools.cli.mesh_client import MeshClient
from tools.cli.records import message_of
from yibao.catalogue.v1 import catalogue_pb2, records_pb2
from yibao.identity.v1 import partner_pb2, person_pb2
from yibao.settlement.v1 import ledger_pb2

T = TypeVar("T")

SAMPLES = Path(__file__).resolve().parents[2] / "services" / "catalogue" / "samples"
SANDBOX = Path(__file__).resolve().parents[1] / "sandbox"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of row: its message, and for a catalogue record the field of `Record` that holds it."""

    message: type[Message]
    record: str = ""


KINDS: Mapping[str, Kind] = {
    "divisions": Kind(records_pb2.Division, "division"),
    "institutions": Kind(records_pb2.Institution, "institution"),
    "items": Kind(records_pb2.Item, "item"),
    "price_ceilings": Kind(records_pb2.PriceCeiling, "price_ceiling"),
    "selfpay_ratios": Kind(records_pb2.SelfpayRatio, "selfpay_ratio"),
    "terms": Kind(records_pb2.Term, "term"),
    "diagnoses": Kind(records_pb2.Term, "term"),
    "operations": Kind(records_pb2.Term, "term"),
    "diseases": Kind(records_pb2.Disease, "disease"),
    "policies": Kind(records_pb2.PolicyDocument, "policy"),
    "stacks": Kind(records_pb2.PolicyStack, "stack"),
    "partners": Kind(partner_pb2.Partner),
    "api_keys": Kind(partner_pb2.IssueApiKeyRequest),
    "persons": Kind(person_pb2.PersonRecord),
    "ledgers": Kind(ledger_pb2.LedgerOpening),
}
"""In the order in which they are loaded: what is named stands before what names it."""

STANDARDS: Mapping[str, str] = {"diagnoses": "diagnosis_icd10", "operations": "operation_icd9cm3"}
SUFFIXES = (".csv", ".json", ".yaml", ".yml")
RECORDS_A_CALL, PERSONS_A_CALL = 1000, 500


def load(client: MeshClient, files: Sequence[Path]) -> str:
    """Loads the files and says what was loaded. Raises a Fault for a bad file, MeshRefusal where the mesh refuses."""
    rows: dict[str, list[Message]] = {kind: [] for kind in KINDS}
    for file in files:
        for kind, found in read_rows(file).items():
            rows[kind].extend(found)
    counts = [f"{len(found)} {kind}" for kind, found in rows.items() if found]
    _publish(client, rows)
    _partners(client, rows)
    for persons in _chunks(rows["persons"], PERSONS_A_CALL):
        request = person_pb2.RegisterPersonsRequest(persons=persons)  # type: ignore[arg-type]
        client.call("yibao.identity.v1.PersonService.RegisterPersons", _named(request))
    for openings in _chunks(rows["ledgers"], PERSONS_A_CALL):
        ledgers = ledger_pb2.OpenLedgerRequest(openings=openings)  # type: ignore[arg-type]
        client.call("yibao.settlement.v1.LedgerService.OpenLedger", _named(ledgers))
    return ", ".join(counts) or "nothing"


def load_samples(client: MeshClient) -> str:
    """Loads the shipped catalogue and the people of the sandbox."""
    files = [*sorted(SAMPLES.glob("*.csv")), *sorted((SAMPLES / "policies").glob("*.yaml")), SAMPLES / "stacks.yaml"]
    return load(client, [*files, *sorted(SANDBOX.glob("*.yaml"))])


def read_rows(file: Path) -> dict[str, list[Message]]:
    """The rows of a file by kind; a policy file is one policy. Raises DOCUMENT_INVALID with every violation."""
    if file.suffix == ".csv":
        if file.stem not in KINDS:
            raise document_invalid([Violation("", "name", f"a CSV file is named after {_known()}")], file.name)
        cells = read_csv(file.read_bytes(), (), _columns(KINDS[file.stem].message), file.name)
        return {file.stem: [_row(file.stem, row.cells, f"line {row.line}", file) for row in cells]}
    document = read_document(file)
    if not isinstance(document, dict):
        raise document_invalid([Violation("", "map", f"lists under the names {_known()}")], file.name)
    if str(document.get("schema", "")).startswith("hsa.policy/"):
        return {"policies": [_row("policies", document, "", file)]}
    unknown = [Violation(str(name), "unknown_key", f"known: {_known()}") for name in document if name not in KINDS]
    if unknown:
        raise document_invalid(unknown, file.name)
    return {
        kind: [_row(kind, row, f"{kind}[{place}]", file) for place, row in enumerate(_list(found, kind, file))]
        for kind, found in document.items()
    }


def _columns(kind: type[Message]) -> list[str]:
    """Columns that a CSV of a message may have: its fields, and those of a part that holds days."""
    names = [field.name for field in kind.DESCRIPTOR.fields]
    days = records_pb2.Validity.DESCRIPTOR.fields if "validity" in names else []
    return [*names, *(field.name for field in days)]


def _known() -> str:
    return ", ".join(KINDS)


def _list(found: object, kind: str, file: Path) -> list[object]:
    if not isinstance(found, list):
        raise document_invalid([Violation(kind, "list", "a list of rows")], file.name)
    return found


def _row(kind: str, row: object, place: str, file: Path) -> Message:
    if kind == "policies":
        if isinstance(row, str):
            row = read_document(file.parent / row)
        return records_pb2.PolicyDocument(document_json=json.dumps(row, ensure_ascii=False))
    if not isinstance(row, Mapping):
        raise document_invalid([Violation(place, "map", "a row is a map of fields")], file.name)
    fields: dict[str, Any] = {**row}
    if kind in STANDARDS:
        fields.setdefault("standard", STANDARDS[kind])
    try:
        return message_of(KINDS[kind].message, fields)
    except Fault as fault:
        found = [Violation(f"{place}.{each.path}", each.rule, each.description) for each in fault.violations]
        raise Fault(FaultKind.INVALID, "DOCUMENT_INVALID", {"source": file.name}, violations=found) from None


def _publish(client: MeshClient, rows: Mapping[str, Sequence[Message]]) -> None:
    records = [
        catalogue_pb2.Record(**{kind.record: row})  # type: ignore[arg-type]
        for name, kind in KINDS.items()
        if kind.record
        for row in rows[name]
    ]
    for chunk in _chunks(records, RECORDS_A_CALL):
        request = _named(catalogue_pb2.PublishRequest(records=chunk))
        client.call("yibao.catalogue.v1.CatalogueService.Publish", request)


def _partners(client: MeshClient, rows: Mapping[str, Sequence[Message]]) -> None:
    for partner in rows["partners"]:
        request = partner_pb2.RegisterPartnerRequest(partner=partner)  # type: ignore[arg-type]
        client.call("yibao.identity.v1.PartnerService.RegisterPartner", _named(request))
    for row in rows["api_keys"]:
        client.call("yibao.identity.v1.PartnerService.IssueApiKey", _named(row))


def _named(request: Any) -> Any:
    """The request with an id made of its content, so that loading the same rows again is the same request."""
    request.request_id = "seed-" + hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()[:40]
    return request


def _chunks(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    source = iter(rows)
    while chunk := list(islice(source, size)):
        yield chunk


def _within(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.suffix in SUFFIXES)


def main(files: Sequence[Path], client: MeshClient) -> int:
    """Loads files or folders of them and prints what was loaded."""
    found = [each for file in files for each in (_within(file) if file.is_dir() else [file])]
    print(f"loaded {load(client, found)}")
    return 0
