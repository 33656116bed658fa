"""ElsewhereService on the wire: who is meant, read from the unary request that it carries."""

from __future__ import annotations

from datetime import date
from typing import Any

from services.kernel.clock import beijing_day
from services.kernel.credential_marks import cell_of
from services.routing.domain.resolution import Query
from services.routing.operations.elsewhere import Asked, Elsewhere
from services.routing.servicer.convert import cert_type
from services.runtime.call import current_call
from services.runtime.wire import moment_of
from yibao.common.v1 import codes_pb2
from yibao.routing.v1 import elsewhere_pb2, elsewhere_pb2_grpc

_NO_CERTIFICATE = (codes_pb2.MDTRT_CERT_TYPE_EC, codes_pb2.MDTRT_CERT_TYPE_SOCIAL_SECURITY_CARD)


class ElsewhereServicer(elsewhere_pb2_grpc.ElsewhereServiceServicer):
    """Messages in, messages out."""

    def __init__(self, elsewhere: Elsewhere) -> None:
        self._elsewhere = elsewhere
        self._cells = elsewhere.cells

    async def DecodeCode(  # noqa: N802 - the contract's name
        self, request: elsewhere_pb2.DecodeCodeRequest, context: Any
    ) -> elsewhere_pb2.DecodeCodeResponse:
        """6101. What is laid out like no code is the own cell's to refuse."""
        unary = request.request
        made_in = cell_of(unary.in_data.ec_qr_code) or current_call().caller.cell
        decoded = await self._elsewhere.ask_maker(made_in, lambda cell: self._cells.decoded(cell, unary))
        return elsewhere_pb2.DecodeCodeResponse(response=decoded)

    async def GetInsuredInfo(  # noqa: N802 - the contract's name
        self, request: elsewhere_pb2.GetInsuredInfoRequest, context: Any
    ) -> elsewhere_pb2.GetInsuredInfoResponse:
        """1101."""
        unary = request.request
        found = await self._elsewhere.ask(_shown(unary), lambda cell: self._cells.insured_info(cell, unary))
        return elsewhere_pb2.GetInsuredInfoResponse(response=found)

    async def CheckBenefit(  # noqa: N802 - the contract's name
        self, request: elsewhere_pb2.CheckBenefitRequest, context: Any
    ) -> elsewhere_pb2.CheckBenefitResponse:
        """2001."""
        unary = request.request
        asked = _numbered(unary, beijing_day(moment_of(unary.data.begntime)))
        found = await self._elsewhere.ask(asked, lambda cell: self._cells.benefit(cell, unary))
        return elsewhere_pb2.CheckBenefitResponse(response=found)

    async def ListCumulations(  # noqa: N802 - the contract's name
        self, request: elsewhere_pb2.ListCumulationsRequest, context: Any
    ) -> elsewhere_pb2.ListCumulationsResponse:
        """5206."""
        unary = request.request
        asked = _numbered(unary, beijing_day(current_call().now))
        found = await self._elsewhere.ask(asked, lambda cell: self._cells.cumulations(cell, unary))
        return elsewhere_pb2.ListCumulationsResponse(response=found)


def _shown(unary: Any) -> Asked:
    """Whose the credential is: an ecToken tells its cell, else it is whoever has the certificate beside the credential, or the
    one that is the credential. Of cards routing knows nothing.
    """
    data = unary.data
    made_in = cell_of(data.mdtrt_cert_no) if data.mdtrt_cert_type == codes_pb2.MDTRT_CERT_TYPE_EC else None
    beside = bool(data.certno.strip())
    certno = data.certno if beside else "" if data.mdtrt_cert_type in _NO_CERTIFICATE else data.mdtrt_cert_no
    day = beijing_day(moment_of(data.begntime) if data.HasField("begntime") else current_call().now)
    path = "data.certno" if beside else "data.mdtrt_cert_no"
    query = _query(unary, day, certno=certno.strip(), psn_cert_type=cert_type(data.psn_cert_type))
    return Asked(query, path, made_in or "")


def _numbered(unary: Any, day: date) -> Asked:
    return Asked(_query(unary, day, psn_no=unary.data.psn_no), "data.psn_no")


def _query(unary: Any, day: date, psn_no: str = "", certno: str = "", psn_cert_type: str = "") -> Query:
    """Seen from the cell that asks; what the client says of the insured place decides nothing."""
    care, hint = current_call().caller.cell, unary.desk.insuplc_admdvs
    return Query(psn_no, certno, psn_cert_type, "", day, hint_admdvs=hint, care_cell=care)
