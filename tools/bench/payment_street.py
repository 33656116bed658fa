"""What the figures of payment stand on: a mesh of one cell with the twins beside it, people who may pay, and orders as a hospital
and a person send them over REST.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from services.runtime.config import Config
from services.runtime.outgoing import HttpAnswer, Outgoing, Unanswered
from services.runtime.telemetry import Telemetry
from tools.bench import world
from tools.bench.preparation import Unprepared
from tools.bench.subject import LAYOUTS, Choice
from tools.beside import MERCHANTS, Twins, beside
from tools.cli import seed
from tools.cli.mesh_client import MeshClient
from tools.played.people import DIVISION, EMPLOYEE, InventedPerson, opening, person, person_record
from tools.running import RunningMesh, settings, start, stop
from tools.sandbox_keys import INSTITUTION, key_of
from yibao.identity.v1 import person_pb2
from yibao.settlement.v1 import ledger_pb2

T = TypeVar("T")
S = TypeVar("S")

AT_ONCE: Final = 24
"""Orders that are sent at the same time."""
PRICE_FEN: Final = 250_000
_DESK: Final = {"fixmedinsCode": INSTITUTION, "mdtrtareaAdmvs": DIVISION}
_ITEM: Final = "XTESTDRUG0001"
_A_CALL: Final = 500
_TIMEOUT_S: Final = 20.0
_RATIO: Final = "YIBAO_TRACE_RATIO"


@dataclass(slots=True)
class Street:
    """A mesh and its twins, which may be started again by the same arguments; `people` are numbers of who may pay."""

    values: dict[str, str]
    arguments: tuple[str, ...]
    twins: Twins
    mesh: RunningMesh
    people: list[int] = field(default_factory=list)
    _run: str = field(default_factory=lambda: secrets.token_hex(4))
    _serial: int = 0

    def number(self) -> str:
        """A number that nothing has yet."""
        self._serial += 1
        return f"{self._run}{self._serial:06}"

    def kill(self) -> None:
        """The mesh is gone at once, as by a cut of the power."""
        self.mesh.process.kill()
        self.mesh.process.wait()

    def again(self) -> None:
        """The mesh is started where it was."""
        self.mesh = start(self.values, arguments=self.arguments)

    def tracing(self, ratio: float) -> None:
        """The mesh is stopped and started where it was, and keeps that share of its traces from now on."""
        stop(self.mesh.process)
        self.values[_RATIO] = str(ratio)
        self.again()

    def phases(self) -> dict[str, int]:
        """How many orders stand where, by payment's own store."""
        path = Path(self.values["YIBAO_DATA_DIR"]) / "payment.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10.0)) as store:
            return dict(store.execute("SELECT phase, COUNT(*) FROM pay_order GROUP BY phase"))


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that was placed: number, token, and the authorisation that it was placed under."""

    number: str
    token: str


@contextmanager
def street(folder: Path, people: int, choice: Choice) -> Iterator[Street]:
    """A seeded mesh, run as is chosen, with twins and so many people, for the length of a block."""
    values = settings(folder, secrets.token_hex(16), own_ports=True)
    values |= {_RATIO: str(choice.trace_ratio), **choice.settings}
    arguments = LAYOUTS[choice.layout]
    with beside(values, free_ports=True) as twins:
        values |= {MERCHANTS: str(twins.merchants)}
        made = Street(values, arguments, twins, start(values, arguments=arguments))
        try:
            seed.load_cells(made.mesh.urls, made.mesh.operator_key)
            _register(made, people)
            yield made
        finally:
            stop(made.mesh.process)


def _register(at: Street, people: int) -> None:
    """People with money in their accounts, each with a key."""
    at.people = list(range(1, people + 1))
    with MeshClient(at.mesh.url, at.mesh.operator_key) as operator:
        for first in range(0, people, _A_CALL):
            part = at.people[first : first + _A_CALL]
            persons = person_pb2.RegisterPersonsRequest(
                request_id=at.number(), persons=[person_record(person(each)) for each in part]
            )
            operator.call("yibao.identity.v1.PersonService.RegisterPersons", persons)
            opened = ledger_pb2.OpenLedgerRequest(
                request_id=at.number(), openings=[opening(person(each).psn_no, world.OPENING_FEN) for each in part]
            )
            operator.call("yibao.settlement.v1.LedgerService.OpenLedger", opened)


class Caller:
    """A hospital, the people and the operator at the gateway, and the people at the twin of WeChat."""

    def __init__(self, at: Street) -> None:
        self._at = at
        untraced = Telemetry("bench", Config.load({"YIBAO_TRACE_EXPORTER": "none"}))
        self._client = Outgoing(untraced, connections=AT_ONCE * 2)
        self._hospital = key_of("institution", INSTITUTION)

    async def close(self) -> None:
        """Lets go of the connections."""
        await self._client.close()

    async def keys(self) -> None:
        """A key for each of the people."""

        async def issued(number: int) -> None:
            who = person(number).psn_no
            asked = {"requestId": self._at.number(), "role": "ROLE_PERSON", "subject": who, "apiKey": _key(who)}
            await self._post("/v1/api-keys", self._at.mesh.operator_key, asked)

        await each_of(self._at.people, issued)

    async def placed(self, number: int) -> Placed:
        """Somebody authorises, the hospital saves a bill and places it."""
        who, own = person(number), self._at.number()
        wanted = {"requestId": own, "psnNo": who.psn_no, "fixmedinsCode": INSTITUTION}
        auth = (await self._post("/v1/own/payment-authorisations", _key(who.psn_no), wanted))["payAuthNo"]
        saved = (await self._asked("/v1/pay-orders", own, _bill(who, own, auth)))["data"]
        named = {"payOrdId": saved["payOrdId"], "payToken": saved["payToken"]}
        visit = {"orgCodg": INSTITUTION, "mdtrtId": saved["extData"]["mdtrtId"]}
        await self._asked("/v1/pay-orders:place", f"{own}-2", named | visit)
        return Placed(saved["payOrdId"], saved["payToken"])

    async def by_code(self, order: Placed) -> str:
        """The clerk scans a code: charged and confirmed by the answer."""
        told = await self._paid(order, {"payForm": "PAY_FORM_CODE", "code": "130000000000000001"})
        if told["phase"] != "ORDER_PHASE_PAID":
            raise Unprepared(f"the order {order.number} is not paid but {told['phase']}")
        return str(told["chargeNo"])

    async def waits(self, order: Placed) -> str:
        """The person has yet to scan WeChat's code; the charge's number."""
        return str((await self._paid(order, {"payForm": "PAY_FORM_NATIVE"}))["chargeNo"])

    async def pays(self, charge_no: str) -> None:
        """The person pays at the twin."""
        body = msgspec.json.encode({"out_trade_no": charge_no})
        url = f"{self._at.twins.urls['wechat']}/_twin/pay"
        reply = await self._sent(url, {}, body)
        if reply.status != 200:
            raise Unprepared(f"the twin answers {reply.status}: {reply.body[:200]!r}")

    async def _paid(self, order: Placed, how: dict[str, str]) -> dict[str, Any]:
        data = {"payOrdId": order.number, "payToken": order.token, "channel": "CHANNEL_KIND_WECHAT"} | how
        told: dict[str, Any] = (await self._asked("/v1/pay-orders:pay", f"pay-{order.number}", data))["order"]
        return told

    async def _asked(self, path: str, request_id: str, data: dict[str, Any]) -> dict[str, Any]:
        return await self._post(path, self._hospital, {"requestId": request_id, "desk": _DESK, "data": data})

    async def _post(self, path: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        url = f"{self._at.mesh.url}{path}"
        reply = await self._sent(url, headers, msgspec.json.encode(body))
        if reply.status != 200:
            raise Unprepared(f"{path} answers {reply.status}: {reply.body[:300].decode()}")
        return msgspec.json.decode(reply.body, type=dict[str, Any])

    async def _sent(self, url: str, headers: dict[str, str], body: bytes) -> HttpAnswer:
        try:
            return await self._client.send("bench", "POST", url, headers=headers, body=body, timeout_s=_TIMEOUT_S)
        except Unanswered as broken:
            raise Unprepared(f"{url} does not answer: {broken.reason}") from None


async def each_of(things: Sequence[T], act: Callable[[T], Awaitable[S]]) -> tuple[list[S], list[float]]:
    """Does it to each, so many at once: what came of it and how many milliseconds each took, both in the order of the things."""
    found: dict[int, S] = {}
    took: dict[int, float] = {}
    waiting = iter(enumerate(things))

    async def worker() -> None:
        for place, each in waiting:
            begun = time.perf_counter()
            found[place] = await act(each)
            took[place] = (time.perf_counter() - begun) * 1000

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())
    return [found[place] for place in range(len(things))], [took[place] for place in range(len(things))]


def _key(psn_no: str) -> str:
    return f"bench-key-of-{psn_no}"


def _bill(who: InventedPerson, number: str, auth: str) -> dict[str, Any]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    line = {
        "orderLineSn": "1",
        "chrgBchno": number,
        "feeOcurTime": now,
        "medListCodg": _ITEM,
        "medinsListCodg": _ITEM,
        "cnt": "1",
        "pric": f"{PRICE_FEN / 100:.2f}",
        "detItemFeeSumamtFen": str(PRICE_FEN),
        "bilgDeptCodg": "A01",
        "bilgDeptName": "内科",
        "bilgDrCodg": "D99010000001",
        "bilgDrName": "测试医师",
    }
    return {
        "orgCodg": INSTITUTION,
        "psnNo": who.psn_no,
        "insutype": EMPLOYEE,
        "medOrgOrd": number,
        "begntime": now,
        "idNo": who.certno,
        "userName": who.psn_name,
        "idType": "01",
        "payAuthNo": auth,
        "iptOtpNo": number,
        "deptName": "内科",
        "medType": "MED_TYPE_OUTPATIENT",
        "feeType": "01",
        "medfeeSumamtFen": str(PRICE_FEN),
        "psnSetlway": "01",
        "chrgBchno": number,
        "feedetailList": [line],
    }
