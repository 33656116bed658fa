"""A mesh of one cell in processes of its own, and beside it the twins of all channels, on files that outlive them."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from services.kernel.clock import system_clock
from services.runtime.config import Config
from tests.mesh.harness import MESH_KEY, OPERATOR_KEY, Mesh
from tests.mesh.hospital import Hospital, hospital_at, rest
from tests.mesh.people import Newcomers
from tests.mesh.seeds import seed_requests
from tests.payment.suite.party import (
    APP,
    CODE,
    MIXED,
    AlipayParty,
    BankParty,
    CashParty,
    NationalParty,
    Party,
    WeChatParty,
)
from tests.runtime.receiver import Receiver, receiving
from tests.torture.cells.processes import Part, Running, called
from tests.twins.wechat_desk import fresh_state
from tools.running import HOST, free_ports, ports_of
from tools.sandbox_keys import key_of
from yibao.identity.v1 import partner_pb2
from yibao.options.v1 import options_pb2

FRONT: Final = Part("front", ("catalogue", "identity", "routing", "gateway"))
SETTLEMENT: Final = Part("settlement", ("settlement",))
PAYMENT: Final = Part("payment", ("payment",))
MEMBERS: Final = (FRONT, SETTLEMENT, PAYMENT)
WAYS: Final = ((WeChatParty, MIXED), (AlipayParty, MIXED), (BankParty, CODE), (NationalParty, APP), (CashParty, CODE))
"""Channels, and how an order is paid at each."""
_KEY: Final = "sandbox-channel-{}"
_ASKS_BUREAU: Final = ("wechat", "alipay")
_HEARD: Final = (200, b'{"success":true,"message":"ok"}')
_FILES: Final = {"private_key": "private_key_file", "secret": "secret_file"}


@dataclass(slots=True)
class Square:
    """The processes, a hospital's line and where it is told (6302), people, and the channels' parties by name."""

    folder: Path
    config: Config
    mesh: Mesh
    hospital: Hospital
    people: Newcomers
    running: dict[Part, Running]
    parties: dict[str, Party]
    institution: Receiver
    twins: dict[str, Part] = field(default_factory=dict)

    def __getitem__(self, part: Part) -> Running:
        return self.running[part]

    def told(self, number: str) -> set[str]:
        """Which ordStas of an order the institution was told."""
        data = (json.loads(body)["input"]["data"] for _, body in self.institution.sent)
        return {str(each["ordStas"]) for each in data if each["payOrdId"] == number}

    async def mend(self) -> None:
        """Starts whatever has ended again, all at once, and arms nothing any more."""
        ended = [each for each in self.running.values() if not each.alive]
        for each in ended:
            await each.respawn()
        for each in ended:
            await each.ready()
        for each in self.running.values():
            await each.tell(do="begin")


@asynccontextmanager
async def square(folder: Path, names: Sequence[str]) -> AsyncIterator[Square]:
    """Starts the twins of these channels, writes what payment has to know of them, and starts the mesh."""
    settings = _settings(folder)
    config = Config.load({}, settings)
    url = f"http://{HOST}:{config.integer('YIBAO_GATEWAY_PORT')}"
    twins = {name: _twin(folder, name, url) for name in names if name != "cash"}
    running = {part: Running(part, settings, folder / f"{part.name}.log") for part in (*twins.values(), *MEMBERS)}
    async with AsyncExitStack() as open_:
        open_.callback(_kill, running)
        for part in twins.values():
            running[part].spawn()
        parties: dict[str, Party] = {}
        for party, form in WAYS:
            if party.name in names:
                base = await _answers(running, twins.get(party.name))
                client = httpx.AsyncClient(base_url=base, trust_env=False, verify=False, timeout=10.0)
                parties[party.name] = party(await open_.enter_async_context(client), await _keys(client, base), form)
        _write_merchants(folder, [each for each in parties.values() if each.name != "cash"], url)
        for part in MEMBERS:
            running[part].spawn()
        for part in MEMBERS:
            await running[part].ready()
        mesh = called(config, system_clock)
        open_.push_async_callback(_closed, mesh)
        for method, request in seed_requests(0):
            await mesh.call(method, request)
        hospital = await open_.enter_async_context(hospital_at(url, system_clock))
        institution = await open_.enter_async_context(receiving())
        institution.replies = [_HEARD]
        await mesh.call("yibao.identity.v1.PartnerService.RegisterPartner", _told_at(hospital.code, institution.port))
        keys = [("ROLE_CHANNEL", name.upper(), _KEY.format(name)) for name in _ASKS_BUREAU]
        for role, subject, key in (*keys, ("ROLE_INSTITUTION", hospital.code, key_of("institution", hospital.code))):
            asked = {"requestId": f"key-of-{subject}", "role": role, "subject": subject, "apiKey": key}
            await rest(hospital, "/v1/api-keys", asked)
        yield Square(folder, config, mesh, hospital, Newcomers(mesh), running, parties, institution, twins)


def _kill(running: Mapping[Part, Running]) -> None:
    for each in running.values():
        if hasattr(each, "process"):
            each.kill()


def _told_at(code: str, port: int) -> partner_pb2.RegisterPartnerRequest:
    """The institution's profile with an address."""
    partner = partner_pb2.Partner(
        partner_code=code,
        partner_name=f"测试{code}",
        role=options_pb2.ROLE_INSTITUTION,
        auth_style=partner_pb2.AUTH_STYLE_NONE,
        sandbox=True,
        notify_url=f"http://{HOST}:{port}/6302",
    )
    return partner_pb2.RegisterPartnerRequest(request_id="told-at", partner=partner)


async def _closed(mesh: Mesh) -> None:
    for channel in mesh.channels.values():
        await channel.close()


async def _answers(running: dict[Part, Running], part: Part | None) -> str:
    """Where a twin answers, once it does."""
    if part is None:
        return ""
    await running[part].ready()
    return f"http://{HOST}:{part.words[part.words.index('--port') + 1]}"


async def _keys(client: httpx.AsyncClient, base: str) -> dict[str, Any]:
    return dict((await client.get("/_twin/keys")).json()) if base else {}


def _settings(folder: Path) -> dict[str, str]:
    return {
        "YIBAO_SANDBOX": "on",
        "YIBAO_DATA_DIR": str(folder / "data"),
        "YIBAO_MESH_KEY": MESH_KEY,
        "YIBAO_BOOTSTRAP_OPERATOR_KEY": OPERATOR_KEY,
        "YIBAO_LOG_LEVEL": "error",
        "YIBAO_TRACE_EXPORTER": "none",
        "YIBAO_MERCHANTS": str(folder / "merchants.yaml"),
    } | ports_of()


def _twin(folder: Path, name: str, url: str) -> Part:
    """The process of a twin: its ports and its file stay the same."""
    port, state = _two_ports(), folder / f"{name}.twin"
    if name == "wechat":
        state.write_bytes(fresh_state())
    words: tuple[str, ...] = (name, "--port", str(port), "--state", str(state), "--hang", "0", "--time-scale", "0.01")
    if name in _ASKS_BUREAU:
        key = folder / f"{name}.bureau"
        key.write_text(_KEY.format(name))
        words = (*words, "--bureau", url, "--bureau-key", str(key))
    program = "tests.torture.paying.twin_launcher"
    return Part(f"twin of {name}", program=program, words=words, ready="the twin of")


def _two_ports() -> int:
    """A free port with a free one behind it."""
    while True:
        (first,) = free_ports(1)
        if _free(first + 1):
            return first


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def _write_merchants(folder: Path, parties: Sequence[Party], url: str) -> None:
    """The file of merchants, with its keys beside it."""
    rows = []
    for party in parties:
        account, row = party.account(f"{url}/v1/channels", 1), dict[str, Any]()
        for name in account.__slots__:
            value = getattr(account, name)
            if name == "provider_keys":
                row[name] = {each: _file(folder, f"{party.name}.{at}", text) for at, (each, text) in _numbered(value)}
            elif value:
                row[_FILES.get(name, name)] = _file(folder, f"{party.name}.{name}", value) if name in _FILES else value
        rows.append(row)
    (folder / "merchants.yaml").write_text(yaml.safe_dump({"accounts": rows}, default_style='"'))


def _numbered(keys: dict[str, str]) -> list[tuple[int, tuple[str, str]]]:
    return list(enumerate(keys.items()))


def _file(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return name
