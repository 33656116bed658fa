"""A running gateway on loopback, with fake members behind it, a clock that a test may set, and an HTTP client."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway import tables
from gateway.app import HttpServer, build
from gateway.national.transactions import Transactions
from services.kernel.errors import not_found
from services.runtime.config import Config
from services.runtime.telemetry import Telemetry
from tests.gateway.fake_mesh import FakeMesh
from tests.gateway.spans import KeptSpans
from tests.tokens import Tokens
from yibao.identity.v1 import partner_pb2, sign_in_pb2
from yibao.options.v1 import options_pb2

HOSPITAL = "H99010000001"
KEY = "k" * 32


@dataclass(slots=True)
class SetClock:
    """A clock that stands where a test puts it, and then runs on."""

    moment: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment


@dataclass(slots=True)
class Scene:
    """A gateway, its members and a client of it."""

    server: HttpServer
    mesh: FakeMesh
    clock: SetClock
    spans: KeptSpans
    telemetry: Telemetry
    client: httpx.AsyncClient
    partners: dict[str, partner_pb2.Partner]
    keys: dict[str, tuple[int, str]]

    async def send(self, body: Any, path: str = "/fsi/api/any", **options: Any) -> Any:
        """Posts an envelope and returns the answer's JSON."""
        answer = await self.client.post(path, json=body, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()


def envelope(infno: str, nodes: Any, **changes: Any) -> dict[str, Any]:
    """An envelope as a hospital sends it."""
    base = {
        "infno": infno,
        "msgid": f"{HOSPITAL}202501151030000001",
        "mdtrtarea_admvs": "990100",
        "insuplc_admdvs": "990100",
        "recer_sys_code": "99",
        "dev_no": "",
        "dev_safe_info": "",
        "cainfo": "",
        "signtype": "SM2",
        "infver": "1.0.0",
        "opter_type": "1",
        "opter": "0001",
        "opter_name": "测试操作员",
        "inf_time": "2025-01-15 10:30:00",
        "fixmedins_code": HOSPITAL,
        "fixmedins_name": "测试医院",
        "sign_no": "S0001",
        "input": nodes,
    }
    return base | changes


def hospital(**changes: Any) -> partner_pb2.Partner:
    """A sandbox institution without authentication."""
    values: dict[str, Any] = {
        "partner_code": HOSPITAL,
        "role": options_pb2.ROLE_INSTITUTION,
        "auth_style": partner_pb2.AUTH_STYLE_NONE,
        "sandbox": True,
    }
    return partner_pb2.Partner(**(values | changes))


@pytest.fixture
def settings() -> dict[str, str]:
    """Settings that a test module may replace."""
    return {}


@pytest.fixture(scope="session")
def compiled() -> Transactions:
    """The table of transactions as every gateway has it."""
    return tables.transactions()


@pytest.fixture
async def scene(tmp_path: Path, settings: dict[str, str]) -> AsyncIterator[Scene]:
    """A gateway in a sandbox with one hospital that need not prove anything."""
    async with running(tmp_path, settings) as made:
        yield made


@asynccontextmanager
async def running(folder: Path, settings: dict[str, str]) -> AsyncIterator[Scene]:
    """The same, for as long as a block lasts."""
    clock = SetClock()
    tokens = Tokens(KEY, clock)
    mesh = FakeMesh(tokens)
    await mesh.start()
    address = f"127.0.0.1:{mesh.port}"
    names = ("IDENTITY", "CATALOGUE", "SETTLEMENT")
    given = {f"YIBAO_{name}_ADDRESS": address for name in names} | {
        "YIBAO_SANDBOX": "on",
        "YIBAO_GATEWAY_PORT": "0",
        "YIBAO_MESH_KEY": KEY,
        "YIBAO_DATA_DIR": str(folder),
        "YIBAO_TRACE_EXPORTER": "none",
    }
    config = Config.load({}, given | settings)
    spans = KeptSpans()
    telemetry = Telemetry("gateway", config, spans)
    server = await build(config, clock, telemetry, tokens.signer("gateway"))
    await server.start()
    partners = {HOSPITAL: hospital()}
    keys: dict[str, tuple[int, str]] = {}
    mesh.answers["ResolvePartner"] = _resolver(partners, keys)
    mesh.answers["CheckSignNo"] = sign_in_pb2.CheckSignNoResponse(open=True)
    try:
        async with httpx.AsyncClient(base_url=f"http://{server.address}", timeout=20) as client:
            yield Scene(server, mesh, clock, spans, telemetry, client, partners, keys)
    finally:
        await server.stop(1)
        await mesh.stop()
        telemetry.stop()


def _resolver(
    partners: dict[str, partner_pb2.Partner], keys: dict[str, tuple[int, str]]
) -> Callable[[partner_pb2.ResolvePartnerRequest], Any]:
    def resolve(request: partner_pb2.ResolvePartnerRequest) -> Any:
        partner = partners.get(request.partner_code)
        if partner is not None:
            return partner_pb2.ResolvePartnerResponse(partner=partner, role=partner.role, subject=partner.partner_code)
        for key, (role, subject) in keys.items():
            if request.api_key_digest == hashlib.sha256(key.encode()).hexdigest():
                return partner_pb2.ResolvePartnerResponse(role=options_pb2.Role.ValueType(role), subject=subject)
        return not_found("API_KEY_UNKNOWN" if request.api_key_digest else "PARTNER_NOT_FOUND")

    return resolve
