"""The RPCs by which routing holds persons insured here to their stays in other cells."""

from __future__ import annotations

from typing import Any

from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.wire import moment_of
from services.settlement.domain.care.reservations import HELD, Reservation
from services.settlement.operations.care.reservations import StayReservations
from yibao.settlement.v1 import stay_reservation_pb2, stay_reservation_pb2_grpc


class StayReservationServicer(stay_reservation_pb2_grpc.StayReservationServiceServicer):
    """Answers StayReservationService."""

    def __init__(self, reservations: StayReservations) -> None:
        self._reservations = reservations

    async def ReserveStay(  # noqa: N802  # the name is the contract's
        self, request: stay_reservation_pb2.ReserveStayRequest, context: Any
    ) -> stay_reservation_pb2.ReserveStayResponse:
        """Holds a person to a stay."""
        call = current_call()
        wanted = Reservation(
            mdtrt_id=request.mdtrt_id,
            opener=request.opener,
            request_id=request.request_id,
            psn_no=request.psn_no,
            fixmedins_code=request.fixmedins_code,
            care_cell=request.care_cell,
            state=HELD,
            begin_at=moment_of(request.begin_time),
            reserved_at=call.now,
        )
        await self._reservations.reserve(stamp_of(call, request), wanted, call.now)
        return stay_reservation_pb2.ReserveStayResponse()

    async def ReleaseStay(  # noqa: N802
        self, request: stay_reservation_pb2.ReleaseStayRequest, context: Any
    ) -> stay_reservation_pb2.ReleaseStayResponse:
        """Lets go of it."""
        call = current_call()
        told = (request.opener, request.mdtrt_id, request.undoes)
        await self._reservations.release(stamp_of(call, request), *told, call.now)
        return stay_reservation_pb2.ReleaseStayResponse()
