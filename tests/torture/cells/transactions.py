"""The transactions of the matrix: what is prepared for each, and the message that is sent once more and once more.

`Line` is a hospital's client as hospitals have them: it repeats a message under its number until the answer is definite.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx

from services.kernel.clock import BEIJING
from tests.mesh.hospital import DRUG, Hospital, Patient, Row, national
from tests.mesh.people import Newcomers
from tests.torture.cells.books import Books
from tools.cli.mesh_client import NationalAnswer

BILL: Final = [Row(DRUG, 2, 150_000)]
"""3,000.00 yuan of class A: past the deductible, so that layers, pool and account all move."""

PATIENCE_S: Final = 100.0
REPEAT_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a hospital about a person; it is the same under its number however often it is sent."""

    who: Patient
    infno: str
    nodes: Mapping[str, Any]
    msgid: str


@dataclass(slots=True)
class Line:
    """A hospital's line, and the people that it treats; `home` is the cell that insures them."""

    hospital: Hospital
    people: Newcomers
    books: Books
    repeats: int = field(default=0)

    async def once(self, message: Message) -> NationalAnswer | None:
        """Sends it; None where nobody knows what became of it."""
        envelope = self.hospital.envelope(message.infno, message.nodes, message.msgid, message.who.home)
        try:
            response = await self.hospital.post(envelope)
        except httpx.HTTPError:
            return None
        return national(response.text) if response.status_code == httpx.codes.OK else None

    async def until_definite(self, message: Message) -> NationalAnswer:
        """Sends it until the answer is definite."""
        until = time.monotonic() + PATIENCE_S
        self.repeats = 0
        while time.monotonic() < until:
            answer = await self.once(message)
            if answer is not None:
                return answer
            self.repeats += 1
            await asyncio.sleep(REPEAT_S)
        raise AssertionError(f"{message.infno}: no definite answer within {PATIENCE_S:.0f} s")


Prepare = Callable[[Line], Awaitable[Message]]


async def register(line: Line) -> Message:
    """2201 of a fresh person."""
    hospital, who = line.hospital, await line.people.one()
    data = {"psn_no": who.psn_no, "insutype": who.insutype, "begntime": hospital.moment(), **who.id_card}
    desk = {"ipt_otp_no": f"OP{next(hospital.numbers):06d}", "dept_code": "A01", "dept_name": "内科", "caty": "A03"}
    return Message(who, "2201", {"data": data | desk | {"dr_name": "测试医师"}}, hospital.next_msgid())


async def settle(line: Line) -> Message:
    """2207 of a fresh person's bill."""
    hospital, who = line.hospital, await line.people.one()
    return Message(who, "2207", {"data": await hospital.open_visit(who, BILL)}, hospital.next_msgid())


async def reverse(line: Line) -> Message:
    """2208 of it."""
    hospital, who = line.hospital, await line.people.one()
    settled = await hospital.visit(who, BILL)
    return Message(who, "2208", {"data": settled.reference}, hospital.next_msgid())


async def admit(line: Line) -> Message:
    """2401 of a fresh person."""
    hospital, who = line.hospital, await line.people.one()
    return Message(who, "2401", hospital.admission(who), hospital.next_msgid())


async def file(line: Line) -> Message:
    """2501 of a fresh person: a referral to another hospital."""
    hospital, who = line.hospital, await line.people.one()
    today = hospital.clock().astimezone(BEIJING).date()
    refmedin = {
        "psn_no": who.psn_no,
        "insutype": who.insutype,
        "tel": "13900000000",
        "diag_code": "I21.900",
        "diag_name": "急性心肌梗死",
        "reflin_medins_no": "H11010500901",
        "reflin_medins_name": "测试医院",
        "mdtrtarea_admdvs": "110105",
        "hosp_agre_refl_flag": "1",
        "refl_type": "3",
        "refl_date": f"{today}",
        "refl_rea": "病情需要",
        "refl_opnn": "同意转院",
        "begndate": f"{today}",
        "enddate": f"{today + timedelta(30)}",
    }
    return Message(who, "2501", {"refmedin": refmedin}, hospital.next_msgid())


async def withdraw(line: Line) -> Message:
    """2502 of it."""
    filed = await file(line)
    answer = await line.hospital.done("2501", filed.nodes, home=filed.who.home)
    number = answer.output["result"]["trt_dcla_detl_sn"]
    gone = {"trt_dcla_detl_sn": number, "psn_no": filed.who.psn_no, "memo": "患者要求"}
    return Message(filed.who, "2502", {"data": gone}, line.hospital.next_msgid())


LOCAL: Final[Mapping[str, Prepare]] = {"register": register, "settle": settle, "reverse": reverse, "admit": admit}
TRANSACTIONS: Final[Mapping[str, Prepare]] = {"register": register, "file": file, "withdraw": withdraw}
