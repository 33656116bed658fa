"""Routing and the cells whose people it knows: who is of which cell, who of two, and people of a release that knew no routing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from services.kernel.errors import Fault
from services.runtime.call import Caller, Role
from tests.mesh.harness import Mesh, in_cell, started_mesh
from tests.mesh.test_cells import BOTH, HERE, THERE
from tests.mesh.test_stores import RELEASES
from tests.mesh.test_upgraded import load_sqlite
from tools.played.people import InventedPerson, person, person_record
from yibao.identity.v1 import person_pb2
from yibao.routing.v1 import registry_pb2

JINAN, BEIJING = "370102", "110105"
SETTLING = Caller(Role.SERVICE, "gateway", sandbox=True)
MEMBERS = ("identity", "routing")


async def register(mesh: Mesh, who: InventedPerson, admdvs: str) -> None:
    """Insures somebody in a division of the cell that the mesh is called in."""
    record = person_record(who)
    record.enrolments[0].insuplc_admdvs = admdvs
    request = person_pb2.RegisterPersonsRequest(request_id=f"of-{admdvs}-{who.psn_no[-4:]}", persons=[record])
    await mesh.call("yibao.identity.v1.PersonService.RegisterPersons", request)


async def resolved(mesh: Mesh, psn_no: str, care: str = BEIJING) -> Any:
    """What routing decides."""
    query = registry_pb2.InsuredQuery(psn_no=psn_no, care_admdvs=care)
    request = registry_pb2.ResolveRequest(query=query)
    answer = await mesh.call("yibao.routing.v1.RegistryService.Resolve", request, caller=SETTLING)
    return answer.resolution


async def test_whoever_was_registered_a_moment_ago_is_found_in_the_right_cell(tmp_path: Path) -> None:
    async with started_mesh(tmp_path, overrides=BOTH, members=MEMBERS) as mesh:
        there, away, both = in_cell(mesh, THERE), person(1), person(2)
        await register(there, away, JINAN)
        told = await resolved(mesh, away.psn_no)
        assert (told.whereabouts, told.insured_cell, told.care_cell, told.insuplc_admdvs) == (
            registry_pb2.WHEREABOUTS_OTHER_CELL,
            THERE,
            HERE,
            JINAN,
        )
        await register(mesh, both, BEIJING)
        assert (await resolved(mesh, both.psn_no)).whereabouts == registry_pb2.WHEREABOUTS_LOCAL
        await register(there, both, JINAN)
        for _ in range(2):
            # Somebody else's question brings the news.
            assert (await resolved(mesh, "nobody")).reason == "NOT_REGISTERED"
        with pytest.raises(Fault, match="INSURED_TWICE") as refused:
            await resolved(mesh, both.psn_no)
        assert (refused.value.metadata["one"], refused.value.metadata["other"]) == (BEIJING, JINAN)
        routing = (tmp_path / "routing.sqlite").read_bytes() + (tmp_path / "routing.sqlite-wal").read_bytes()
        assert away.psn_no.encode() not in routing
        assert away.certno.encode() not in routing


async def test_while_a_cell_is_away_the_people_of_others_are_found_and_strangers_may_be_of_it(tmp_path: Path) -> None:
    overrides = BOTH | {"YIBAO_CELL": HERE, f"YIBAO_{THERE}_IDENTITY_ADDRESS": "127.0.0.1:1"}
    async with started_mesh(tmp_path, overrides=overrides, members=MEMBERS) as mesh:
        await register(mesh, person(1), BEIJING)
        assert (await resolved(mesh, person(1).psn_no)).whereabouts == registry_pb2.WHEREABOUTS_LOCAL
        begun = time.monotonic()
        stranger = await resolved(mesh, person(2).psn_no)
        assert time.monotonic() - begun < 3
        assert (stranger.reason, list(stranger.unread_cells)) == ("NOT_REGISTERED", [THERE])


async def test_people_of_the_last_release_are_known_to_routing(tmp_path: Path) -> None:
    load_sqlite(RELEASES[-1], tmp_path)
    async with started_mesh(tmp_path, members=MEMBERS) as mesh:
        told = await resolved(mesh, "11000000000000000102", "990100")
        assert told.insured_cell == "sandbox"
