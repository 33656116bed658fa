"""PersonAccessService: the keys under which other members keep persons, and consent asked of the right cell."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any, Final

import pytest

from services.kernel.errors import Fault, FaultKind, denied
from services.routing.domain.hashes import Hasher
from services.routing.domain.registry import ToldPerson, kept
from services.routing.domain.resolution import Query
from services.routing.operations.elsewhere import Elsewhere
from services.routing.operations.person_access import PersonAccess
from services.routing.operations.person_keys import PersonKeys
from services.routing.operations.registry import Registry
from services.routing.store.unit import RoutingStore
from services.runtime.call import Caller, Role
from services.runtime.sealing import SealedSecrets, Sealer
from tests.routing.conftest import OPERATOR, Running
from tests.routing.feeds import place, told
from yibao.identity.v1 import consent_decisions_pb2 as consents
from yibao.routing.v1 import person_access_pb2 as pb2
from yibao.routing.v1.person_access_pb2_grpc import PersonAccessServiceStub

ONE, OTHER = told(1).psn_no, told(2).psn_no
BEIJING, SHANDONG, HERE = "110000", "370000", "sandbox"
CELLS: Final = (HERE, BEIJING, SHANDONG)
GRANTS: Final = {HERE: "GS" + "1" * 20, BEIJING: f"G{BEIJING}" + "1" * 20, SHANDONG: f"G{SHANDONG}" + "1" * 20}
DAY: Final = date(2026, 3, 5)
READER: Final = consents.Reader(purpose=consents.ACCESS_PURPOSE_TREATMENT, fixmedins_code="H11010500001")


@dataclass
class PlayedCells:
    """Cells that let everybody read of persons, by number; who is asked is kept."""

    granted: dict[str, str] = field(default_factory=dict)
    dark: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def _reached(self, cell: str) -> None:
        self.asked.append(cell)
        if cell in self.dark:
            raise Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": "identity"})

    async def found(self, cell: str, request: consents.FindGrantRequest) -> consents.FindGrantResponse:
        self._reached(cell)
        if self.granted.get(request.psn_no) != cell:
            raise denied("NO_ACCESS")
        return consents.FindGrantResponse(grant_no=GRANTS[cell], psn_no=request.psn_no)

    async def proved(self, cell: str, request: Any) -> consents.ProvePresenceResponse:
        self._reached(cell)
        return consents.ProvePresenceResponse(grant_no=GRANTS[cell], psn_no=ONE)

    async def broken(self, cell: str, request: Any) -> consents.BreakGlassResponse:
        self._reached(cell)
        return consents.BreakGlassResponse(grant_no=GRANTS[cell], psn_no=request.psn_no)

    async def decided(self, cell: str, items: Sequence[consents.DecideItem]) -> Sequence[consents.Decision]:
        self._reached(cell)
        return [consents.Decision(active=True, psn_no=ONE if cell == SHANDONG else OTHER) for _ in items]

    async def ends(self, cell: str, after: int) -> consents.ListGrantEndsResponse:
        self._reached(cell)
        return consents.ListGrantEndsResponse(last_seq=after)


def dice(count: int) -> bytes:
    return bytes(range(count))


def keys_of(store: RoutingStore, held: Sequence[bytes]) -> PersonKeys:
    """The key of persons' keys, sealed under the first of those that are held."""
    sealer = Sealer(lambda: held, "keys", dice)
    return PersonKeys(SealedSecrets(store.write, sealer, "PERSON_KEYS_SEALED"))


@dataclass(frozen=True)
class Desk:
    """Routing between played cells."""

    access: PersonAccess
    cells: PlayedCells
    store: RoutingStore

    async def known(self, cell: str, *people: ToldPerson) -> None:
        async with self.store.write() as work:
            await work.insured.replace(cell, kept(cell, people, Hasher(b"k")))

    async def find(self, psn_no: str = "", certno: str = "") -> Any:
        query = Query(psn_no, certno, "", "", DAY, care_cell="none")
        return await self.access.find(query, consents.FindGrantRequest(reader=READER, psn_no=psn_no, certno=certno))


def _news() -> Any:
    async def refresh() -> None:
        raise AssertionError("the cells' feeds are not read for it: that takes another time")

    return SimpleNamespace(cells=CELLS, refresh=refresh, away=tuple)


@pytest.fixture
def desk(store: RoutingStore) -> Desk:
    """On each database."""
    registry = Registry(store, SimpleNamespace(), lambda admdvs: HERE, _news(), lambda: (Hasher(b"k"),))  # type: ignore[arg-type]
    cells = PlayedCells()
    keys = keys_of(store, [b"k" * 32])
    return Desk(PersonAccess(Elsewhere(registry, cells), cells, keys), cells, store)  # type: ignore[arg-type]


async def refused(call: Any) -> tuple[str, dict[str, str]]:
    with pytest.raises(Fault) as raised:
        await call
    return raised.value.reason, raised.value.metadata


async def test_the_cell_that_insures_a_person_is_asked_and_answers_with_a_key(desk: Desk) -> None:
    await desk.known(SHANDONG, told(1, place("370102"), certno="E1"))
    desk.cells.granted = {ONE: SHANDONG, "": SHANDONG}
    found = await desk.find(ONE)
    assert (desk.cells.asked, found.answer.grant_no) == ([SHANDONG], GRANTS[SHANDONG])
    assert [found.person_key] == await desk.access.keys([ONE])
    await desk.find(certno="E1")
    assert desk.cells.asked == [SHANDONG, SHANDONG]


async def test_nobody_is_looked_for_as_somebody_is_who_granted_nothing(desk: Desk) -> None:
    await desk.known(SHANDONG, told(1, place("370102")))
    refusals = [await refused(desk.find(each)) for each in (ONE, OTHER)]
    assert refusals == [("NO_ACCESS", {})] * 2
    # One question to one cell each time; of nobody always to the same one.
    assert desk.cells.asked[0] == SHANDONG
    nobody = [await refused(desk.find(told(number).psn_no)) for number in range(3, 40) for _ in range(2)]
    assert nobody == [("NO_ACCESS", {})] * 74
    assert desk.cells.asked[2::2] == desk.cells.asked[3::2]
    assert set(desk.cells.asked[2:]) == set(CELLS)


async def test_a_certificate_of_several_people_and_a_person_insured_twice_are_told_like_nobody(desk: Desk) -> None:
    two = (told(1, place("370102"), certno="E1"), told(2, place("370102"), certno="E1"))
    await desk.known(SHANDONG, *two)
    assert await refused(desk.find(certno="E1")) == ("NO_ACCESS", {})
    await desk.known(BEIJING, told(1, place("110105")))
    desk.cells.granted[ONE] = BEIJING
    assert (await desk.find(ONE)).answer.grant_no == GRANTS[BEIJING]


async def test_whoever_is_insured_from_a_later_day_or_was_before_is_found(desk: Desk) -> None:
    later = told(1, place("370102", from_day=date(2026, 6, 1)))
    over = told(2, place("110105", to_day=date(2025, 6, 1)))
    await desk.known(SHANDONG, later)
    await desk.known(BEIJING, over)
    desk.cells.granted = {ONE: SHANDONG, OTHER: BEIJING}
    assert [(await desk.find(each)).answer.grant_no for each in (ONE, OTHER)] == [GRANTS[SHANDONG], GRANTS[BEIJING]]


async def test_a_dark_cell_is_told_by_its_code(desk: Desk) -> None:
    await desk.known(SHANDONG, told(1, place("370102")))
    desk.cells.dark.add(SHANDONG)
    assert await refused(desk.find(ONE)) == ("CELL_UNAVAILABLE", {"cell": SHANDONG})
    assert await refused(desk.access.ends(SHANDONG, 0)) == ("CELL_UNAVAILABLE", {"cell": SHANDONG})


async def test_decisions_are_asked_once_a_cell_and_stand_in_the_order_asked(desk: Desk) -> None:
    numbers = [GRANTS[SHANDONG], GRANTS[HERE], "no grant", GRANTS[SHANDONG], GRANTS[BEIJING], "G990000" + "1" * 20]
    desk.cells.dark.add(BEIJING)
    items = [consents.DecideItem(grant_no=each, reader=READER) for each in numbers]
    decided = await desk.access.decide(items)
    assert sorted(desk.cells.asked) == sorted([SHANDONG, HERE, BEIJING])
    one, other = await desk.access.keys([ONE, OTHER])
    assert [each.person_key for each in decided] == [one, other, b"", one, b"", b""]
    assert [each.away for each in decided] == [False, False, False, False, True, False]


async def test_presence_is_proven_by_the_cell_whose_mark_was_shown(desk: Desk) -> None:
    proved = await desk.access.prove("424U370000" + "0" * 18, None)
    assert (desk.cells.asked, proved.answer.grant_no) == ([SHANDONG], GRANTS[SHANDONG])
    assert await refused(desk.access.prove("no code", None)) == ("CODE_UNKNOWN", {})
    assert (await refused(desk.access.prove("u440000" + "0" * 33, None)))[0] == "CREDENTIAL_OF_ANOTHER_CELL"


async def test_keys_of_persons_outlive_those_of_the_mesh(store: RoutingStore) -> None:
    held = [b"a" * 32]
    keys = keys_of(store, held)
    before = (await keys.hasher()).person_key(ONE)
    held.insert(0, b"b" * 32)
    assert (await keys.hasher()).person_key(ONE) == before
    # It is sealed under the new one now: the old one may go, and another process finds the same.
    held.pop()
    assert (await keys_of(store, held).hasher()).person_key(ONE) == before
    lost = keys_of(store, [b"c" * 32])
    assert (await refused(lost.hasher()))[0] == "PERSON_KEYS_SEALED"


async def test_lists_have_limits_and_nobody_else_asks(running: Running) -> None:
    imaging = running.peers_of("imaging")
    asked = imaging.stub(PersonAccessServiceStub, "routing")
    for numbers in ([], [ONE] * 1001):
        told = await refused(imaging.call(asked.KeyPersons, pb2.KeyPersonsRequest(psn_nos=numbers)))
        assert told[0] == "INVALID_REQUEST"
    request = pb2.KeyPersonsRequest(psn_nos=[ONE, OTHER, ONE])
    one, other, again = (await imaging.call(asked.KeyPersons, request)).person_keys
    await imaging.close()
    stub = running.peers.stub(PersonAccessServiceStub, "routing")
    assert one == again != other
    assert {len(one), len(other)} == {16}
    for caller in (
        Caller(Role.INSTITUTION, "H99010000001", sandbox=True),
        OPERATOR,
        Caller(Role.PERSON, ONE, sandbox=True),
    ):
        assert await running.reason(stub.KeyPersons, request, caller) == "ROLE_NOT_ALLOWED"


def test_a_key_for_other_stores_is_not_the_hash_of_routings_own() -> None:
    hasher = Hasher(b"one")
    key = hasher.person_key(ONE)
    assert key != Hasher(b"another").person_key(ONE)
    assert urlsafe_b64encode(key).decode().rstrip("=") != hasher.person(ONE)
