"""The transactions of the matrix: what is prepared for each, and the message that is sent once more and once more.

`Line` is a hospital's client as hospitals have them: it repeats a message under its number until the answer is definite.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import httpx

from services.kernel.clock import BEIJING
from tests.mesh import journeys
from tests.mesh.hospital import DRUG, Hospital, national
from tests.mesh.people import Newcomers
from tests.torture.cells.books import Books
from tools.cli.mesh_client import NationalAnswer
from tools.played.messages import Patient, Row

BILL: Final = [Row(DRUG, 2, 150_000)]
"""3,000.00 yuan of class A: past the deductible, so that layers, pool and account all move."""

STAY: Final = [Row(DRUG, 8, 300_000)]
"""24,000.00 yuan."""

PATIENCE_S: Final = 100.0
REPEAT_S: Final = 0.25
REST_S: Final = 60.0
"""After which all is at rest, once every party answers again."""
LOOK_S: Final = 0.1
FOUND_S: Final = 20.0


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

    async def prepared(self, prepare: Prepare) -> Message:
        """The message of a transaction with all that comes before it; who was started just now is not found by all at once."""
        until = time.monotonic() + FOUND_S
        while True:
            try:
                return await prepare(self)
            except AssertionError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(LOOK_S)

    async def done(self, message: Message) -> tuple[Message, NationalAnswer]:
        """Sends it until it is done, under another number where this one was taken back; the message that was done."""
        answer = await self.until_definite(message)
        if answer.message.startswith("[MESSAGE_VOIDED]"):
            message = replace(message, msgid=self.hospital.next_msgid())
            answer = await self.until_definite(message)
        assert answer.succeeded, answer.message
        return message, answer

    async def at_rest(self, message: Message) -> list[str]:
        """Waits until nothing is under way; what still is, where that takes too long."""
        until = time.monotonic() + REST_S
        while found := self.books.unrest(message.who):
            if time.monotonic() > until:
                return found
            await asyncio.sleep(LOOK_S)
        return []


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


async def take_back(line: Line) -> Message:
    """2601 of a bill that stands."""
    hospital, who = line.hospital, await line.people.one()
    settled = await hospital.visit(who, BILL)
    return _taken_back(line, who, settled.msgid, "2207")


async def take_back_admission(line: Line) -> Message:
    """2601 of an admission."""
    admitted = await admit(line)
    await line.hospital.done("2401", admitted.nodes, msgid=admitted.msgid, home=admitted.who.home)
    return _taken_back(line, admitted.who, admitted.msgid, "2401")


async def discharge(line: Line) -> Message:
    """2402."""
    who, stay = await _stay(line)
    return Message(who, "2402", _end(line.hospital, who, stay), line.hospital.next_msgid())


async def cancel(line: Line) -> Message:
    """2404 of a stay without bills."""
    who, stay = await _stay(line)
    return Message(who, "2404", {"data": stay}, line.hospital.next_msgid())


async def undo_discharge(line: Line) -> Message:
    """2405."""
    who, stay = await _stay(line)
    await line.hospital.done("2402", _end(line.hospital, who, stay), home=who.home)
    return Message(who, "2405", {"data": stay}, line.hospital.next_msgid())


async def settle_stay(line: Line) -> Message:
    """2304."""
    hospital = line.hospital
    who, stay = await _stay(line)
    await hospital.done("2301", hospital.lines(who, stay["mdtrt_id"], STAY, med_type="21"), home=who.home)
    await hospital.done("2402", _end(hospital, who, stay), home=who.home)
    node = journeys.stay_bill(hospital, who, stay["mdtrt_id"], STAY)
    return Message(who, "2304", {"data": node}, hospital.next_msgid())


async def reverse_stay(line: Line) -> Message:
    """2305."""
    settled = await settle_stay(line)
    answer = await line.hospital.done("2304", settled.nodes, msgid=settled.msgid, home=settled.who.home)
    info = answer.output["setlinfo"]
    reference = {name: info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}
    return Message(settled.who, "2305", {"data": reference}, line.hospital.next_msgid())


async def _stay(line: Line) -> tuple[Patient, dict[str, str]]:
    """A fresh person in a bed."""
    who = await line.people.one()
    return who, {"mdtrt_id": await line.hospital.admit(who), "psn_no": who.psn_no}


def _end(hospital: Hospital, who: Patient, stay: Mapping[str, str]) -> dict[str, Any]:
    """Nodes of 2402."""
    told = {"insutype": who.insutype, "endtime": hospital.moment(), "dscg_way": "1", "dscg_dept_codg": "B01"}
    return {"dscginfo": {**stay, **told, "dscg_dept_name": "外科"}, "diseinfo": [hospital.diagnosis(who) | dict(stay)]}


def _taken_back(line: Line, who: Patient, msgid: str, infno: str) -> Message:
    """2601 of a message."""
    name = {"psn_no": who.psn_no, "omsgid": msgid, "oinfno": infno}
    return Message(who, "2601", {"data": name}, line.hospital.next_msgid())


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
FILINGS: Final[Mapping[str, Prepare]] = {"file": file, "withdraw": withdraw}
STAYS: Final[Mapping[str, Prepare]] = {
    "discharge": discharge,
    "cancel": cancel,
    "undo_discharge": undo_discharge,
    "settle_stay": settle_stay,
    "reverse_stay": reverse_stay,
    "take_back_admission": take_back_admission,
}
TRANSACTIONS: Final[Mapping[str, Prepare]] = {**LOCAL, "take_back": take_back, **STAYS, **FILINGS}
