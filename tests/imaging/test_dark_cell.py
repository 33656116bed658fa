"""A person's cell that takes calls and never answers, as readers notice it: nothing of its persons, and no more than that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.kernel.errors import Fault
from services.runtime import circuits
from services.runtime.call import Caller, Role
from services.runtime.embedded import EmbeddedMesh
from tests.imaging.across import INSTITUTION, MADE_IT, Across, started_across, until
from tests.imaging.entries import NODE
from tests.mesh.test_cells import THERE
from tests.mesh.test_dark_cell import DEADLINE_S, REST_S, Hanging
from yibao.imaging.v1 import dicomweb_pb2, node_pb2, ticket_pb2

GATEWAY = Caller(Role.SERVICE, "gateway", sandbox=True)


@asynccontextmanager
async def hanging(folder: Path) -> AsyncIterator[tuple[Across, Hanging]]:
    """Two cells, of which routing reaches the identity of Jinan's through a gate."""
    gate = Hanging()
    async with started_across(folder, ("identity", "imaging")) as across:
        config = across.here.config
        async with gate.before(config.of_cell(THERE).address("identity")) as address:
            values: dict[str, Any] = {f"YIBAO_{THERE}_IDENTITY_ADDRESS": address, "YIBAO_PEER_TIMEOUT_S": DEADLINE_S}
            routed = replace(config, values={**config.values, **values})
            routing = EmbeddedMesh(routed, ("routing",), across.here.clock, keys=across.here.keys)
            await routing.start()
            try:
                yield across, gate
            finally:
                gate.gate.set()
                await routing.stop(1.0)


async def looked(across: Across, token: str, path: str = "studies") -> tuple[str, int, str]:
    """What a viewer is told: the refusal or "", how many studies, and the warning."""
    headers = {"authorization": f"Bearer {token}", "host": "index.example"}
    request = dicomweb_pb2.ServeRequest(door_name=path, headers=headers)
    try:
        answer = await across.here.call("yibao.imaging.v1.DicomWebService.Serve", request, caller=GATEWAY)
    except Fault as fault:
        return fault.reason, 0, ""
    return "", answer.body.count(b'"0020000D"'), answer.headers.get("warning", "")


async def ticket(across: Across, token: str, study: str) -> str:
    """The refusal of a ticket, "" where one is given."""
    request = ticket_pb2.IssueTicketRequest(session_token=token, study_uid=study)
    try:
        await across.here.call("yibao.imaging.v1.TicketService.IssueTicket", request, caller=INSTITUTION)
    except Fault as fault:
        return fault.reason
    return ""


@pytest.mark.torture
async def test_of_persons_whose_cell_is_dark_nothing_is_told_and_of_others_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuits, "REST_S", REST_S)
    async with hanging(tmp_path) as (across, gate):
        far, near = await across.somebody(), await across.somebody("110105")
        theirs, ours = await across.taken(far, near)
        beat = node_pb2.HeartbeatRequest(node_no=NODE.node_no, retrieving=True)
        await across.here.call(
            "yibao.imaging.v1.NodeService.Heartbeat", beat, caller=Caller(Role.NODE, NODE.node_no, sandbox=True)
        )
        # A doctor has one session at a time.
        alone, both = await across.opened(), await across.opened("D110000000002")
        for token, who in ((alone, far), (both, far), (both, near)):
            named = {"session_token": token, "psn_no": who.psn_no, "reason": "昏迷送院"}
            await across.ask("BreakGlass", INSTITUTION, request_id=across.request_id(), **named)
        await until(lambda: opens(across, alone, theirs))
        assert [await looked(across, each) for each in (alone, both)] == [("", 1, ""), ("", 2, "")]
        own = (await across.ask("OpenSession", MADE_IT, fixmedins_code=MADE_IT.subject, own=True)).session_token
        gate.gate.clear()
        # What was decided before counts for most of a second.
        await asyncio.sleep(1)
        assert await looked(across, alone) == ("CELL_UNAVAILABLE", 0, "")
        reason, count, warning = await looked(across, both)
        assert (reason, count) == ("", 1)
        assert THERE in warning
        # Whether there is such a study nobody is told.
        for token in (alone, both):
            assert [await ticket(across, token, each) for each in (theirs, "2.25.1")] == ["CELL_UNAVAILABLE"] * 2
        assert await ticket(across, both, ours) == ""
        assert (await looked(across, own))[:2] == ("", 2)
        # Nor whether there is such a person: of half of those who do not exist the dark cell would be asked too.
        told = [await added(across, alone, each) for each in (far.psn_no, *(f"{number:016}" for number in range(12)))]
        assert told[0] == ("CELL_UNAVAILABLE", {"cell": THERE})
        assert {each[0] for each in told[1:]} == {"CELL_UNAVAILABLE", "NO_ACCESS"}
        assert told[0] in told[1:]
        # What the person hides meanwhile in the own cell holds from the first answer on.
        await across.consent("Hide", far, study_uid=theirs)
        gate.gate.set()
        assert await until(lambda: answered(across, alone)) == ("", 0, "")
        assert await ticket(across, alone, theirs) == "STUDY_NOT_FOUND"


async def opens(across: Across, token: str, study: str) -> bool:
    """Whether a ticket is given: the node may not be heard yet."""
    return not await ticket(across, token, study)


async def answered(across: Across, token: str) -> tuple[str, int, str] | None:
    """What a viewer is told, once the cell answers again."""
    seen = await looked(across, token)
    return None if seen[0] == "CELL_UNAVAILABLE" else seen


async def added(across: Across, token: str, psn_no: str) -> tuple[str, Mapping[str, str]]:
    """How a number is refused."""
    fault = await across.refusal("AddPatient", session_token=token, psn_no=psn_no)
    return fault.reason, fault.metadata
