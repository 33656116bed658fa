"""Bills of 6201 as settlement takes them: a visit, its diagnoses, its lines. What payment passes on it does not keep."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any, Final

from services.kernel.clock import from_micros
from services.payment.domain.orders import PayOrder
from services.payment.peers.bill_messages import MEMBER, desk_of
from services.runtime.elsewhere import HomeFirst
from services.runtime.outbound import Peers
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import common_pb2, encounter_pb2, encounter_pb2_grpc, fee_pb2, fee_pb2_grpc, visit_pb2

_DIAGNOSIS: Final = (
    "diag_type",
    "diag_srt_no",
    "diag_code",
    "diag_name",
    "diag_dept",
    "dise_dor_no",
    "dise_dor_name",
    "diag_time",
    "vali_flag",
)
_LINE: Final = (
    *(
        "chrg_bchno",
        "dise_codg",
        "rxno",
        "rx_circ_flag",
        "fee_ocur_time",
        "med_list_codg",
        "medins_list_codg",
    ),
    *("det_item_fee_sumamt_fen", "cnt", "pric", "sin_dos_dscr", "used_frqu_dscr", "prd_days", "medc_way_dscr"),
    *("bilg_dept_codg", "bilg_dept_name", "bilg_dr_codg", "bilg_dr_name", "acord_dept_codg", "acord_dept_name"),
    *("orders_dr_code", "orders_dr_name", "hosp_appr_flag", "tcmdrug_used_way", "etip_flag", "etip_hosp_code"),
    *("dscg_tkdrug_flag", "matn_fee_flag", "init_feedetl_sn", "drord_no", "memo"),
)

_AROUND: Final = timedelta(days=31)
"""How far the begin of a visit may lie from the day on which its bill is saved, so that it is found (our decision)."""
_APART: Final = timedelta(seconds=1)
"""Clocks of members."""
_SAVED_WITHIN: Final = timedelta(minutes=1)
"""Longer than whoever saves a bill may be at it."""


class Bills:
    """Registers and takes back what 6201 brings; raises settlement's refusals, and routing's of a person of another cell. Lines
    and diagnoses stay at the place of care, whoever insures the person.
    """

    def __init__(self, peers: Peers, home_first: HomeFirst) -> None:
        self._peers = peers
        self._home_first = home_first
        self._encounters = peers.stub(encounter_pb2_grpc.EncounterServiceStub, MEMBER)
        self._fees = peers.stub(fee_pb2_grpc.FeeServiceStub, MEMBER)

    async def register(self, order_no: str, request: Any) -> str:
        """Registers a visit for the bill (2201); its number."""
        asked = request.data
        with_code = bool(asked.ec_token)
        registration = visit_pb2.VisitRegistration(
            psn_no=asked.psn_no,
            insutype=asked.insutype,
            begntime=asked.begntime,
            mdtrt_cert_type=codes_pb2.MDTRT_CERT_TYPE_EC if with_code else codes_pb2.MDTRT_CERT_TYPE_ID_CARD,
            mdtrt_cert_no=asked.ec_token if with_code else asked.id_no,
            ipt_otp_no=asked.ipt_otp_no,
            atddr_no=asked.atddr_no,
            dr_name=asked.dr_name,
            dept_code=asked.dept_code,
            dept_name=asked.dept_name,
            caty=asked.caty,
            psn_cert_type=asked.id_type,
            certno=asked.id_no,
        )
        made = visit_pb2.RegisterVisitRequest(
            request_id=f"{order_no}:visit", desk=_desk(request.desk), data=registration
        )
        answer, _ = await self._home_first.call(self._encounters.RegisterVisit, made)
        return str(answer.data.mdtrt_id)

    async def find_visit(self, order: PayOrder) -> str:
        """The open visit under the institution's number that was registered while the order was saved; "" for none. One that was
        there before is not the order's.
        """
        begun = from_micros(order.saved_at)
        asked = encounter_pb2.EncounterQuery(psn_no=order.bill.psn_no)
        asked.begntime.FromDatetime(begun - _AROUND)
        asked.endtime.FromDatetime(begun + _AROUND)
        request = encounter_pb2.ListEncountersRequest(desk=desk_of(order), data=asked)
        for each in (await self._peers.call(self._encounters.ListEncounters, request)).mdtrtinfo:
            registered = each.opt_time.ToDatetime(UTC) - begun
            if each.ipt_otp_no == order.bill.ipt_otp_no and -_APART <= registered <= _SAVED_WITHIN:
                return str(each.mdtrt_id)
        return ""

    async def upload(self, order_no: str, request: Any, mdtrt_id: str, *, stay: bool) -> None:
        """Uploads diagnoses (2203) and lines (2204, of a stay 2301)."""
        desk, asked = _desk(request.desk), request.data
        if asked.diseinfo_list and not stay:
            told = visit_pb2.VisitInformation(
                mdtrt_id=mdtrt_id,
                psn_no=asked.psn_no,
                med_type=asked.med_type,
                local_med_type=asked.local_med_type,
                begntime=asked.begntime,
                main_cond_dscr=asked.main_cond_dscr,
                dise_codg=asked.dise_codg,
                dise_name=asked.dise_name,
            )
            diagnoses = [
                common_pb2.Diagnosis(psn_no=asked.psn_no, **_same(each, _DIAGNOSIS)) for each in asked.diseinfo_list
            ]
            sent = visit_pb2.UploadVisitRequest(
                request_id=f"{order_no}:diagnoses", desk=desk, mdtrtinfo=told, diseinfo=diagnoses
            )
            await self._peers.call(self._encounters.UploadVisit, sent)
        if not asked.feedetail_list:
            return
        lines = [
            common_pb2.FeeLine(feedetl_sn=each.order_line_sn, **_same(each, _LINE)) for each in asked.feedetail_list
        ]
        for each in lines:
            each.chrg_bchno = each.chrg_bchno or asked.chrg_bchno
        form = {"request_id": f"{order_no}:lines", "desk": desk, "mdtrt_id": mdtrt_id, "psn_no": asked.psn_no}
        if stay:
            await self._peers.call(self._fees.UploadStayFees, fee_pb2.UploadStayFeesRequest(**form, feedetail=lines))
        else:
            await self._peers.call(self._fees.UploadFees, fee_pb2.UploadFeesRequest(**form, feedetail=lines))

    async def take_back_lines(self, order: PayOrder) -> None:
        """Cancels the unsettled lines of the order's charge batch (2205)."""
        bill = order.bill
        gone = fee_pb2.FeeCancellation(mdtrt_id=bill.mdtrt_id, chrg_bchno=bill.chrg_bchno, psn_no=bill.psn_no)
        await self._peers.call(
            self._fees.CancelFees,
            fee_pb2.CancelFeesRequest(request_id=f"{order.pay_ord_id}:no_lines", desk=desk_of(order), data=gone),
        )

    async def take_back_visit(self, order: PayOrder) -> None:
        """Cancels the visit that was registered for the order (2202)."""
        gone = visit_pb2.VisitCancellation(psn_no=order.bill.psn_no, mdtrt_id=order.bill.mdtrt_id)
        await self._peers.call(
            self._encounters.CancelVisit,
            visit_pb2.CancelVisitRequest(request_id=f"{order.pay_ord_id}:no_visit", desk=desk_of(order), data=gone),
        )


def _desk(desk: Any) -> common_pb2.Desk:
    return common_pb2.Desk(
        fixmedins_code=desk.fixmedins_code,
        msgid=desk.msgid,
        opter=desk.opter,
        opter_name=desk.opter_name,
        insuplc_admdvs=desk.insuplc_admdvs,
        mdtrtarea_admvs=desk.mdtrtarea_admvs,
    )


def _same(message: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Fields of the same names; one that holds a message only where it is there."""
    present = {field.name for field, _ in message.ListFields()}
    return {name: getattr(message, name) for name in names if name in present}
