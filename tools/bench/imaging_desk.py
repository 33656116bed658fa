"""A reader's desk as searches are measured at it: a mesh with an index of as many studies as are asked for, people of whom some
let the desk's doctor read, the doctor's sessions with one of them each, and the session of an institution with its own list.

On SQLite the people are insured in another cell than the one in which is read; on PostgreSQL there is one cell.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import grpc

from services.imaging.domain.studies import KeptStudy
from services.imaging.store.unit import ImagingStore
from services.runtime.call import Caller, Role
from services.runtime.db import Database
from tools.bench import imaging_made, imaging_size, imaging_upload
from tools.bench.books import PostgresBooks, SqliteBooks
from tools.bench.cells_subject import two_cells
from tools.bench.subject import SQLITE, Choice, Subject, started
from tools.played.people import person, person_record
from yibao.identity.v1 import consent_pb2, person_pb2
from yibao.imaging.v1 import entry_pb2, node_pb2, reader_pb2, upload_pb2

READS_AT: Final = "H99000000150"
OWN: Final = "H99000000199"
"""The institution with a list of most studies."""
ELSEWHERE: Final = "H99000000101"
STUDIES_OF: Final = 3
"""Studies of a person."""
PEOPLE: Final = 20
"""Those who let the doctor read."""
_FIRST_PERSON: Final = 2_000
_NODE: Final = 1
_SEQ: Final = 0xFFFFFFFF
_BATCH: Final = 5_000
_OTHERS: Final = 10
"""One study in so many is another institution's."""
_KNOWN_WITHIN_S: Final = 60.0
_DOCTOR: Final = Caller(Role.INSTITUTION, READS_AT, sandbox=True)
_LISTS: Final = Caller(Role.INSTITUTION, OWN, sandbox=True)
_READERS: Final = "yibao.imaging.v1.ReaderService"


@dataclass(frozen=True, slots=True)
class Sitting:
    """A doctor's session: its token, and one person with the study that was told first."""

    token: str
    patient_id: str
    study_uid: str


@dataclass(slots=True)
class Desk:
    """The mesh, its sessions, and what the index holds: studies in all, of them in the own list, one of that list by its UID and
    accession number, and the UID of one that no session may see.
    """

    subject: Subject
    home: Subject
    index: str
    sittings: Sequence[Sitting] = ()
    own_token: str = ""
    stored: int = 0
    listed: int = 0
    own_uid: str = ""
    own_accession: str = ""
    foreign_uid: str = ""

    def prepare(self) -> None:
        """Registers people and the node, uploads the studies of those who let the doctor read, and opens the sessions."""
        node = imaging_upload.registered(self.subject, _NODE)
        numbers = range(_FIRST_PERSON, _FIRST_PERSON + PEOPLE)
        request = person_pb2.RegisterPersonsRequest(
            request_id="bench-read", persons=[person_record(person(each)) for each in numbers]
        )
        self.home.call("yibao.identity.v1.PersonService.RegisterPersons", request)
        entries = list(_entries(numbers))
        upload = upload_pb2.UploadEntriesRequest(node_no=node.node_no, entries=entries)
        imaging_upload.by_stream(node, [upload.SerializeToString()])
        self.stored = len(entries)
        self.sittings = [
            self._sitting(number, entries[place * STUDIES_OF].study_instance_uid)
            for place, number in enumerate(numbers)
        ]
        opening = reader_pb2.OpenSessionRequest(fixmedins_code=OWN, own=True)
        self.own_token = self.subject.call(f"{_READERS}.OpenSession", opening, _LISTS).session_token
        self.heard()

    def heard(self) -> None:
        """The node says that it is there: of one that is away, further places are looked up."""
        node = imaging_made.node_of(_NODE).node_no
        told = node_pb2.HeartbeatRequest(node_no=node, retrieving=True, last_seq=PEOPLE * STUDIES_OF)
        self.subject.call("yibao.imaging.v1.NodeService.Heartbeat", told, Caller(Role.NODE, node, sandbox=True))

    def fill(self, count: int) -> None:
        """Writes studies by the store's own rows until there are so many, with all that an upload writes beside them."""
        asyncio.run(self._fill(count))
        books = SqliteBooks(Path(self.index.removeprefix("sqlite:///")))
        (books if self.index.startswith(SQLITE) else PostgresBooks(self.index)).settle_down()
        self.heard()

    async def _fill(self, count: int) -> None:
        database = Database(self.index.replace("postgresql://", "postgresql+asyncpg://"), lambda: datetime.now(UTC))
        store = ImagingStore(database)
        try:
            async with store.read() as work:
                node = await work.nodes.find(imaging_made.node_of(_NODE).node_no)
            assert node is not None, "the desk's node is registered"
            made = imaging_made.kept_studies(_NODE, node.ref, self.stored + 1, count - self.stored)
            while batch := list(islice(made, _BATCH)):
                kept = [_of_somebody(each) for each, _ in batch]
                await imaging_size.keep(store, node.ref, kept, {each.ref: series for each, series in batch})
                self._count(kept)
        finally:
            await database.close()

    def _count(self, kept: Sequence[KeptStudy]) -> None:
        self.stored += len(kept)
        for each in kept:
            if each.study is not None and each.study.fixmedins_code == OWN:
                self.listed += 1
                self.own_uid, self.own_accession = each.uid, each.study.accession_no
            else:
                self.foreign_uid = each.uid

    def _sitting(self, number: int, study_uid: str) -> Sitting:
        psn_no = person(number).psn_no
        granting = consent_pb2.GrantAccessRequest(
            request_id=f"bench-grant-{number}", psn_no=psn_no, reader_code=READS_AT, days=30
        )
        oneself = Caller(Role.PERSON, psn_no, sandbox=True)
        self.home.call("yibao.identity.v1.ConsentService.GrantAccess", granting, oneself)
        opening = reader_pb2.OpenSessionRequest(fixmedins_code=READS_AT, dr_codg="D990000000001")
        token = self.subject.call(f"{_READERS}.OpenSession", opening, _DOCTOR).session_token
        return Sitting(token, self._added(token, psn_no), study_uid)

    def _added(self, token: str, psn_no: str) -> str:
        """Adds the person, once the cell of care has heard of the grant's cell."""
        until, request = (
            time.monotonic() + _KNOWN_WITHIN_S,
            reader_pb2.AddPatientRequest(session_token=token, psn_no=psn_no),
        )
        while True:
            try:
                added = self.subject.call(f"{_READERS}.AddPatient", request, _DOCTOR)
            except grpc.RpcError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)
            else:
                return str(added.patient.patient_id)


@contextmanager
def desk(choice: Choice) -> Iterator[Desk]:
    """A mesh of its own for the length of a block, the desk prepared."""
    if choice.database == SQLITE:
        with two_cells(choice) as at:
            made = Desk(at.care, at.home, at.index)
            made.prepare()
            yield made
        return
    with started(choice) as subject:
        made = Desk(subject, subject, subject.config["YIBAO_IMAGING_DATABASE_URL"])
        made.prepare()
        yield made


def _entries(numbers: Sequence[int]) -> Iterator[entry_pb2.Entry]:
    """Three studies of each person, none in the own list."""
    for place, entry in enumerate(imaging_made.entries(_NODE, 1, len(numbers) * STUDIES_OF)):
        entry.psn_no = person(numbers[place // STUDIES_OF]).psn_no
        entry.study.fixmedins_code = ELSEWHERE
        yield entry


def _of_somebody(kept: KeptStudy) -> KeptStudy:
    """One of three studies of a person whom nobody asks about, nine of ten in the own list."""
    assert kept.study is not None, "an invented study stands"
    seq = kept.ref & _SEQ
    person = hashlib.blake2b(b"somebody %d" % (seq // STUDIES_OF), digest_size=16).digest()
    code = OWN if seq % _OTHERS else ELSEWHERE
    return replace(kept, person_key=person, study=replace(kept.study, fixmedins_code=code))
