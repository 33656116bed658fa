"""Visits of persons whom another cell insures: who is asked who it is, where the visit is registered, and what is told where
one of the two does not answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.kernel.errors import Fault, FaultKind, precondition
from services.routing.domain.resolution import Query, Resolution, Where
from services.routing.operations.elsewhere import AskedPerson, Elsewhere
from services.routing.operations.steps import Message
from services.routing.operations.visits import Visits
from tests.routing.conftest import Running
from tests.routing.feeds import place, told
from tests.routing.sagas import NOON
from tests.routing.test_elsewhere_rpc import ANOTHER, CARD, DESK, ECTOKEN, HOSPITAL, refused
from tests.routing.test_registry_rpc import BEIJING, JINAN, known
from yibao.common.v1 import codes_pb2
from yibao.routing.v1 import elsewhere_encounters_pb2
from yibao.routing.v1.elsewhere_pb2_grpc import ElsewhereServiceStub
from yibao.settlement.v1 import common_pb2, visit_pb2

HERE, THERE = "110000", "370000"
DAY = date(2026, 3, 5)
DARK = Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": "settlement"})


@dataclass
class Cells:
    """Two cells, which answer or refuse, and keep what they were asked."""

    who: Any = "who it is"
    visit: Any = "the visit"
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def insured(self, cell: str, request: Any) -> Any:
        """As the peer does it."""
        return self._told(self.who, "insured", cell, request.request_id)

    async def register_visit(self, cell: str, request: Any, insured: Any) -> Any:
        """As the peer does it."""
        return self._told(self.visit, "visit", cell, request.request_id, insured)

    def _told(self, answer: Any, *asked: str) -> Any:
        self.asked.append(asked)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def registered(cells: Cells) -> Any:
    """What comes of a visit here of a resident of the other cell: its answer, or its refusal."""

    async def resolve(query: Query) -> Resolution:
        return Resolution(Where.OTHER_CELL, "OTHER_CELL", HERE, place(JINAN), THERE)

    registry: Any = SimpleNamespace(news=SimpleNamespace(cells=(HERE, THERE)), resolve=resolve)
    nobody_else: Any = None
    asked = AskedPerson(Query("", "E1", "", "", DAY, "310", care_cell=HERE), "data.certno")
    visits = Visits(Elsewhere(registry, nobody_else), cells)
    until = asyncio.get_running_loop().time() + 0.1
    message = Message("visit", SimpleNamespace(request_id="2201:m1"), "H1", "content", HERE, until)
    try:
        return await visits.register(message, asked)
    except Fault as fault:
        return fault


async def test_the_insured_cell_says_who_it_is_and_the_cell_of_care_alone_writes() -> None:
    cells = Cells()
    assert await registered(cells) == "the visit"
    assert cells.asked == [("insured", THERE, "2201:m1"), ("visit", HERE, "2201:m1", "who it is")]


async def test_refusals_of_both_come_through_and_nothing_is_written_for_whom_the_insured_cell_refuses() -> None:
    for refusal in (precondition("EC_TOKEN_SPENT"), precondition("NOT_ENROLLED")):
        cells = Cells(who=refusal)
        assert await registered(cells) is refusal
        assert len(cells.asked) == 1
    refusal = precondition("VISIT_OPEN", mdtrt_id="M1", insutype="310")
    told = await registered(Cells(visit=refusal))
    assert (told.kind, told.reason, told.metadata) == (refusal.kind, refusal.reason, refusal.metadata)


async def test_a_dark_insured_cell_is_named_and_of_a_dark_place_of_care_the_outcome_is_unknown() -> None:
    fault = await registered(Cells(who=DARK))
    assert (fault.reason, fault.metadata["cell"]) == ("CELL_UNAVAILABLE", THERE)
    fault = await registered(Cells(visit=DARK))
    assert (fault.kind, fault.reason) == (FaultKind.UNAVAILABLE, "OUTCOME_UNKNOWN")
    assert fault.metadata == {"order_no": "2201:m1"}


@pytest.fixture
def stub(running: Running) -> ElsewhereServiceStub:
    """The service."""
    return running.peers.stub(ElsewhereServiceStub, "routing")


def visit(desk: common_pb2.Desk = DESK, **data: Any) -> elsewhere_encounters_pb2.RegisterVisitRequest:
    """2201."""
    begun = Timestamp(seconds=int(NOON.timestamp()))
    values: dict[str, Any] = {"psn_no": "9", "insutype": "310", "begntime": begun, "ipt_otp_no": "1"}
    node = visit_pb2.VisitRegistration(**values | data)
    return elsewhere_encounters_pb2.RegisterVisitRequest(
        request=visit_pb2.RegisterVisitRequest(request_id="2201:m1", desk=desk, data=node)
    )


async def asked_place(running: Running, stub: ElsewhereServiceStub, **data: Any) -> str:
    """The insured place where the person of a visit is looked for; the cells are away."""
    with pytest.raises(Fault, match="CELL_UNAVAILABLE") as raised:
        await running.call(stub.RegisterVisit, visit(**data), HOSPITAL)
    return raised.value.metadata.get("admdvs", "")


async def test_of_several_enrolments_the_one_counts_that_is_asked_for_and_in_force_when_it_began(
    running: Running, stub: ElsewhereServiceStub
) -> None:
    moved = told(
        1, place(JINAN, to_day=date(2025, 12, 31)), place(BEIJING, from_day=date(2026, 1, 1)), place("120000", "390")
    )
    await known(running, moved, told(2, place(JINAN), place(BEIJING)), told(3, place(JINAN, "390")))
    by_number: dict[str, Any] = {"psn_no": moved.psn_no}
    assert await asked_place(running, stub, **by_number) == BEIJING
    last_year = Timestamp(seconds=int(NOON.timestamp()) - 100 * 86400)
    assert await asked_place(running, stub, **by_number, begntime=last_year) == JINAN
    assert await asked_place(running, stub, **by_number, insutype="390") == "120000"
    twice = visit(psn_no=told(2).psn_no)
    assert await refused(running, stub.RegisterVisit, twice) == ("INSURED_TWICE", [])
    # Whoever is not insured under that type is refused by the cell that knows them, not as somebody unknown.
    assert await asked_place(running, stub, psn_no=told(3).psn_no) == JINAN


async def test_what_is_shown_says_who_it_is_and_the_number_beside_it_is_a_hint(
    running: Running, stub: ElsewhereServiceStub
) -> None:
    here, there = told(1, place(BEIJING), certno="E1"), told(2, place(JINAN), certno="E2")
    await known(running, here, there, told(3, certno="E3"), told(4, certno="E3"))
    hint: dict[str, Any] = {"psn_no": here.psn_no}
    desk = {"desk": common_pb2.Desk(fixmedins_code=HOSPITAL.subject, insuplc_admdvs=BEIJING)}
    id_card: dict[str, Any] = {"mdtrt_cert_type": codes_pb2.MDTRT_CERT_TYPE_ID_CARD, "mdtrt_cert_no": " e2"}
    assert await asked_place(running, stub, **hint, **id_card, **desk) == JINAN
    assert await asked_place(running, stub, **hint, mdtrt_cert_type=CARD, mdtrt_cert_no="a card", certno="E2") == JINAN
    assert await asked_place(running, stub, **hint) == BEIJING
    # An ecToken is of the cell of its mark, and a card alone is nobody's, whatever number stands beside it.
    token: dict[str, Any] = {"mdtrt_cert_type": ECTOKEN, "mdtrt_cert_no": "0" * 40}
    assert await asked_place(running, stub, **hint, **token) == ""
    card = visit(**hint, mdtrt_cert_type=CARD, mdtrt_cert_no="a card")
    assert await refused(running, stub.RegisterVisit, card) == ("PERSON_NOT_FOUND", ["data.mdtrt_cert_no"])
    several = visit(**hint, certno="E3")
    assert await refused(running, stub.RegisterVisit, several) == ("CERTIFICATE_AMBIGUOUS", ["data.psn_cert_type"])
    assert (await refused(running, stub.RegisterVisit, visit(), ANOTHER))[0] == "CALLER_NOT_BOUND"
