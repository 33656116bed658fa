"""The ways between members: TLS both ways where it is asked for, and spans to a collector by OTLP."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.kernel.errors import Fault
from services.runtime import transport
from services.runtime.config import Config, ConfigError
from services.runtime.contract import stub_class
from services.runtime.outbound import Peers
from services.runtime.telemetry import SpanKind, Telemetry
from tests.runtime import desk


def certificates(folder: Path, name: str = "127.0.0.1") -> dict[str, str]:
    """Settings of a member that proves itself by a certificate of an authority of its own, for a name."""
    folder.mkdir()
    key, certificate, authority = (folder / f"{name}.pem" for name in ("key", "certificate", "authority"))
    made = trustme.CA()
    issued = made.issue_cert(name)
    issued.private_key_pem.write_to_path(key)
    for place, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(certificate, append=place > 0)
    made.cert_pem.write_to_path(authority)
    return {
        "YIBAO_TLS": "on",
        "YIBAO_TLS_CERTIFICATE": str(certificate),
        "YIBAO_TLS_KEY": str(key),
        "YIBAO_TLS_AUTHORITY": str(authority),
    }


@pytest.fixture
def tls(tmp_path: Path) -> dict[str, str]:
    """Settings of a mesh whose members prove themselves by certificates of one authority."""
    return certificates(tmp_path / "mesh")


async def test_members_with_certificates_of_one_authority_meet(settings: dict[str, str], tls: dict[str, str]) -> None:
    running = await desk.start({**settings, **tls})
    try:
        assert (await running.peers.call(running.stub.Look, desk.look("hello"))).said == "hello!"
    finally:
        await running.stop()


@pytest.mark.parametrize("proof", ["none", "of another authority"])
async def test_a_caller_without_a_certificate_of_the_mesh_is_not_served(
    settings: dict[str, str], tls: dict[str, str], proof: str, tmp_path: Path
) -> None:
    running = await desk.start({**settings, **tls})
    stranger = {} if proof == "none" else certificates(tmp_path / "stranger")
    # Even one that believes the mesh's certificates.
    believes = {"YIBAO_TLS_AUTHORITY": tls["YIBAO_TLS_AUTHORITY"]} if stranger else {}
    config = Config.load({**settings, **stranger, **believes, "YIBAO_IDENTITY_ADDRESS": running.server.address})
    peers = Peers("settlement", config, running.tokens.signer("settlement"), running.telemetry)
    try:
        with pytest.raises(Fault) as caught:
            await peers.call(peers.stub(stub_class(desk.SERVICE), "identity").Look, desk.look(), timeout_s=1)
        assert caught.value.reason in ("PEER_UNAVAILABLE", "DEADLINE_EXCEEDED")
        assert running.servicer.calls == []
    finally:
        await peers.close()
        await running.stop()


async def test_a_certificate_that_cannot_be_read_is_named(settings: dict[str, str], tls: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"YIBAO_TLS_KEY: .*absent\.pem cannot be read"):
        await desk.start({**settings, **tls, "YIBAO_TLS_KEY": "absent.pem"})


async def test_who_is_not_there_any_more_is_given_up_soon(settings: dict[str, str]) -> None:
    # As the address of a container that was started anew elsewhere: an attempt to connect ends by its own time only.
    silent = socket.create_server(("127.0.0.1", 0))
    settings = {**settings, "YIBAO_IDENTITY_ADDRESS": f"127.0.0.1:{silent.getsockname()[1]}"}
    config = Config.load(settings)
    way = transport.GrpcTransport("identity", config, alone=True)
    try:
        with pytest.raises(Fault, match="DEADLINE_EXCEEDED"):
            await way.unary("/grpc.health.v1.Health/Check", b"", (), 0.3)
        taken, _ = silent.accept()
        silent.close()
        running = await desk.start(settings)
        begun, answer = asyncio.get_running_loop().time(), b""
        try:
            while not answer and asyncio.get_running_loop().time() < begun + 5:
                with suppress(Fault):
                    answer = await way.unary("/grpc.health.v1.Health/Check", b"", (), 5)
            assert health_pb2.HealthCheckResponse.FromString(answer).status == health_pb2.HealthCheckResponse.SERVING
        finally:
            await running.stop()
            taken.close()
    finally:
        await way.close()


@asynccontextmanager
async def pinged(settings: dict[str, str], every_ms: int) -> AsyncIterator[Any]:
    """A watch of a member's health over a channel that pings as often, with its first answer read."""
    running = await desk.start(settings)
    options = [
        ("grpc.keepalive_time_ms", every_ms),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    try:
        async with grpc.aio.insecure_channel(running.server.address, options) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            watch = stub.Watch(health_pb2.HealthCheckRequest())
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
            yield watch
    finally:
        await running.stop()


def test_grpc_knows_every_option_that_it_is_given(settings: dict[str, str]) -> None:
    # It ignores a name that it does not know without a word: pings were refused, for their limit stood under a wrong one.
    config = Config.load(settings)
    names = [
        name for name, _ in (*transport.server_options(config, shared_port=True), *transport.channel_options(config))
    ]
    library = Path(str(import_module("grpc._cython.cygrpc").__file__)).read_bytes()
    assert [name for name in names if name.encode() + b"\0" not in library] == []


def test_half_of_the_ten_seconds_that_clients_are_set_to_is_tolerated(settings: dict[str, str]) -> None:
    options = dict(transport.server_options(Config.load(settings), shared_port=False))
    assert options["grpc.http2.min_ping_interval_without_data_ms"] == 5_000
    assert options["grpc.keepalive_permit_without_calls"] == 1


@pytest.mark.torture
async def test_pings_every_ten_seconds_are_tolerated(settings: dict[str, str]) -> None:
    async with pinged(settings, 10_000) as watch:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watch.read(), 65)


class Collector(BaseHTTPRequestHandler):
    """Keeps what is posted."""

    received: list[ExportTraceServiceRequest]

    def do_POST(self) -> None:
        """One batch of spans."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's own name
        """Says nothing."""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    received: list[ExportTraceServiceRequest] = []
    with HTTPServer(("127.0.0.1", 0), type("Bound", (Collector,), {"received": received})) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", received
        server.shutdown()
        thread.join()


def test_spans_go_to_a_collector_by_setting(
    settings: dict[str, str], collector: tuple[str, list[ExportTraceServiceRequest]], tmp_path: Path
) -> None:
    endpoint, received = collector
    otlp = {**settings, "YIBAO_TRACE_EXPORTER": "otlp", "YIBAO_OTLP_ENDPOINT": endpoint}
    telemetry = Telemetry("settlement", Config.load(otlp))
    with telemetry.span("work", SpanKind.SERVER, {"yibao.msgid": "m1"}) as span:
        span.fail("NOT_FOUND", "NOTE_NOT_FOUND")
    telemetry.stop()
    (batch,) = received
    (resource,) = batch.resource_spans
    (scope,) = resource.scope_spans
    (sent,) = scope.spans
    assert {each.key: each.value.string_value for each in resource.resource.attributes} == {
        "service.name": "settlement"
    }
    assert (sent.name, sent.trace_id.hex(), sent.span_id.hex()) == (
        "work",
        f"{span.trace_id:032x}",
        f"{span.span_id:016x}",
    )
    assert {each.key: each.value.string_value for each in sent.attributes} == {
        "yibao.msgid": "m1",
        "yibao.code": "NOT_FOUND",
        "yibao.reason": "NOTE_NOT_FOUND",
    }
    assert (sent.status.code, sent.status.message) == (2, "NOTE_NOT_FOUND")
    assert not (tmp_path / "traces.sqlite").exists()
