"""ReferralService on the wire: 2501, 2502 and 5304."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from services.kernel.clock import beijing_day
from services.routing.domain.filing_terms import FilingKind
from services.routing.domain.filings import AskedFiling, Filing
from services.routing.domain.referrals import Named, Shown
from services.routing.operations.filings import INSTITUTION, FilingOperations, Paths
from services.routing.operations.referrals import Referrals
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.wire import DayReader, day_message, moment_message, moment_of, optional_day_message
from yibao.routing.v1 import referral_pb2, referral_pb2_grpc

_PATHS: Final = Paths("refmedin.psn_no", "refmedin.mdtrtarea_admdvs")
_INSTITUTION: Final = "01"
"""Dictionary dcla_souc: a designated institution."""

_KEPT: Final = (
    "insutype", "tel", "addr", "insu_optins", "diag_code", "diag_name", "dise_cond_dscr", "reflin_medins_no",
    "reflin_medins_name", "hosp_agre_refl_flag", "refl_type", "refl_rea", "refl_opnn", "refl_old_mdtrt_id",
)  # fmt: skip
_TOLD: Final = (
    "tel", "addr", "diag_code", "diag_name", "dise_cond_dscr", "reflin_medins_no", "reflin_medins_name", "refl_rea",
    "hosp_agre_refl_flag",
)  # fmt: skip


class ReferralServicer(referral_pb2_grpc.ReferralServiceServicer):
    """Messages in, messages out."""

    def __init__(self, filings: FilingOperations, referrals: Referrals) -> None:
        self._filings = filings
        self._referrals = referrals

    async def Refer(  # noqa: N802 - the contract's name
        self, request: referral_pb2.ReferRequest, context: Any
    ) -> referral_pb2.ReferResponse:
        """2501."""
        call, row, days = current_call(), request.refmedin, DayReader()
        referred = days.day(row.refl_date, "refmedin.refl_date")
        first = days.optional(row, "begndate", "refmedin") or referred
        last = days.optional(row, "enddate", "refmedin")
        days.check()
        detail = {name: getattr(row, name) for name in _KEPT if getattr(row, name)}
        detail |= {"refl_date": referred.isoformat(), "opter_id": request.opter, "opter_name": request.opter_name}
        asked = AskedFiling(
            row.psn_no,
            FilingKind.REFERRAL,
            row.mdtrtarea_admdvs,
            first,
            last,
            INSTITUTION,
            request.fixmedins_code,
            detail,
        )
        stored = await self._filings.file(
            stamp_of(call, request), asked, row.insutype, None, call.now, _PATHS, _referred
        )
        return referral_pb2.ReferResponse.FromString(stored)

    async def WithdrawReferral(  # noqa: N802 - the contract's name
        self, request: referral_pb2.WithdrawReferralRequest, context: Any
    ) -> referral_pb2.WithdrawReferralResponse:
        """2502."""
        call, data = current_call(), request.data
        stored = await self._filings.withdraw(
            stamp_of(call, request),
            data.trt_dcla_detl_sn,
            data.psn_no,
            data.memo,
            call.now,
            _withdrawn,
            request.fixmedins_code,
        )
        return referral_pb2.WithdrawReferralResponse.FromString(stored)

    async def ListReferrals(  # noqa: N802 - the contract's name
        self, request: referral_pb2.ListReferralsRequest, context: Any
    ) -> referral_pb2.ListReferralsResponse:
        """5304."""
        data = request.data
        first = beijing_day(moment_of(data.begntime))
        last = beijing_day(moment_of(data.endtime)) if data.HasField("endtime") else None
        found = await self._referrals.listed(
            data.psn_no, request.fixmedins_code, first, last, beijing_day(current_call().now)
        )
        return referral_pb2.ListReferralsResponse(refmedin=[_information(each) for each in found])


def _referred(filing: Filing) -> bytes:
    number = referral_pb2.ReferralNumber(trt_dcla_detl_sn=filing.filing_no)
    return referral_pb2.ReferResponse(result=number).SerializeToString()


def _withdrawn(_: Filing) -> bytes:
    return referral_pb2.WithdrawReferralResponse().SerializeToString()


def _information(shown: Shown) -> referral_pb2.ReferralInformation:
    filing, named = shown.filing, shown.named
    told: dict[str, Any] = {name: filing.detail.get(name, "") for name in _TOLD}
    return referral_pb2.ReferralInformation(
        **told,
        **_person(named),
        trt_dcla_detl_sn=filing.filing_no,
        dcla_souc=_INSTITUTION,
        psn_no=filing.psn_no,
        insutype=shown.insutype,
        insu_optins=shown.insured_admdvs,
        out_flag="1" if shown.elsewhere else "0",
        refl_date=day_message(date.fromisoformat(filing.detail["refl_date"])),
        begndate=day_message(filing.from_day),
        enddate=optional_day_message(filing.to_day),
        opter_id=filing.detail.get("opter_id", ""),
        opter_name=filing.detail.get("opter_name", ""),
        opt_time=moment_message(filing.filed_at),
    )


def _person(named: Named) -> dict[str, Any]:
    return {
        "psn_cert_type": named.psn_cert_type,
        "certno": named.certno,
        "psn_name": named.psn_name,
        "gend": named.gend,
        "brdy": day_message(named.brdy),
        "emp_name": named.emp_name,
    }
