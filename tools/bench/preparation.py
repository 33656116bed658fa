"""What stands ready before a run: people, accounts, and visits with fees, each as 2201, 2203 and 2204 would have left it.

Twelve visits are made through the gateway by those very messages; all others are copies of their stored rows under other
names. So a copy is what the mesh would have written, in a hundredth of the time.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Table

from services.settlement.store.tables import ENCOUNTER, ENCOUNTER_ENTRY, FEE_BATCH, FEE_LINE
from tools.bench import wire
from tools.bench.messages import VisitMessages
from tools.bench.moulds import Example, Mould, Names, RowMould, checked
from tools.bench.plan import CHAIN, MDTRT_ID_HOLE
from tools.bench.subject import Subject
from tools.bench.wire import AnswerReader
from tools.bench.world import BILLS, HOSPITALS, LINES, OPENING_FEN, SampleBill, bills, partner
from tools.played.people import DIVISION, InventedPerson, opening, person, person_record
from yibao.identity.v1 import partner_pb2, person_pb2
from yibao.routing.v1 import registry_pb2
from yibao.settlement.v1 import ledger_pb2

TABLES: Final[tuple[Table, ...]] = (ENCOUNTER, ENCOUNTER_ENTRY, FEE_BATCH, FEE_LINE)
FIRST_PERSON: Final = 1000
"""Persons below this number make the examples."""
PARTS: Final = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
_A_CALL: Final = 1000
_KNOWN_WITHIN_S: Final = 60.0
_EXAMPLE_SERIALS: Final = 7_700_000_001
_FIRST_SERIAL: Final = 1_000_000_000
# Twenty digits, below all numbers that the mesh gives out now: those begin with the moment.
_FIRST_ID: Final = 10**19
# Of each part of what stands ready.
_PEOPLE: Final = 1_000_000
_SERIALS: Final = 1_000_000_000
_IDS: Final = 10**18


class Unprepared(Exception):
    """The mesh did not take what stands ready before a run; the text is what it said."""


class Stock:
    """People and visits of one mesh; visits and serial numbers are given out once.

    Several on one mesh are several `part`s: each has people and numbers of its own. Its people may be insured at another `home`
    than where they are treated; `known` waits until somebody's bill can be made there.
    """

    def __init__(
        self,
        subject: Subject,
        persons: int,
        *,
        part: int = 0,
        home: Subject | None = None,
    ) -> None:
        self._subject = subject
        self._home = home or subject
        self._persons = persons
        self._people_from = part * _PEOPLE
        self._begun = datetime.now(UTC)
        self._bills = bills()
        self._serial = _FIRST_SERIAL + part * _SERIALS
        self._example_serial = _EXAMPLE_SERIALS + part * BILLS
        self._id = _FIRST_ID + part * _IDS
        self._register()
        self._wait_for_routing(person(self._people_from + FIRST_PERSON + persons - 1))
        self.examples = [self._example(place, bill) for place, bill in enumerate(self._bills)]

    def visits(self, count: int, requests: Path) -> float:
        """Makes visits ready to be settled and their settlements ready to be sent; the seconds that took."""
        begun = time.perf_counter()
        first = self._serial
        copies = [self._names(first + place) for place in range(count)]
        self._serial += count
        for table in TABLES:
            self._subject.books.load(table, self._rows(table, first, copies))
        self._subject.books.settle_down()
        wire.write_requests(requests, self._settlements(first, copies))
        return time.perf_counter() - begun

    def chains(self, count: int, requests: Path) -> None:
        """Makes the requests of whole visits, from 1101 to 2207."""
        first = self._serial
        self._serial += count
        copies = ((place, self._names(first + place, ids=False)) for place in range(count))
        wire.write_requests(
            requests,
            (self._request(first + place, infno, names) for place, names in copies for infno in CHAIN),
        )

    def _rows(self, table: Table, first: int, copies: Sequence[Names]) -> Iterator[list[Any]]:
        for place, names in enumerate(copies):
            for mould in self._example_of(first + place).rows[table.name]:
                yield mould.fill(names)

    def _settlements(self, first: int, copies: Sequence[Names]) -> Iterator[bytes]:
        return (self._request(first + place, "2207", names) for place, names in enumerate(copies))

    def _request(self, serial: int, infno: str, names: Names) -> bytes:
        found = self._example_of(serial).requests[infno].fill(names)
        assert isinstance(found, bytes)
        return found

    def _example_of(self, serial: int) -> Example:
        return self.examples[serial % len(self.examples)]

    def _names(self, serial: int, *, ids: bool = True) -> Names:
        """Names of a copy. Its numbers are below all that the mesh gives out, and grow as those do."""
        example = self._example_of(serial)
        who = person(self._people_from + FIRST_PERSON + serial % self._persons)
        count = len(example.names) - 4
        if ids:
            own = [str(self._id + place) for place in range(count)]
            self._id += count
        else:
            own = [MDTRT_ID_HOLE.decode()] * count
        return checked([who.psn_no, who.psn_name, who.certno, str(serial), *own], example.names)

    def _register(self) -> None:
        call = self._home.call
        for hospital in HOSPITALS:
            self._subject.call(
                "yibao.identity.v1.PartnerService.RegisterPartner",
                partner_pb2.RegisterPartnerRequest(request_id=f"bench-{hospital}", partner=partner(hospital)),
            )
        examples, others = range(1, len(self._bills) + 1), range(FIRST_PERSON, FIRST_PERSON + self._persons)
        numbers = [self._people_from + each for each in (*examples, *others)]
        for begin in range(0, len(numbers), _A_CALL):
            part = numbers[begin : begin + _A_CALL]
            call(
                "yibao.identity.v1.PersonService.RegisterPersons",
                person_pb2.RegisterPersonsRequest(
                    request_id=f"bench-persons-{begin}", persons=[person_record(person(number)) for number in part]
                ),
            )
            call(
                "yibao.settlement.v1.LedgerService.OpenLedger",
                ledger_pb2.OpenLedgerRequest(
                    request_id=f"bench-ledgers-{begin}",
                    openings=[opening(person(number).psn_no, OPENING_FEN) for number in part],
                ),
            )

    def _wait_for_routing(self, last: InventedPerson) -> None:
        """Until routing has read who was registered: it looks for news every quarter of a minute, and reading thousands is a
        work of seconds that belongs to no bill. Whom it does not know it looks for at once.
        """
        query = registry_pb2.InsuredQuery(psn_no=last.psn_no, care_admdvs=DIVISION)
        until = time.monotonic() + _KNOWN_WITHIN_S
        while time.monotonic() < until:
            answer = self._home.call(
                "yibao.routing.v1.RegistryService.Explain", registry_pb2.ExplainRequest(query=query)
            )
            if answer.resolution.whereabouts != registry_pb2.WHEREABOUTS_NOT_FOUND:
                return
            time.sleep(0.1)
        raise Unprepared("routing does not know who was registered")

    def _example(self, place: int, bill: SampleBill) -> Example:
        """One visit made through the gateway; what it left in the books and what its settlement would say."""
        who, serial = person(self._people_from + place + 1), str(self._example_serial + place)
        visit = VisitMessages(who, bill, serial, self._begun)
        self._post(visit.insured())
        mdtrt_id = self._post(visit.registration())["data"]["mdtrt_id"]
        self._post(visit.description(mdtrt_id))
        fees = self._post(visit.fees(mdtrt_id))["result"]
        assert len(fees) == LINES
        trial = self._post(visit.trial(mdtrt_id))["setlinfo"]
        parts = {name: trial[name] for name in PARTS}
        rows = {table: self._subject.books.rows(table, "mdtrt_id", [mdtrt_id]) for table in TABLES}
        keys = (_key(table, row) for table, found in rows.items() for row in found)
        names = [who.psn_no, who.psn_name, who.certno, visit.serial, *dict.fromkeys((mdtrt_id, *keys))]
        requests: dict[str, bytes] = {
            "1101": visit.insured(),
            "2201": visit.registration(),
            "2203": visit.description(mdtrt_id),
            "2204": visit.fees(mdtrt_id),
            "2206": visit.trial(mdtrt_id),
            "2207": visit.settlement(mdtrt_id, parts),
        }
        return Example(
            tuple(names),
            {table.name: tuple(RowMould(row, names) for row in found) for table, found in rows.items()},
            {infno: Mould(request, names) for infno, request in requests.items()},
        )

    def _post(self, request: bytes) -> Mapping[str, Any]:
        return post(self._subject.port, request)


def post(port: int, request: bytes) -> Mapping[str, Any]:
    """Sends one request and gives the `output` of its answer; Unprepared where it was refused."""
    answer: Mapping[str, Any] = json.loads(sent(port, request))
    return answer["output"] or {}


def sent(port: int, request: bytes) -> bytes:
    """Sends one request and gives the body of its answer; Unprepared where it was refused."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.connect()
        connection.sock.sendall(request)
        reader = AnswerReader()
        found = None
        while found is None:
            data = connection.sock.recv(1 << 16)
            if not data:
                raise Unprepared("the gateway closed the connection")
            found = reader.feed(data)
    finally:
        connection.close()
    if json.loads(found[1]).get("infcode") != 0:
        raise Unprepared(found[1].decode())
    return found[1]


def _key(table: Table, row: Sequence[Any]) -> str:
    place = next(index for index, column in enumerate(table.columns) if column.primary_key)
    return str(row[place])
