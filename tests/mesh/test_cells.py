"""Two cells beside each other in one process: each on data of its own, reached from the other by nobody but routing; and the
stores of the last release, which are the sandbox's.
"""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from services import mesh as table
from services.kernel.credential_marks import cell_of
from services.kernel.errors import Fault
from services.runtime.call import Caller, Role
from services.runtime.contract import Contract
from services.runtime.outbound import Peers
from services.runtime.self_report import SERVICE
from services.runtime.telemetry import Telemetry
from tests.mesh import journeys
from tests.mesh.harness import OPERATOR_CALLER, Mesh, in_cell, seed_world, started_mesh
from tests.mesh.hospital import hospital_at, national
from tests.mesh.people import Newcomers
from tests.mesh.seeds import CHANNEL
from tests.mesh.test_stores import RELEASES
from tests.mesh.test_upgraded import load_sqlite
from tests.mesh.world import ledger_findings
from tests.tokens import Tokens
from tools.played.messages import Patient
from yibao.identity.v1 import credential_pb2
from yibao.identity.v1.person_pb2 import GetPersonRequest
from yibao.runtime.v1 import runtime_pb2

HERE, THERE = "110000", "370000"
BOTH = {"YIBAO_CELLS": f"{HERE},{THERE}"}
CREDENTIALS = "yibao.identity.v1.CredentialService"
GET_PERSON = "yibao.identity.v1.PersonService.GetPerson"
WITHOUT_ROUTING = tuple(name for name in table.names() if name != "routing")


async def reached_by(member: str, mesh: Mesh, callee: str, cell: str) -> str:
    """What a member's call to another cell comes to: its refusal, "" where it is answered."""
    signer = Tokens(mesh.keys, mesh.clock, mesh.config.cell).signer(member)
    peers = Peers(member, mesh.config, signer, Telemetry(member, mesh.config))
    status = Contract.load((SERVICE,)).method(f"{SERVICE}.GetStatus")
    try:
        await peers.invoke(status, runtime_pb2.GetStatusRequest(), member=callee, cell=cell)
    except Fault as fault:
        return fault.reason
    finally:
        await peers.close()
    return ""


async def shown_code(mesh: Mesh, who: Patient) -> str:
    """A code of the person's credential, which is activated in the cell before."""
    asked = {"channel_code": CHANNEL, "psn_name": who.name, "psn_cert_type": "01", "certno": who.certno}
    request = credential_pb2.ActivateCredentialRequest(request_id="activate", **asked)
    caller = Caller(Role.CHANNEL, CHANNEL, sandbox=True)
    await mesh.call(f"{CREDENTIALS}.ActivateCredential", request, caller=caller)
    shown = credential_pb2.ShowCodeRequest(psn_no=who.psn_no)
    return str((await mesh.call(f"{CREDENTIALS}.ShowCode", shown, caller=caller)).ec_qr_code)


async def test_a_local_persons_way_needs_no_routing_and_leaves_nothing_in_another_cell(tmp_path: Path) -> None:
    async with started_mesh(tmp_path, overrides=BOTH, members=WITHOUT_ROUTING) as mesh:
        await seed_world(mesh)
        who, there = await Newcomers(mesh).one(), in_cell(mesh, THERE)
        async with hospital_at(mesh.url, mesh.clock) as hospital:
            answers = await journeys.out_patient(hospital, who)
            assert {"1101", "2203A", "2206", "2207"} <= answers.keys()
            query = {"data": who.id_card | {"psn_cert_type": "01", "certno": who.certno, "psn_name": who.name}}
            envelope = hospital.envelope("1101", query)
        async with httpx.AsyncClient() as client:
            port = there.config.integer("YIBAO_GATEWAY_PORT")
            answer = await client.post(f"http://127.0.0.1:{port}/fsi/api", json=envelope)
            assert not national(answer.text).succeeded
            told = await client.get(f"http://127.0.0.1:{there.config.operations_port}/readyz")
            (routing,) = (row for row in told.json()["members"] if row["member"] == "routing")
            assert (routing["needed"], routing["reasons"]) == (False, ["PEER_UNAVAILABLE"])
            assert {row["cell"] for row in told.json()["members"]} == {"", THERE}
        with pytest.raises(Fault, match="PERSON_NOT_FOUND"):
            await there.call(GET_PERSON, GetPersonRequest(psn_no=who.psn_no))
        assert await ledger_findings(mesh) == []
        edges = mesh.traces().edges()
        assert ("110000/gateway", "110000/settlement") in edges
        assert edges <= table.seat_edges((HERE, THERE))
    assert (tmp_path / "cells" / HERE / "settlement.sqlite").is_file()
    assert not (tmp_path / "settlement.sqlite").exists()


async def test_a_code_and_an_ectoken_say_in_which_cell_they_were_made(tmp_path: Path) -> None:
    overrides = {"YIBAO_CELLS": f"sandbox,{HERE}"}
    async with started_mesh(tmp_path, overrides=overrides, members=WITHOUT_ROUTING) as mesh:
        here = in_cell(mesh, HERE)
        for each in (mesh, here):
            await seed_world(each)
        who = await Newcomers(here).one()
        async with (
            hospital_at(mesh.url, mesh.clock) as sandbox,
            hospital_at(f"http://127.0.0.1:{here.config.integer('YIBAO_GATEWAY_PORT')}", mesh.clock) as hospital,
        ):
            code = await shown_code(here, who)
            assert cell_of(code) == HERE
            scanned = {"InData": journeys.scan(sandbox, code)}
            # Routing, which would ask that cell, is away.
            assert await sandbox.refused("6101", scanned) == "ROUTING_UNAVAILABLE"
            token = str((await hospital.done("6101", scanned)).output["OutData"]["ecToken"])
            assert cell_of(token) == HERE
            shown = {"data": journeys.with_token(token)}
            assert await sandbox.refused("1101", shown) == "ROUTING_UNAVAILABLE"
            assert (await hospital.done("1101", shown)).output["baseinfo"]["psn_no"] == who.psn_no


@pytest.mark.parametrize("placement", ["grpc", "local"])
async def test_a_member_of_one_cell_reaches_another_only_as_routing(tmp_path: Path, placement: str) -> None:
    overrides, members = BOTH | {"YIBAO_PLACEMENT": placement}, ("identity", "settlement", "catalogue")
    async with started_mesh(tmp_path, overrides=overrides, members=members) as mesh:
        there = in_cell(mesh, THERE)
        token = mesh.metadata("identity", OPERATOR_CALLER)
        with pytest.raises(Fault, match="CALLER_TOKEN_WRONG_CELL"):
            await there.send(mesh.contract.method(GET_PERSON), b"", token, 5.0)
        for caller in ("gateway", "settlement"):
            with pytest.raises(ValueError, match="of another cell, 370000"):
                await reached_by(caller, mesh, "identity", THERE)
        for callee in ("identity", "settlement"):
            assert [await reached_by("routing", mesh, callee, cell) for cell in (HERE, THERE)] == ["", ""]


async def test_stores_of_the_last_release_are_the_sandboxs(tmp_path: Path) -> None:
    load_sqlite(RELEASES[-1], tmp_path)
    overrides = {"YIBAO_CELLS": f"sandbox,{HERE}"}
    async with started_mesh(tmp_path, overrides=overrides, members=("identity", "catalogue", "settlement")) as mesh:
        asked = GetPersonRequest(psn_no="11000000000000000102")
        found = await mesh.call(GET_PERSON, asked)
        assert found.record.person.psn_no == asked.psn_no
        assert await ledger_findings(mesh) == []
        with pytest.raises(Fault, match="PERSON_NOT_FOUND"):
            await in_cell(mesh, HERE).call(GET_PERSON, asked)
