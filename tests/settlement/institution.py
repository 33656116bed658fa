"""An institution's counter at a running mesh of identity, catalogue and settlement, and the requests that it sends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.kernel.errors import Fault
from services.runtime.call import Caller, Role
from tests.mesh.harness import BEGIN, Mesh, seed_world, started_mesh
from tests.mesh.seeds import INSTITUTION, ITEMS, OTHER_INSTITUTION
from tools.played.people import EMPLOYEE, person
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import (
    common_pb2,
    fee_pb2,
    reversal_pb2,
    settlement_pb2,
    stay_bill_pb2,
    stay_pb2,
    visit_pb2,
)

PEOPLE = 24
HERE = Caller(Role.INSTITUTION, INSTITUTION, sandbox=True)
ELSEWHERE = Caller(Role.INSTITUTION, OTHER_INSTITUTION, sandbox=True)
GATEWAY = Caller(Role.SERVICE, "gateway", sandbox=True)
ROUTING = Caller(Role.SERVICE, "routing", sandbox=True)
PACKAGE = "yibao.settlement.v1"


def at(moment: datetime = BEGIN) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def desk(request_id: str = "", code: str = INSTITUTION) -> common_pb2.Desk:
    return common_pb2.Desk(
        fixmedins_code=code, msgid=request_id.rpartition(":")[2] or "M", opter="op1", opter_name="收费员"
    )


@dataclass
class Counter:
    """An institution's counter at the running mesh."""

    mesh: Mesh
    people: Any = field(default_factory=lambda: iter(range(1, PEOPLE + 1)))
    numbers: Any = field(default_factory=lambda: count(1))

    async def call(self, method: str, request: Any, caller: Caller = HERE) -> Any:
        return await self.mesh.call(f"{PACKAGE}.{method}", request, caller=caller)

    async def reason(self, method: str, request: Any, caller: Caller = HERE) -> str:
        with pytest.raises(Fault) as caught:
            await self.call(method, request, caller)
        return caught.value.reason

    def somebody(self) -> str:
        return person(next(self.people)).psn_no

    async def visit(self, psn_no: str, amount: int, batch: str = "1") -> str:
        """A registered visit with one line of the amount."""
        number = next(self.numbers)
        registered = await self.call(
            "EncounterService.RegisterVisit",
            visit_pb2.RegisterVisitRequest(
                request_id=f"2201:{number}",
                desk=desk(),
                data=visit_pb2.VisitRegistration(
                    psn_no=psn_no,
                    insutype=EMPLOYEE,
                    begntime=at(),
                    mdtrt_cert_type=codes_pb2.MDTRT_CERT_TYPE_ID_CARD,
                    mdtrt_cert_no=self.certno(psn_no),
                    ipt_otp_no=f"N{number}",
                ),
            ),
        )
        mdtrt_id = str(registered.data.mdtrt_id)
        await self.fees("UploadFees", fee_pb2.UploadFeesRequest, mdtrt_id, psn_no, amount, batch)
        return mdtrt_id

    def admission(self, psn_no: str, **changes: Any) -> stay_pb2.AdmitRequest:
        number = next(self.numbers)
        fields: dict[str, Any] = {
            "psn_no": psn_no,
            "insutype": EMPLOYEE,
            "begntime": at(),
            "mdtrt_cert_type": codes_pb2.MDTRT_CERT_TYPE_ID_CARD,
            "mdtrt_cert_no": self.certno(psn_no),
            "med_type": codes_pb2.MED_TYPE_INPATIENT,
            "ipt_no": f"Z{number}",
            **changes,
        }
        return stay_pb2.AdmitRequest(request_id=f"2401:{number}", desk=desk(), mdtrtinfo=stay_pb2.Admission(**fields))

    async def stay(self, psn_no: str, amount: int, **changes: Any) -> str:
        """An admission with one line of the amount."""
        admitted = await self.call("EncounterService.Admit", self.admission(psn_no, **changes))
        mdtrt_id = str(admitted.result.mdtrt_id)
        if amount:
            await self.fees("UploadStayFees", fee_pb2.UploadStayFeesRequest, mdtrt_id, psn_no, amount)
        return mdtrt_id

    async def fees(self, method: str, made: Any, mdtrt_id: str, psn_no: str, amount: int, batch: str = "1") -> None:
        number = next(self.numbers)
        line = common_pb2.FeeLine(
            feedetl_sn=f"L{number}",
            chrg_bchno=batch,
            fee_ocur_time=at(),
            med_list_codg=ITEMS[0],
            det_item_fee_sumamt_fen=amount,
            cnt="1",
            pric=f"{amount // 100}.{amount % 100:02d}",
        )
        request = made(request_id=f"fee:{number}", desk=desk(), mdtrt_id=mdtrt_id, psn_no=psn_no, feedetail=[line])
        await self.call(f"FeeService.{method}", request)

    async def discharge(self, psn_no: str, mdtrt_id: str) -> None:
        number = next(self.numbers)
        ended = stay_pb2.DischargeInformation(
            mdtrt_id=mdtrt_id, psn_no=psn_no, insutype=EMPLOYEE, endtime=at(BEGIN + timedelta(minutes=1))
        )
        request = stay_pb2.DischargeRequest(request_id=f"2402:{number}", desk=desk(), dscginfo=ended)
        await self.call("EncounterService.Discharge", request)

    @staticmethod
    def certno(psn_no: str) -> str:
        return person(int(psn_no[-8:])).certno

    async def settle(self, request: settlement_pb2.SettleRequest) -> settlement_pb2.SettleResponse:
        answer: settlement_pb2.SettleResponse = await self.call("SettlementService.Settle", request)
        return answer

    def request_id(self, infno: str = "2207") -> str:
        return f"{infno}:MSG{next(self.numbers)}"


def bill(psn_no: str, mdtrt_id: str, amount: int, **changes: Any) -> settlement_pb2.Bill:
    fields: dict[str, Any] = {
        "psn_no": psn_no,
        "mdtrt_cert_type": codes_pb2.MDTRT_CERT_TYPE_ID_CARD,
        "med_type": codes_pb2.MED_TYPE_OUTPATIENT,
        "medfee_sumamt_fen": amount,
        "psn_setlway": "01",
        "mdtrt_id": mdtrt_id,
        "chrg_bchno": "1",
        "insutype": EMPLOYEE,
        **changes,
    }
    return settlement_pb2.Bill(**fields)


def settle_request(
    request_id: str, psn_no: str, mdtrt_id: str, amount: int, trial_hash: str = "", **changes: Any
) -> settlement_pb2.SettleRequest:
    return settlement_pb2.SettleRequest(
        request_id=request_id,
        desk=desk(request_id),
        data=bill(psn_no, mdtrt_id, amount, **changes),
        trial_hash=trial_hash,
    )


def stay_bill(psn_no: str, mdtrt_id: str, amount: int, **changes: Any) -> stay_bill_pb2.StayBill:
    return stay_bill_pb2.StayBill(
        psn_no=psn_no,
        mdtrt_cert_type=codes_pb2.MDTRT_CERT_TYPE_ID_CARD,
        medfee_sumamt_fen=amount,
        mdtrt_id=mdtrt_id,
        insutype=EMPLOYEE,
        **changes,
    )


def reference(info: common_pb2.Setlinfo) -> reversal_pb2.SettlementReference:
    return reversal_pb2.SettlementReference(setl_id=info.setl_id, mdtrt_id=info.mdtrt_id, psn_no=info.psn_no)


def reverse_request(request_id: str, info: common_pb2.Setlinfo, code: str = INSTITUTION) -> reversal_pb2.ReverseRequest:
    return reversal_pb2.ReverseRequest(request_id=request_id, desk=desk(request_id, code), data=reference(info))


def take_back(request_id: str, oinfno: str, omsgid: str, psn_no: str = "") -> reversal_pb2.ReverseMessageRequest:
    data = reversal_pb2.MessageReference(psn_no=psn_no, omsgid=omsgid, oinfno=oinfno)
    return reversal_pb2.ReverseMessageRequest(request_id=request_id, desk=desk(request_id), data=data)


@asynccontextmanager
async def counter_in(folder: Path) -> AsyncIterator[Counter]:
    """A counter at a seeded mesh of the three members; each test takes people of its own."""
    async with started_mesh(folder, members=("identity", "catalogue", "settlement")) as mesh:
        await seed_world(mesh, PEOPLE)
        yield Counter(mesh)
