"""How long a caller waits: one limit from the arrival of its request, look-ups included, and what `Grpc-Timeout` changes."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import Any

import httpx
import pytest

from gateway import partners, rest
from gateway.http import asked_timeout_s
from gateway.national import face
from services.kernel.errors import Fault
from tests.gateway.conftest import Scene, envelope
from tests.gateway.test_national import BILL
from tests.gateway.test_rest import KEYS, bearer, details
from tools.cli import ledger
from tools.cli.mesh_client import MeshClient

GIVES_UP_S = 10.0
"""After this time a hospital client takes its answer for lost."""


async def hang(request: object) -> None:
    """A peer that takes a call and says nothing."""
    await asyncio.sleep(60)


def after(delay_s: float, answer: Any) -> Any:
    """A peer that takes its time."""

    async def slow(request: Any) -> Any:
        await asyncio.sleep(delay_s)
        found = answer(request)
        return await found if inspect.isawaitable(found) else found

    return slow


class TestNational:
    @pytest.fixture
    def hasty(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
        """A fifth of the real limits, so that a test need not wait for those."""
        monkeypatch.setattr(face, "TIMEOUT_S", face.TIMEOUT_S / 5)
        monkeypatch.setattr(partners, "_TIMEOUT_S", partners._TIMEOUT_S / 5)
        return scene

    def test_the_look_ups_leave_time_for_the_call_and_all_ends_before_clients_give_up(self) -> None:
        assert 2 * partners._TIMEOUT_S < face.TIMEOUT_S < GIVES_UP_S

    async def test_a_call_has_what_the_look_ups_left_of_the_time(self, hasty: Scene) -> None:
        hasty.mesh.answers["ResolvePartner"] = after(0.5, hasty.mesh.answers["ResolvePartner"])
        hasty.mesh.answers["CheckSignNo"] = hang
        hasty.mesh.answers["Settle"] = hang
        begun = time.monotonic()
        answer = await hasty.client.post("/", json=envelope("2207", {"data": BILL}, sign_no="S1"))
        assert time.monotonic() - begun < face.TIMEOUT_S + 0.7
        assert answer.status_code == 504
        assert answer.json()["err_msg"].startswith("[DEADLINE_EXCEEDED] ")
        assert all(asked.left_s < face.TIMEOUT_S - 1.0 for asked in hasty.mesh.calls("Settle"))

    async def test_of_a_message_whose_time_is_up_before_it_is_looked_at_nobody_is_asked(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(face, "TIMEOUT_S", 0.0)
        answer = await scene.client.post("/", json=envelope("2207", {"data": BILL}))
        assert answer.status_code == 504
        assert answer.json()["err_msg"].startswith("[DEADLINE_EXCEEDED] ")
        assert scene.mesh.asked == []

    async def test_a_profile_that_is_not_told_costs_its_time_and_no_more(self, hasty: Scene) -> None:
        hasty.mesh.answers["ResolvePartner"] = hang
        begun = time.monotonic()
        answer = await hasty.client.post("/", json=envelope("2207", {"data": BILL}))
        assert time.monotonic() - begun < face.TIMEOUT_S
        assert answer.status_code == 504
        assert not hasty.mesh.calls("Settle")


class TestRest:
    @pytest.fixture
    def keyed(self, scene: Scene) -> Scene:
        """A scene with a key of each role."""
        scene.keys.update(KEYS)
        return scene

    @pytest.mark.parametrize(
        ("key", "asked", "least", "most"),
        [
            ("operator-key", None, 5, 10),
            ("operator-key", "300S", 290, 300),
            ("operator-key", "2M", 110, 120),
            ("operator-key", "1H", 590, 600),
            ("operator-key", "5000m", 1, 5),
            ("person-key", None, 5, 10),
            ("person-key", "300S", 5, 10),
            ("person-key", "5000000u", 1, 5),
        ],
    )
    async def test_everybody_gets_less_and_operators_get_more(
        self, keyed: Scene, key: str, asked: str | None, least: float, most: float
    ) -> None:
        headers = bearer(key) | ({"Grpc-Timeout": asked} if asked else {})
        found = await keyed.client.post("/v1/persons:get", json={"psnNo": "1"}, headers=headers)
        assert found.status_code == 200
        (call,) = keyed.mesh.calls("GetPerson")
        assert least < call.left_s <= most

    @pytest.mark.parametrize("silent", ["ResolvePartner", "GetPerson"])
    async def test_a_short_time_ends_the_wait_whoever_is_silent(self, keyed: Scene, silent: str) -> None:
        keyed.mesh.answers[silent] = hang
        headers = bearer("person-key") | {"Grpc-Timeout": "300m"}
        begun = time.monotonic()
        found = await keyed.client.post("/v1/persons:get", json={"psnNo": "1"}, headers=headers)
        assert time.monotonic() - begun < 2
        assert found.status_code == 504
        assert details(found.json())["ErrorInfo"]["reason"] == "DEADLINE_EXCEEDED"

    async def test_the_look_up_of_a_key_is_part_of_the_time(
        self, keyed: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rest, "TIMEOUT_S", 3.0)
        keyed.mesh.answers["ResolvePartner"] = after(0.5, keyed.mesh.answers["ResolvePartner"])
        await keyed.client.post("/v1/persons:get", json={"psnNo": "1"}, headers=bearer("person-key"))
        assert keyed.mesh.calls("GetPerson")[0].left_s <= 2.5

    @pytest.mark.parametrize("text", ["", "10", "S", "0S", "00000000m", "1.5S", "-1S", "123456789S", "5s", "5 S", "١S"])
    async def test_a_time_that_is_none_is_refused_by_the_name_of_the_header(self, keyed: Scene, text: str) -> None:
        headers = [(b"authorization", b"Bearer operator-key"), (b"grpc-timeout", text.encode())]
        found = await keyed.client.post("/v1/persons:get", json={"psnNo": "1"}, headers=headers)
        assert found.status_code == 400
        (broken,) = details(found.json())["BadRequest"]["fieldViolations"]
        assert (broken["field"], broken["reason"]) == ("Grpc-Timeout", "header.timeout")
        assert not keyed.mesh.calls("GetPerson")

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [("2H", 7200), ("3M", 180), ("300S", 300), ("500m", 0.5), ("250u", 0.00025), ("99999999n", 0.099999999)],
    )
    def test_every_unit_is_read(self, text: str, seconds: float) -> None:
        assert asked_timeout_s({"grpc-timeout": text}) == pytest.approx(seconds)

    def test_without_the_header_nothing_is_asked(self) -> None:
        assert asked_timeout_s({}) is None

    def test_the_refusal_is_invalid(self) -> None:
        with pytest.raises(Fault) as caught:
            asked_timeout_s({"grpc-timeout": "soon"})
        assert caught.value.reason == "INVALID_REQUEST"


class TestLedgerVerify:
    async def test_it_asks_for_all_the_time_that_an_operator_gets(
        self, scene: Scene, capsys: pytest.CaptureFixture[str]
    ) -> None:
        scene.keys.update(KEYS)
        with MeshClient(f"http://{scene.server.address}", "operator-key") as client:
            assert await asyncio.to_thread(ledger.verify, client) == 0
        (asked,) = scene.mesh.calls("VerifyLedger")
        assert rest.OPERATOR_TIMEOUT_S - 10 < asked.left_s <= rest.OPERATOR_TIMEOUT_S
        assert "0 findings" in capsys.readouterr().out

    def test_it_waits_as_long_as_it_asks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: dict[str, Any] = {}

        def post(self: httpx.Client, url: str, **options: Any) -> httpx.Response:
            seen.update(options)
            return httpx.Response(200, json={})

        monkeypatch.setattr(httpx.Client, "post", post)
        with MeshClient("http://127.0.0.1:1", "operator-key") as client:
            assert ledger.verify(client) == 0
        assert seen["headers"]["Grpc-Timeout"] == f"{ledger.WITHIN_S}S"
        assert seen["timeout"].read > ledger.WITHIN_S
        assert ledger.WITHIN_S == rest.OPERATOR_TIMEOUT_S
