"""What a sandbox alone has, at each face of the gateway: it needs a mesh that is one and a partner that is in it. Members refuse
it too; here nothing is asked of them.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

import pytest

from gateway import tables
from gateway.bugs import internal_error
from gateway.mobile.routes import MobileRoutes
from gateway.national.transactions import Transactions
from services.runtime.national.envelope import build_request, open_answer
from tests.gateway.conftest import HOSPITAL, Scene, envelope, hospital, running
from tests.gateway.test_mobile import HERE, PATHS, app_of, registered, with_paths
from tests.gateway.test_national import BILL
from tests.gateway.test_rest import bearer, details
from yibao.identity.v1 import partner_pb2
from yibao.options.v1 import options_pb2

KEY: Final = "an-invented-key"
DAY: Final = {"X-Yibao-Business-Date": "2025-03-01"}
OUTSIDE: Final = pytest.mark.parametrize(
    ("mesh", "partner"), [("off", True), ("on", False)], ids=["no sandbox", "a partner outside it"]
)


def keyed(sandbox: bool) -> partner_pb2.Partner:
    """A hospital that proves itself by a key."""
    return hospital(sandbox=sandbox, auth_style=partner_pb2.AUTH_STYLE_API_KEY, secret=KEY)


@OUTSIDE
async def test_no_message_chooses_its_day(tmp_path: Path, mesh: str, partner: bool) -> None:
    async with running(tmp_path, {"YIBAO_SANDBOX": mesh}) as scene:
        scene.partners[HOSPITAL] = keyed(partner)
        answer = await scene.send(envelope("2207", {"data": BILL}), headers=DAY | {"apikey": KEY})
        assert answer["err_msg"].startswith("[SANDBOX_ONLY]")
        assert not scene.mesh.calls("Settle")


@OUTSIDE
async def test_no_key_chooses_its_day(tmp_path: Path, mesh: str, partner: bool) -> None:
    async with running(tmp_path, {"YIBAO_SANDBOX": mesh}) as scene:
        scene.mesh.answers["ResolvePartner"] = resolved(keyed(partner))
        found = await scene.client.post("/v1/persons:get", json={"psnNo": "1"}, headers=bearer(KEY) | DAY)
        assert found.status_code == 403
        assert details(found.json())["ErrorInfo"]["reason"] == "SANDBOX_ONLY"
        assert not scene.mesh.calls("GetPerson")


@OUTSIDE
async def test_no_order_on_a_phone_chooses_its_day(
    tmp_path: Path, compiled: Transactions, monkeypatch: pytest.MonkeyPatch, mesh: str, partner: bool
) -> None:
    monkeypatch.setattr(tables, "mobile_routes", lambda: MobileRoutes(with_paths(PATHS), compiled))
    async with running(tmp_path, {"YIBAO_SANDBOX": mesh}) as scene:
        app = registered()
        app.sandbox = partner
        scene.mesh.answers["ResolvePartner"] = resolved(app)
        body = build_request(app_of(), {"psn_no": "1"}, scene.clock())
        answer = await scene.client.post(f"{HERE}/query_settlement", content=body, headers=DAY)
        told = open_answer(app_of(), answer.content, scene.clock())
        assert told.message.startswith("[SANDBOX_ONLY]")
        assert not scene.mesh.calls("GetSettlement")


@pytest.mark.parametrize("partner", [True, False])
async def test_a_key_is_of_the_sandbox_where_its_partner_is(scene: Scene, partner: bool) -> None:
    scene.mesh.answers["ResolvePartner"] = resolved(keyed(partner))
    await scene.client.post("/v1/persons:get", json={"psnNo": "1"}, headers=bearer(KEY))
    (asked,) = scene.mesh.calls("GetPerson")
    assert asked.caller.sandbox == partner


@OUTSIDE
async def test_nobody_is_warned_of_what_is_lenient_who_did_not_ask_for_it(
    tmp_path: Path, mesh: str, partner: bool
) -> None:
    async with running(tmp_path, {"YIBAO_SANDBOX": mesh}) as scene:
        scene.partners[HOSPITAL] = keyed(partner)
        answer = await scene.send(envelope("2207", {"data": BILL}, infver=""), headers={"apikey": KEY})
        assert (answer["infcode"], answer["warn_msg"]) == (0, None)


@pytest.mark.parametrize("sandbox", [True, False])
def test_what_a_bug_says_is_written_in_a_sandbox_alone(sandbox: bool, caplog: pytest.LogCaptureFixture) -> None:
    told = internal_error(logging.getLogger("yibao.gateway"), ValueError("the name of a person"), sandbox)
    (record,) = caplog.records
    written = str(vars(record))
    assert told.error_id in written
    assert ("the name of a person" in written) == sandbox


def resolved(partner: partner_pb2.Partner) -> Any:
    """What identity tells of whoever shows the key."""
    role = options_pb2.ROLE_INSTITUTION
    return partner_pb2.ResolvePartnerResponse(partner=partner, role=role, subject=partner.partner_code)
