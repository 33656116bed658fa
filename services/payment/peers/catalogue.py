"""Whether an institution exists: the catalogue, which is national, says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from services.kernel.clock import Clock, beijing_day
from services.kernel.errors import AWAY, Fault, precondition
from services.runtime.kept import TimedCache
from services.runtime.outbound import Peers
from services.runtime.wire import day_message
from yibao.catalogue.v1 import catalogue_pb2, catalogue_pb2_grpc

CATALOGUE: Final = "catalogue"
_KEPT_S: Final = 600.0
_KEPT_UNKNOWN_S: Final = 2.0
"""Of an institution that is not there: one that is published now is found at once."""
_SIZE: Final = 4096
_WAIT_S: Final = 1.0


class KnownInstitutions:
    """Asks the catalogue. `now` is a monotonic clock in seconds."""

    def __init__(self, peers: Peers, clock: Clock, now: Callable[[], float]) -> None:
        self._peers, self._clock = peers, clock
        self._stub = peers.stub(catalogue_pb2_grpc.CatalogueServiceStub, CATALOGUE)
        self._known: TimedCache[tuple[str, date], bool] = TimedCache(_SIZE, now)

    async def check(self, fixmedins_code: str) -> None:
        """INSTITUTION_UNKNOWN where it is not in the catalogue today. A catalogue that does not answer refuses nothing: an
        authorisation for nobody is good nowhere, and lapses (our decision).
        """
        day = beijing_day(self._clock())
        try:
            known = await self._known.get((fixmedins_code, day), lambda: self._load(fixmedins_code, day))
        except Fault as fault:
            if fault.reason not in AWAY:
                raise
            return
        if not known:
            raise precondition("INSTITUTION_UNKNOWN", fixmedins_code=fixmedins_code, day=day.isoformat())

    async def _load(self, code: str, day: date) -> tuple[bool, float]:
        asked = catalogue_pb2.BatchGetInstitutionsRequest(fixmedins_codes=[code], day=day_message(day))
        answer = await self._peers.call(self._stub.BatchGetInstitutions, asked, timeout_s=_WAIT_S)
        known = answer.outcomes[0].HasField("institution")
        return known, _KEPT_S if known else _KEPT_UNKNOWN_S
