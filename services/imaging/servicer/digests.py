"""DigestService on the wire."""

from __future__ import annotations

from typing import Any

from services.imaging.domain.dicom_forms import day_holds
from services.imaging.domain.digests import DayDigest, digest_of
from services.imaging.domain.drift import Comparison, DriftingNode
from services.imaging.operations.digests import DigestOperations
from services.kernel.errors import Fault, FaultKind, Violation, Violations, invalid
from services.runtime.call import current_call
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import moment_message, optional_moment_message
from yibao.imaging.v1 import digest_pb2, digest_pb2_grpc

_NO_DAY = "a day that there is, such as 20250131, is expected"


class DigestServicer(digest_pb2_grpc.DigestServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: DigestOperations) -> None:
        self._operations = operations

    async def CompareDigest(  # noqa: N802 - the contract's name
        self, request: digest_pb2.CompareDigestRequest, context: Any
    ) -> digest_pb2.CompareDigestResponse:
        """Days of a node."""
        compared = await self._operations.compare(request.node_no, _comparison(request), current_call().now)
        days = [
            digest_pb2.DayDigest(day=f"{day:08}", count=each.count, digest=each.digest.hex())
            for day, each in compared.days.items()
        ]
        return digest_pb2.CompareDigestResponse(differing=days, watermark=compared.watermark)

    async def ListDay(  # noqa: N802 - the contract's name
        self, request: digest_pb2.ListDayRequest, context: Any
    ) -> digest_pb2.ListDayResponse:
        """A page of one day."""
        if not day_holds(request.day):
            raise invalid("day", "entry.day", _NO_DAY)
        after, size = asked_page(request, int, int)
        place = None if after is None else (after[0], after[1])
        page = await self._operations.day_page(request.node_no, request.day, place, size)
        studies = [
            digest_pb2.DayStudy(study_instance_uid=each.uid, version=each.version, entry_hash=each.entry_hash.hex())
            for each in page.entries
        ]
        return digest_pb2.ListDayResponse(studies=studies, next_page_token=token_of(page.end))

    async def ListDrift(  # noqa: N802 - the contract's name
        self, request: digest_pb2.ListDriftRequest, context: Any
    ) -> digest_pb2.ListDriftResponse:
        """A page of nodes."""
        after, size = asked_page(request, str)
        page = await self._operations.drifting("" if after is None else after[0], size, current_call().now)
        return digest_pb2.ListDriftResponse(
            nodes=[_node(each) for each in page.entries], next_page_token=token_of(page.end)
        )


def _comparison(request: digest_pb2.CompareDigestRequest) -> Comparison:
    """What is compared; INVALID_REQUEST where a day is none, is told twice, or the range has one end."""
    broken = Violations()
    days: dict[int, DayDigest] = {}
    for place, each in enumerate(request.days):
        if not day_holds(each.day):
            broken.add(Violation(f"days[{place}].day", "entry.day", _NO_DAY))
        elif int(each.day) in days:
            broken.add(Violation(f"days[{place}].day", "entry.twice", "stands twice"))
        else:
            days[int(each.day)] = digest_of(each.count, bytes.fromhex(each.digest))
    ends = (request.first_day, request.last_day)
    for name, day in zip(("first_day", "last_day"), ends, strict=True):
        if any(ends) and not day_holds(day):
            broken.add(Violation(name, "entry.day", _NO_DAY))
    if broken:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)
    span = (int(ends[0]), int(ends[1])) if all(ends) else None
    return Comparison(days, span, request.last_seq, request.recount)


def _node(drifting: DriftingNode) -> digest_pb2.DriftingNode:
    standing = drifting.standing
    return digest_pb2.DriftingNode(
        node_no=standing.node.node_no,
        node_name=standing.node.node_name,
        watermark=standing.watermark,
        last_seq=standing.last_seq,
        compared_at=optional_moment_message(standing.compared_at),
        heard_at=optional_moment_message(standing.heard_at),
        silent=drifting.silent,
        day_count=drifting.day_count,
        days=[
            digest_pb2.DriftingDay(
                day=f"{each.day:08}",
                node_count=each.node_count,
                index_count=each.index_count,
                found_at=moment_message(each.found_at),
            )
            for each in drifting.days
        ],
    )
