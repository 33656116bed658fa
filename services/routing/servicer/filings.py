"""FilingService on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.kernel.clock import beijing_day
from services.routing.domain.filing_terms import FilingKind
from services.routing.domain.filings import AskedFiling, Filing, NamedCare
from services.routing.operations.filings import FilingOperations, Paths
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.wire import day_message, moment_message, optional_day_message, optional_day_of
from yibao.routing.v1 import filing_pb2, filing_pb2_grpc

_KINDS: Final[Mapping[FilingKind, filing_pb2.FilingKind.ValueType]] = {
    each: filing_pb2.FilingKind.Value(f"FILING_KIND_{each.name}") for each in FilingKind
}
_READ: Final = {value: kind for kind, value in _KINDS.items()}
_PATHS: Final = Paths("psn_no", "care_admdvs")


class FilingServicer(filing_pb2_grpc.FilingServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: FilingOperations) -> None:
        self._operations = operations

    async def FileCare(  # noqa: N802 - the contract's name
        self, request: filing_pb2.FileCareRequest, context: Any
    ) -> filing_pb2.FileCareResponse:
        """Makes one."""
        call = current_call()
        first, last = optional_day_of(request, "filed_from"), optional_day_of(request, "filed_to")
        asked = AskedFiling(
            request.psn_no,
            _READ[request.kind],
            request.care_admdvs,
            first or beijing_day(call.now),
            last,
            call.caller.role.value,
            detail={"memo": request.memo} if request.memo else {},
        )
        begun = NamedCare(request.care.fixmedins_code, request.care.mdtrt_id) if request.HasField("care") else None
        stored = await self._operations.file(stamp_of(call, request), asked, "", begun, call.now, _PATHS, _made)
        return filing_pb2.FileCareResponse.FromString(stored)

    async def WithdrawFiling(  # noqa: N802 - the contract's name
        self, request: filing_pb2.WithdrawFilingRequest, context: Any
    ) -> filing_pb2.WithdrawFilingResponse:
        """Takes one back."""
        call = current_call()
        stored = await self._operations.withdraw(
            stamp_of(call, request), request.filing_no, request.psn_no, request.memo, call.now, _withdrawn
        )
        return filing_pb2.WithdrawFilingResponse.FromString(stored)

    async def ListFilings(  # noqa: N802 - the contract's name
        self, request: filing_pb2.ListFilingsRequest, context: Any
    ) -> filing_pb2.ListFilingsResponse:
        """All of a person."""
        found = await self._operations.of_person(request.psn_no)
        return filing_pb2.ListFilingsResponse(filings=[filing_message(each) for each in found])

    async def FindFiling(  # noqa: N802 - the contract's name
        self, request: filing_pb2.FindFilingRequest, context: Any
    ) -> filing_pb2.FindFilingResponse:
        """The one that counts."""
        day = optional_day_of(request, "day") or beijing_day(current_call().now)
        told = await self._operations.counting(request.psn_no, request.care_admdvs, day)
        filing = filing_message(told.filing) if told.filing else None
        return filing_pb2.FindFilingResponse(filing=filing, reason=told.reason)


def _made(filing: Filing) -> bytes:
    return filing_pb2.FileCareResponse(filing=filing_message(filing)).SerializeToString()


def _withdrawn(filing: Filing) -> bytes:
    return filing_pb2.WithdrawFilingResponse(filing=filing_message(filing)).SerializeToString()


def filing_message(filing: Filing) -> filing_pb2.Filing:
    """A filing, without the person whom it is about."""
    return filing_pb2.Filing(
        filing_no=filing.filing_no,
        kind=_KINDS[filing.kind],
        care_admdvs=filing.care_admdvs,
        filed_from=day_message(filing.from_day),
        filed_to=optional_day_message(filing.to_day),
        filed_by=filing.filed_by,
        fixmedins_code=filing.fixmedins_code,
        filed_at=moment_message(filing.filed_at),
        withdrawn_at=moment_message(filing.withdrawn_at) if filing.withdrawn_at else None,
    )
