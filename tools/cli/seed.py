"""`yibao seed FILE…`: loads people, balances, institutions, items, policies and partners into a running mesh.

A file is YAML or JSON with a list under each kind that it holds, or CSV named after one kind; rows are the fields of the
messages. All files are read before anything is sent. A call is taken whole or not at all; what stands already with the same
content is left and counted as unchanged.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services import cells
from tools.cli.language import ENGLISH, Words
from tools.cli.mesh_client import MeshClient, MeshRefusal, MeshUnreachable, Said
from tools.cli.seed_rows import KINDS, SeedRow, SeedRows
from tools.cli.seeded import FILE_NAME, Note, witnesses_of
from yibao.catalogue.v1 import catalogue_pb2
from yibao.identity.v1 import partner_pb2, person_pb2
from yibao.settlement.v1 import ledger_pb2

T = TypeVar("T")

SAMPLES: Final = Path(__file__).resolve().parents[2] / "services" / "catalogue" / "samples"
SANDBOX: Final = Path(__file__).resolve().parents[1] / "sandbox"
SUFFIXES: Final = (".csv", ".json", ".yaml", ".yml")
RECORDS_A_CALL, PERSONS_A_CALL = 1000, 500

# The place of a row in a request, as a refusal names it.
_ROW: Final = re.compile(r"\b(?:records|persons|openings)\[(\d+)\]")

# What refuses a caller, whatever the rows are.
NOT_OF_ROWS: Final = frozenset(
    {"AUTHENTICATION_MISSING", "AUTHENTICATION_FAILED", "API_KEY_UNKNOWN", "ROLE_NOT_ALLOWED", "TOO_MANY_FAILURES"}
)

Advance = Callable[[int], None]


@dataclass(slots=True)
class Loaded:
    """How many rows of each kind were new, and how many stood already."""

    new: dict[str, int] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str, new: int, unchanged: int) -> None:
        """Adds what one call answered."""
        self.new[kind] = self.new.get(kind, 0) + new
        self.unchanged[kind] = self.unchanged.get(kind, 0) + unchanged

    def add(self, other: Loaded) -> None:
        """Adds what another load counted."""
        for kind in {**other.new, **other.unchanged}:
            self.count(kind, other.new.get(kind, 0), other.unchanged.get(kind, 0))

    def __str__(self) -> str:
        return self.told(ENGLISH)

    def told(self, words: Words) -> str:
        """The counts in a language."""
        new, unchanged = (_told(counts, words) for counts in (self.new, self.unchanged))
        return words("loaded {new}; unchanged {unchanged}", new=new, unchanged=unchanged)


def _told(counts: dict[str, int], words: Words) -> str:
    separator = "、" if words.language == "zh" else ", "
    return separator.join(f"{count} {words(kind)}" for kind, count in counts.items() if count) or "0"


class Seeding:
    """One run. With a note, a request that was sent in an earlier run is left as answered then, whatever changed since."""

    def __init__(self, client: MeshClient, advance: Advance, note: Note | None) -> None:
        self._client = client
        self._advance = advance
        self._note = note
        self._run = secrets.token_hex(12)
        self._calls = 0
        self.loaded = Loaded()

    def load(self, rows: SeedRows) -> None:
        """Sends all rows; MeshRefusal names file and line of the row that is refused."""
        for kind, described in KINDS.items():
            if described.record:
                self._publish(kind, described.record, rows)
        self._partners(rows)
        self._api_keys(rows)
        self._persons(rows)
        self._ledgers(rows)

    def _publish(self, kind: str, record: str, rows: SeedRows) -> None:
        for chunk in _chunks(rows.by_kind[kind], RECORDS_A_CALL):
            records = [catalogue_pb2.Record(**{record: row}) for row in rows.messages(kind, chunk)]
            request = catalogue_pb2.PublishRequest(records=records)
            if answer := self._call(kind, "yibao.catalogue.v1.CatalogueService.Publish", request, chunk):
                self.loaded.count(kind, answer.published_count, answer.unchanged_count)

    def _partners(self, rows: SeedRows) -> None:
        for row in rows.by_kind["partners"]:
            (partner,) = rows.messages("partners", [row])
            request = partner_pb2.RegisterPartnerRequest(partner=partner)
            if answer := self._call("partners", "yibao.identity.v1.PartnerService.RegisterPartner", request, [row]):
                self.loaded.count("partners", not answer.unchanged, answer.unchanged)

    def _api_keys(self, rows: SeedRows) -> None:
        for row in rows.by_kind["api_keys"]:
            (request,) = rows.messages("api_keys", [row])
            if answer := self._call("api_keys", "yibao.identity.v1.PartnerService.IssueApiKey", request, [row]):
                self.loaded.count("api_keys", not answer.unchanged, answer.unchanged)

    def _persons(self, rows: SeedRows) -> None:
        """Owners of accounts first: who may use another's account names that other."""

        def uses_another(row: SeedRow) -> bool:
            return bool(person_pb2.PersonRecord.FromString(row.message).family_links)

        for chunk in _chunks(sorted(rows.by_kind["persons"], key=uses_another), PERSONS_A_CALL):
            request = person_pb2.RegisterPersonsRequest(persons=rows.messages("persons", chunk))
            if answer := self._call("persons", "yibao.identity.v1.PersonService.RegisterPersons", request, chunk):
                self.loaded.count("persons", answer.registered_count, answer.unchanged_count)

    def _ledgers(self, rows: SeedRows) -> None:
        for chunk in _chunks(rows.by_kind["ledgers"], PERSONS_A_CALL):
            request = ledger_pb2.OpenLedgerRequest(openings=rows.messages("ledgers", chunk))
            if answer := self._call("ledgers", "yibao.settlement.v1.LedgerService.OpenLedger", request, chunk):
                self.loaded.count("ledgers", answer.opened_count, answer.unchanged_count)

    def _call(self, kind: str, method: str, request: Any, rows: Sequence[SeedRow]) -> Any:
        """The answer; None where the note knows the request, whose rows are counted here."""
        request_id = request.request_id = self._request_id(request)
        if self._note and self._note.knows(method, request_id):
            self.loaded.count(kind, 0, len(rows))
            self._advance(len(rows))
            return None
        try:
            answer = self._client.call(method, request)
        except MeshRefusal as refusal:
            raise _placed(refusal, rows) from None
        if self._note:
            self._note.add(request_id)
        self._advance(len(rows))
        return answer

    def _request_id(self, request: Any) -> str:
        """A number of this run's own: a content that comes back after another one is a request of its own."""
        if self._note:
            return "seed-" + hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()[:40]
        self._calls += 1
        return f"seed-{self._run}-{self._calls}"


def load(
    client: MeshClient,
    files: Sequence[Path],
    *,
    note: Note | None = None,
    quiet: bool = True,
    broken: Callable[[Loaded], None] | None = None,
) -> Loaded:
    """Reads the files, then loads them. Raises a Fault for a bad file, MeshRefusal where the mesh refuses.

    `broken` is told what had been loaded where the mesh refuses or is gone.
    """
    rows = SeedRows()
    with _progress(quiet) as progress:
        reading = progress.add_task("reading", total=len(files))
        for file in files:
            rows.add(file)
            progress.advance(reading)
        total = sum(map(len, rows.by_kind.values()))
        loading = progress.add_task("loading", total=total)
        seeding = Seeding(client, lambda done: progress.advance(loading, done), note)
        try:
            seeding.load(rows)
        except (MeshRefusal, MeshUnreachable):
            if broken:
                broken(seeding.loaded)
            raise
        finally:
            if note:
                note.keep()
    return seeding.loaded


def load_samples(client: MeshClient, folder: Path | None = None) -> Loaded:
    """Loads the shipped catalogue and the people of the sandbox's cell, once for each store; `folder` keeps note of it."""
    note = Note(client, folder / FILE_NAME if folder else None)
    return load(client, [*_catalogue_files(), *sorted(SANDBOX.glob("*.yaml"))], note=note)


def _catalogue_files() -> list[Path]:
    return [*sorted(SAMPLES.glob("*.csv")), *sorted((SAMPLES / "policies").glob("*.yaml")), SAMPLES / "stacks.yaml"]


def load_cells(urls: Mapping[str, str], key: str, data_dir: Path | None = None) -> Loaded:
    """Loads the samples of every cell of a mesh through its gateway, and the catalogue, which is national, through the first;
    `key` is the operator's.
    """
    total = Loaded()
    for place, (code, url) in enumerate(urls.items()):
        with MeshClient(url, key) as client:
            if code == cells.SANDBOX:
                total.add(load_samples(client, data_dir))
                continue
            folder = data_dir / "cells" / code if data_dir else None
            if place == 0:
                total.add(load(client, _catalogue_files()))
            total.add(_load_cell(client, code, folder))
    return total


def _load_cell(client: MeshClient, code: str, folder: Path | None) -> Loaded:
    """Loads the people and institutions of a cell, once for each store."""
    files = sorted((SANDBOX / "cells" / code).glob("*.yaml"))
    rows = SeedRows()
    for file in files:
        rows.add(file)
    partner, *_ = rows.messages("partners", rows.by_kind["partners"])
    opening = next(each for each in rows.messages("ledgers", rows.by_kind["ledgers"]) if each.accumulators)
    witnesses = witnesses_of(partner.partner_code, opening)
    return load(client, files, note=Note(client, folder / FILE_NAME if folder else None, witnesses))


def _progress(quiet: bool) -> Progress:
    """A bar on the error output, where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=quiet or not console.is_terminal)


def _placed(refusal: MeshRefusal, rows: Sequence[SeedRow]) -> MeshRefusal:
    """The refusal with the file and line of each row that it names, or of the only one that was sent."""

    def place(text: str) -> str:
        named = _ROW.search(text)
        if named is None or int(named[1]) >= len(rows):
            return f"{rows[0].place}: {text}" if len(rows) == 1 else text
        return f"{rows[int(named[1])].place}: {text}"

    def told(said: Said, whole: str) -> Said:
        fields = tuple(place(each) for each in said.fields)
        span = f"{rows[0].place}" if len(rows) == 1 else f"{rows[0].place} – {rows[-1].place}"
        return Said(said.text, fields or (f"{span}: {whole}",))

    if refusal.reason in NOT_OF_ROWS:
        return refusal
    english = told(refusal.english, "these rows were refused together")
    return MeshRefusal(refusal.reason, english, told(refusal.chinese, "这些行一并被拒绝"))


def _chunks(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    source = iter(rows)
    while chunk := list(islice(source, size)):
        yield chunk


def _within(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.suffix in SUFFIXES)


def main(files: Sequence[Path], client: MeshClient, words: Words = ENGLISH) -> int:
    """Loads files or folders of them and prints what was loaded."""
    found = [each for file in files for each in (_within(file) if file.is_dir() else [file])]
    if not found:
        said = "nothing was loaded: there is no {suffixes} file in {folders}"
        told = {"suffixes": ", ".join(SUFFIXES), "folders": ", ".join(map(str, files))}
        print(words(said, **told), file=sys.stderr)
        return 1

    def broken(loaded: Loaded) -> None:
        print(words("until here: {counts}", counts=loaded.told(words)), file=sys.stderr)

    print(load(client, found, quiet=False, broken=broken).told(words))
    return 0
