"""A hospital as tests drive it over HTTP: the envelope of the national interface, and the steps of a visit and of a stay.

It keeps every exchange, so that a test can look afterwards for what was said. It decides nothing and reads no store.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Final, NamedTuple

import httpx

from services.kernel.clock import BEIJING, Clock
from tests.mesh.harness import OPERATOR_KEY
from tools.cli.mesh_client import BUSINESS_DATE_HEADER, NationalAnswer
from tools.played import messages
from tools.played.messages import Patient, Row, Sender

DRUG: Final = "XTESTDRUG0001"
SECOND_DRUG: Final = "XTESTDRUG0002"
NETWORK_S: Final = 30.0
LINES: Final = 200
_PATH: Final = "/fsi/api/rsfComIfsService/callService"


class Exchange(NamedTuple):
    """One request and the text of its answer; `name` is a transaction number or a REST path."""

    name: str
    sent: Any
    text: str

    @property
    def answer(self) -> NationalAnswer:
        """The answer, of the national interface."""
        return national(self.text)


class Settled(NamedTuple):
    """A settled bill: the message that settled it, its node, and what was answered."""

    msgid: str
    node: Mapping[str, Any]
    answer: NationalAnswer

    @property
    def info(self) -> Mapping[str, Any]:
        """The setlinfo."""
        found: Mapping[str, Any] = self.answer.output["setlinfo"]
        return found

    @property
    def reference(self) -> dict[str, str]:
        """The settlement's name, as a reversal gives it."""
        return {name: self.info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}


@dataclass(slots=True)
class Hospital:
    """An institution's client; `day` is a business date that goes with every message, `home` the insured place in those that are
    told no other.
    """

    http: httpx.AsyncClient
    clock: Clock
    code: str = "H99010000001"
    name: str = "测试医院"
    place: str = "990100"
    journal: list[Exchange] = field(default_factory=list)
    day: date | None = None
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    sign_no: str = ""
    home: str = ""

    def at(self, code: str, name: str, place: str) -> Hospital:
        """Another institution on the same line."""
        return replace(self, code=code, name=name, place=place, sign_no="")

    def next_msgid(self) -> str:
        """A fresh message number: institution, time, serial."""
        return f"{self.code}{self.clock().astimezone(BEIJING):%Y%m%d%H%M%S}{next(self.numbers):04d}"

    def moment(self, hours: int = 0) -> str:
        """Now, or some hours later, on the business day, as the interface writes it."""
        now = self.clock().astimezone(BEIJING) + timedelta(hours=hours)
        return f"{self.day or now.date()} {now:%H:%M:%S}"

    def envelope(self, infno: str, nodes: Any, msgid: str = "", home: str = "") -> dict[str, object]:
        """The envelope of one transaction."""
        sender = Sender(self.code, self.name, self.place, self.sign_no)
        return messages.envelope(sender, infno, nodes, msgid or self.next_msgid(), home or self.home, self.moment())

    async def post(
        self, body: Mapping[str, object], path: str = _PATH, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Posts a body as it is given."""
        day = {BUSINESS_DATE_HEADER: self.day.isoformat()} if self.day else {}
        response = await self.http.post(path, json=body, headers={**day, **(headers or {})})
        self.journal.append(Exchange(str(body.get("infno", path)), body, response.text))
        return response

    async def send(
        self,
        infno: str,
        nodes: Any,
        *,
        msgid: str = "",
        home: str = "",
        headers: Mapping[str, str] | None = None,
        decoration: Mapping[str, object] | None = None,
    ) -> NationalAnswer:
        """Sends one transaction; a refusal is an answer too."""
        envelope = self.envelope(infno, nodes, msgid, home) | dict(decoration or {})
        response = await self.post(envelope, f"{_PATH}/{infno}", headers)
        return national(response.text)

    async def done(self, infno: str, nodes: Any, *, msgid: str = "", home: str = "") -> NationalAnswer:
        """Sends one transaction that must succeed."""
        answer = await self.send(infno, nodes, msgid=msgid, home=home)
        assert answer.succeeded, f"{infno}: {answer.message}"
        return answer

    async def at_once(self, infno: str, nodes: Sequence[Any], msgid: str = "", home: str = "") -> list[NationalAnswer]:
        """Sends many at the same moment; with a msgid all under that one."""
        return await asyncio.gather(*(self.send(infno, each, msgid=msgid, home=home) for each in nodes))

    async def refused(self, infno: str, nodes: Any, *, msgid: str = "", home: str = "") -> str:
        """The reason for which a transaction is refused, without saying its number."""
        answer = await self.send(infno, nodes, msgid=msgid, home=home)
        assert answer.body["infcode"] == -1, f"{infno} was not refused: {answer.text[:300]}"
        return answer.message[1:].partition("]")[0]

    async def sign_in(self) -> None:
        """9001; its number goes with every message from now on."""
        desk = {"opter_no": "0001", "mac": "00-00-00-00-00-00", "ip": "127.0.0.1"}
        self.sign_no = str((await self.done("9001", {"signIn": desk})).output["signinoutb"]["sign_no"])

    # ── a visit ──────────────────────────────────────────────────────────────────────────────────────────────────────
    async def register(self, who: Patient, shown: Mapping[str, str] | None = None, med_type: str = "11") -> str:
        """2201 and 2203: a visit."""
        answer = await self.done("2201", {"data": self.visitor(who, shown)}, home=who.home)
        mdtrt_id = str(answer.output["data"]["mdtrt_id"])
        await self.done("2203", self.visit_nodes(who, mdtrt_id, med_type), home=who.home)
        return mdtrt_id

    def visitor(self, who: Patient, shown: Mapping[str, str] | None = None) -> dict[str, str]:
        """The data node of 2201."""
        return messages.registration(who, f"OP{next(self.numbers):06d}", self.moment(), shown)

    def visit_nodes(self, who: Patient, mdtrt_id: str, med_type: str = "11") -> dict[str, object]:
        """Nodes of 2203."""
        return messages.description(who, mdtrt_id, self.moment(), med_type)

    def diagnosis(self, who: Patient) -> dict[str, object]:
        """A row of diseinfo."""
        return messages.diagnosis(who, self.moment())

    def lines(
        self, who: Patient, mdtrt_id: str, rows: Sequence[Row], batch: str = "B0001", first: int = 1, **more: str
    ) -> dict[str, object]:
        """The feedetail node of some rows, numbered from `first`; `more` stands in each."""
        at = self.moment()
        found = (
            messages.fee_line(who, mdtrt_id, row, number, at, number=str(number), batch=batch)
            for number, row in enumerate(rows, first)
        )
        return {"feedetail": [line | more for line in found]}

    def bill(
        self,
        who: Patient,
        mdtrt_id: str,
        rows: Sequence[Row],
        shown: Mapping[str, str] | None = None,
        batch: str = "B0001",
        **more: str,
    ) -> dict[str, Any]:
        """The data node of 2206 and 2207; 2303 and 2304 take it too, with fields of a visit in it."""
        return messages.bill(who, mdtrt_id, messages.amount_of(rows), batch, shown) | more

    async def open_visit(
        self, who: Patient, rows: Sequence[Row], shown: Mapping[str, str] | None = None, **more: str
    ) -> dict[str, Any]:
        """A visit up to its bill: 2201, 2203, 2204; the node for 2206 and 2207."""
        mdtrt_id = await self.register(who, shown)
        await self.done("2204", self.lines(who, mdtrt_id, rows), home=who.home)
        return self.bill(who, mdtrt_id, rows, shown, **more)

    async def settle(self, node: Mapping[str, Any], infno: str = "2207", home: str = "", msgid: str = "") -> Settled:
        """Settles a bill."""
        name = msgid or self.next_msgid()
        return Settled(name, node, await self.done(infno, {"data": node}, msgid=name, home=home))

    async def visit(
        self, who: Patient, rows: Sequence[Row], shown: Mapping[str, str] | None = None, **more: str
    ) -> Settled:
        """A whole visit."""
        return await self.settle(await self.open_visit(who, rows, shown, **more), home=who.home)

    # ── a stay ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def admission(self, who: Patient, shown: Mapping[str, str] | None = None) -> dict[str, object]:
        """Nodes of 2401."""
        stay = {
            "psn_no": who.psn_no,
            "insutype": who.insutype,
            "coner_name": "测联系人",
            "tel": "19900000000",
            "begntime": self.moment(-1),
            **(shown or who.id_card),
            "med_type": "21",
            "ipt_no": f"IP{next(self.numbers):06d}",
            "medrcdno": f"MR{next(self.numbers):06d}",
            "atddr_no": "D99010000001",
            "chfpdr_name": "测试医师",
            "adm_diag_dscr": "社区获得性肺炎",
            "dscg_maindiag_code": "J18.900",
            "dscg_maindiag_name": "社区获得性肺炎",
            "adm_dept_codg": "B01",
            "adm_dept_name": "外科",
            "adm_bed": "12",
        }
        return {"mdtrtinfo": stay, "diseinfo": [self.diagnosis(who)]}

    async def admit(self, who: Patient, shown: Mapping[str, str] | None = None) -> str:
        """2401."""
        answer = await self.done("2401", self.admission(who, shown), home=who.home)
        return str(answer.output["result"]["mdtrt_id"])

    async def discharge(self, who: Patient, mdtrt_id: str) -> None:
        """2402."""
        await self.done("2402", self.discharged(who, mdtrt_id), home=who.home)

    def discharged(self, who: Patient, mdtrt_id: str) -> dict[str, object]:
        """Nodes of 2402."""
        key = {"mdtrt_id": mdtrt_id, "psn_no": who.psn_no}
        data = {**key, "insutype": who.insutype, "endtime": self.moment(), "dscg_way": "1"}
        data |= {"dscg_dept_codg": "B01", "dscg_dept_name": "外科"}
        return {"dscginfo": data, "diseinfo": [self.diagnosis(who) | key]}


@asynccontextmanager
async def hospital_at(url: str, clock: Clock) -> AsyncIterator[Hospital]:
    """The first test hospital, on a line of its own to a gateway."""
    limits = httpx.Limits(max_connections=LINES)
    async with httpx.AsyncClient(base_url=url, timeout=NETWORK_S, limits=limits, trust_env=False) as http:
        yield Hospital(http, clock)


def national(text: str) -> NationalAnswer:
    """An answer of the national interface; numbers with a point are Decimal."""
    return NationalAnswer(json.loads(text, parse_float=Decimal), text)


async def rest(
    hospital: Hospital, path: str, body: Mapping[str, object], key: str = OPERATOR_KEY, **headers: str
) -> dict[str, Any]:
    """A POST to the REST face that must succeed; the exchange is kept with the hospital's."""
    day = {BUSINESS_DATE_HEADER: hospital.day.isoformat()} if hospital.day else {}
    response = await hospital.http.post(path, json=body, headers={"Authorization": f"Bearer {key}", **day, **headers})
    assert response.status_code == httpx.codes.OK, response.text
    answer: dict[str, Any] = response.json()
    hospital.journal.append(Exchange(path, {**body, "apiKey": key}, response.text))
    return answer


def fen(amount: Decimal | int) -> int:
    """Yuan of an answer as fen, exactly."""
    scaled = Decimal(amount) * 100
    assert scaled == int(scaled), f"{amount} yuan is no whole number of fen"
    return int(scaled)
