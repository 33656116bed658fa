"""A member as a server: it says why it cannot start, follows its own store, and lets running calls end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services import mesh
from services.kernel.clock import Clock
from services.kernel.errors import Fault, FaultKind
from services.runtime import server as server_module
from services.runtime import transport
from services.runtime.auth import TokenSigner
from services.runtime.config import Config, ConfigError
from services.runtime.embedded import EmbeddedMesh, imported_build
from services.runtime.identifiers import time_ordered_ids
from services.runtime.server import MemberServer, StartError
from services.runtime.telemetry import Telemetry
from tests.runtime import desk
from tests.runtime.desk import INSTITUTION, look


class Life:
    """Writes down what happens to a member."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def note(self, what: str) -> Callable[[], Any]:
        async def happen() -> None:
            self.seen.append(what)

        return happen


def bare(config: Config, name: str = "identity", **hooks: Any) -> MemberServer:
    """A member that serves nothing but its health."""
    member = mesh.Member(name, 0, ())
    return MemberServer(member, config, Telemetry(name, config), [], **hooks)


async def state(address: str) -> Any:
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        return (await stub.Check(health_pb2.HealthCheckRequest())).status


async def test_a_taken_port_is_told_with_the_setting_that_changes_it(settings: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        life = Life()
        member = bare(Config.load({**settings, "YIBAO_IDENTITY_ADDRESS": address}), on_stop=life.note("closed"))
        with pytest.raises(StartError) as caught:
            await member.start()
    assert address in str(caught.value)
    assert "YIBAO_IDENTITY_ADDRESS" in str(caught.value)
    assert life.seen == ["closed"]


async def test_a_second_member_does_not_share_a_port_without_a_word(settings: dict[str, str]) -> None:
    first = bare(Config.load(settings))
    await first.start()
    second = bare(Config.load({**settings, "YIBAO_IDENTITY_ADDRESS": first.address}))
    with pytest.raises(StartError):
        await second.start()
    await first.stop(0)


async def test_deliberate_workers_share_a_port(settings: dict[str, str]) -> None:
    first = bare(Config.load({**settings, "YIBAO_WORKERS": "2"}))
    await first.start()
    second = bare(Config.load({**settings, "YIBAO_WORKERS": "2", "YIBAO_IDENTITY_ADDRESS": first.address}))
    await second.start()
    assert first.address == second.address
    await first.stop(0)
    await second.stop(0)


async def test_health_follows_the_own_store(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_HEALTH_EVERY_S", 0.02)
    answers: list[bool | None] = [True]
    looked = asyncio.Event()

    async def ready() -> bool:
        looked.set()
        answer = answers[0]
        if answer is None:
            raise OSError("a store that breaks its word")
        return answer

    member = bare(Config.load(settings), ready=ready)
    await member.start()
    serving, resting = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
    seen = []
    for answer in (True, False, None, True):
        answers[0] = answer
        # The next look has this answer, and has told it once another one begins.
        for _ in range(2):
            looked.clear()
            await asyncio.wait_for(looked.wait(), 20)
        seen.append(await state(member.address))
    assert seen == [serving, resting, resting, serving]
    await member.stop(0)


async def test_a_running_call_gets_its_grace_and_the_store_closes_last(settings: dict[str, str]) -> None:
    life = Life()
    running = await desk.start(settings)
    running.server._on_stop = life.note("closed")
    call = asyncio.create_task(running.raw("Look", look("slow"), INSTITUTION))
    await running.servicer.waiting.wait()
    stopping = asyncio.create_task(running.server.stop(5))
    await asyncio.sleep(0.05)
    assert life.seen == []
    running.servicer.release.set()
    assert desk.messages().LookResponse.FromString(await call).said == "slow!"
    await asyncio.wait_for(stopping, 4)
    assert life.seen == ["closed"]
    with pytest.raises(Fault) as refused:
        await running.raw("Look", look(), INSTITUTION)
    assert refused.value.kind is FaultKind.UNAVAILABLE
    await running.stop()


async def test_a_call_that_outlives_the_grace_is_ended(settings: dict[str, str]) -> None:
    running = await desk.start(settings)
    call = asyncio.create_task(running.raw("Look", look("slow"), INSTITUTION))
    await running.servicer.waiting.wait()
    await asyncio.wait_for(running.server.stop(0.1), 3)
    with pytest.raises(Fault):
        await call
    await running.stop()


async def test_outside_loopback_members_meet_by_tls_or_say_that_they_do_not(settings: dict[str, str]) -> None:
    outside = {**settings, "YIBAO_IDENTITY_ADDRESS": "0.0.0.0:0"}
    with pytest.raises(ConfigError) as caught:
        await bare(Config.load(outside)).start()
    assert [problem.split()[0] for problem in caught.value.problems] == [
        "YIBAO_TLS_CERTIFICATE",
        "YIBAO_TLS_KEY",
        "YIBAO_TLS_AUTHORITY",
    ]
    plain = bare(Config.load({**outside, "YIBAO_TLS": "off"}))
    await plain.start()
    await plain.stop(0)


class Fake:
    """A member that only notes its life; one of them may fail to start."""

    def __init__(self, name: str, life: Life, failure: Exception | None) -> None:
        self.name = name
        self.life = life
        self.failure = failure
        self.address = f"{name}:1"

    async def start(self) -> None:
        if self.failure is not None:
            raise self.failure
        self.life.seen.append(f"+{self.name}")

    async def stop(self, grace_s: float) -> None:
        self.life.seen.append(f"-{self.name} {grace_s}")


def mesh_of_fakes(config: Config, life: Life, names: tuple[str, ...] = (), **failures: Exception) -> EmbeddedMesh:
    def build_of(member: mesh.Member) -> Any:
        def build(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> Fake:
            assert telemetry.service_name == member.name
            return Fake(member.name, life, failures.get(member.name))

        return build

    return EmbeddedMesh(config, names, desk.clock, build_of)


async def test_members_start_after_those_they_call_and_stop_before_them(config: Config) -> None:
    life = Life()
    running = mesh_of_fakes(config, life)
    await running.start()
    order = [each.name for each in mesh.start_order()]
    assert running.addresses == {name: f"{name}:1" for name in order}
    await running.stop()
    assert life.seen == [f"+{name}" for name in order] + [f"-{name} 5.0" for name in reversed(order)]
    assert order[-1] == mesh.GATEWAY


async def test_only_the_members_named_are_started(config: Config) -> None:
    life = Life()
    running = mesh_of_fakes(config, life, ("settlement",))
    await running.start()
    await running.stop(0)
    assert life.seen == ["+settlement", "-settlement 0"]


async def test_a_member_that_cannot_start_takes_the_others_down_and_is_named(config: Config) -> None:
    life = Life()
    failure = Fault(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE")
    with pytest.raises(StartError) as caught:
        await mesh_of_fakes(config, life, settlement=failure).start()
    assert "settlement cannot start" in str(caught.value)
    assert "YIBAO_SETTLEMENT_DATABASE_URL" in str(caught.value)
    started = [each[1:] for each in life.seen if each.startswith("+")]
    stopped = [each[1:].split()[0] for each in life.seen if each.startswith("-")]
    assert started == stopped[::-1]
    assert "gateway" not in started


def test_a_member_is_imported_by_its_place_in_the_tree() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"services\.absent"):
        imported_build(mesh.Member("absent", 0, ()))


def test_ids_grow_and_never_repeat_even_where_the_clock_stands_still() -> None:
    class Same:
        def randrange(self, stop: int) -> int:
            return 7

    source: Any = Same()
    new_id = time_ordered_ids(desk.clock, source)
    made = [new_id("S") for _ in range(1000)]
    assert len(set(made)) == 1000
    assert made == sorted(made)
    assert all(len(each) == 21 and each[1:].isdigit() for each in made)


async def test_who_connects_and_says_nothing_is_left_and_others_are_served(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_HANDSHAKE_MS", 300)
    monkeypatch.setattr(transport, "_MOST_CONNECTIONS", 8)
    member = bare(Config.load(settings))
    await member.start()
    host, _, port = member.address.rpartition(":")
    try:
        async with grpc.aio.insecure_channel(member.address) as known:
            stub: Any = health_pb2_grpc.HealthStub(known)
            await stub.Check(health_pb2.HealthCheckRequest())
            silent = [await asyncio.open_connection(host, int(port)) for _ in range(40)]
            assert (await stub.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
            async with asyncio.timeout(5):
                for reader, writer in silent:
                    with suppress(ConnectionError):
                        while await reader.read(4_096):
                            pass
                    writer.close()
            assert await state(member.address) == health_pb2.HealthCheckResponse.SERVING
    finally:
        await member.stop(0)
