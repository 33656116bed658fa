"""ConflictService on the wire."""

from __future__ import annotations

from typing import Any, Final

from services.imaging.domain.conflicts import Conflict
from services.imaging.domain.studies import State
from services.imaging.operations.conflicts import ConflictOperations
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import moment_message, optional_moment_message
from yibao.imaging.v1 import conflict_pb2, conflict_pb2_grpc

_STATES: Final = {
    State.CONFLICT: conflict_pb2.SIDE_STATE_OPEN,
    State.ACTIVE: conflict_pb2.SIDE_STATE_RIGHT,
    State.WRONG: conflict_pb2.SIDE_STATE_WRONG,
    State.HELD: conflict_pb2.SIDE_STATE_HELD,
    State.WITHDRAWN: conflict_pb2.SIDE_STATE_WITHDRAWN,
}


class ConflictServicer(conflict_pb2_grpc.ConflictServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: ConflictOperations) -> None:
        self._operations = operations

    async def ListConflicts(  # noqa: N802 - the contract's name
        self, request: conflict_pb2.ListConflictsRequest, context: Any
    ) -> conflict_pb2.ListConflictsResponse:
        """A page."""
        after, size = asked_page(request, str)
        page = await self._operations.listed("" if after is None else after[0], size)
        return conflict_pb2.ListConflictsResponse(
            conflicts=[_message(each) for each in page.entries], next_page_token=token_of(page.end)
        )

    async def DecideConflict(  # noqa: N802 - the contract's name
        self, request: conflict_pb2.DecideConflictRequest, context: Any
    ) -> conflict_pb2.DecideConflictResponse:
        """Decides once."""
        call = current_call()
        stored = await self._operations.decide(
            *(stamp_of(call, request), request.study_instance_uid, request.right_node_no, request.memo),
            *(call.caller.subject, call.now, _decided),
        )
        return conflict_pb2.DecideConflictResponse.FromString(stored)


def _decided(conflict: Conflict) -> bytes:
    return conflict_pb2.DecideConflictResponse(conflict=_message(conflict)).SerializeToString()


def _message(conflict: Conflict) -> conflict_pb2.Conflict:
    sides = []
    for side, person in zip(conflict.sides, conflict.persons(), strict=True):
        kept, study = side.kept, side.kept.study
        made = conflict_pb2.Side(node_no=side.node_no, state=_STATES[kept.state], person=person, version=kept.version)
        if study is not None:
            made.fixmedins_code, made.study_date = study.fixmedins_code, study.study_date
            made.accession_no = study.accession_no
            made.modalities.extend(study.modalities)
        sides.append(made)
    return conflict_pb2.Conflict(
        study_instance_uid=conflict.uid,
        found_at=moment_message(conflict.found_at),
        decided_at=optional_moment_message(conflict.decided_at),
        decided_by=conflict.decided_by,
        memo=conflict.memo,
        sides=sides,
    )
