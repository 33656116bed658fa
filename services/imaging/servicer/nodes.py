"""NodeService on the wire."""

from __future__ import annotations

from typing import Any

from services.imaging.domain.nodes import Node, StandingNode
from services.imaging.operations.nodes import NodeOperations
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import moment_message, optional_moment_message
from yibao.imaging.v1 import node_pb2, node_pb2_grpc


class NodeServicer(node_pb2_grpc.NodeServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: NodeOperations) -> None:
        self._operations = operations

    async def RegisterNode(  # noqa: N802 - the contract's name
        self, request: node_pb2.RegisterNodeRequest, context: Any
    ) -> node_pb2.RegisterNodeResponse:
        """Registers once."""
        call = current_call()
        told = request.node
        wanted = Node(
            *(told.node_no, told.node_name, told.admdvs, told.uscc),
            *(tuple(told.retrieve_roots), tuple(told.institutions)),
        )
        stored = await self._operations.register(stamp_of(call, request), wanted, call.now, _registered)
        return node_pb2.RegisterNodeResponse.FromString(stored)

    async def GetNode(  # noqa: N802 - the contract's name
        self, request: node_pb2.GetNodeRequest, context: Any
    ) -> node_pb2.GetNodeResponse:
        """One by its number."""
        return node_pb2.GetNodeResponse(node=_message(await self._operations.find(request.node_no)))

    async def ListNodes(  # noqa: N802 - the contract's name
        self, request: node_pb2.ListNodesRequest, context: Any
    ) -> node_pb2.ListNodesResponse:
        """A page."""
        after, size = asked_page(request, str)
        page = await self._operations.listed("" if after is None else after[0], size)
        return node_pb2.ListNodesResponse(
            nodes=[_message(each) for each in page.entries], next_page_token=token_of(page.end)
        )

    async def SuspendNode(  # noqa: N802 - the contract's name
        self, request: node_pb2.SuspendNodeRequest, context: Any
    ) -> node_pb2.SuspendNodeResponse:
        """Suspends, or lifts that."""
        call = current_call()
        stored = await self._operations.suspend(
            stamp_of(call, request), request.node_no, request.memo, call.now, _suspended, lifted=request.lifted
        )
        return node_pb2.SuspendNodeResponse.FromString(stored)

    async def Heartbeat(  # noqa: N802 - the contract's name
        self, request: node_pb2.HeartbeatRequest, context: Any
    ) -> node_pb2.HeartbeatResponse:
        """Notes that it is there."""
        heard = await self._operations.heard(
            request.node_no, current_call().now, retrieving=request.retrieving, last_seq=request.last_seq
        )
        notices = [
            node_pb2.ConflictNotice(
                study_instance_uid=each.uid, found_at=moment_message(each.found_at), wrong=each.wrong
            )
            for each in heard.notices
        ]
        return node_pb2.HeartbeatResponse(state=_state(heard.node), watermark=heard.node.watermark, conflicts=notices)


def _registered(standing: StandingNode) -> bytes:
    return node_pb2.RegisterNodeResponse(node=_message(standing)).SerializeToString()


def _suspended(standing: StandingNode) -> bytes:
    return node_pb2.SuspendNodeResponse(node=_message(standing)).SerializeToString()


def _state(standing: StandingNode) -> node_pb2.NodeState.ValueType:
    return node_pb2.NodeState.Value(f"NODE_STATE_{standing.state.name}")


def _message(standing: StandingNode) -> node_pb2.StandingNode:
    node = standing.node
    return node_pb2.StandingNode(
        node=node_pb2.Node(
            node_no=node.node_no,
            node_name=node.node_name,
            admdvs=node.admdvs,
            uscc=node.uscc,
            retrieve_roots=node.retrieve_roots,
            institutions=node.institutions,
        ),
        state=_state(standing),
        registered_at=moment_message(standing.registered_at),
        heard_at=optional_moment_message(standing.heard_at),
        retrieving=standing.retrieving,
        uploaded_at=optional_moment_message(standing.uploaded_at),
        watermark=standing.watermark,
        memo=standing.memo,
        last_seq=standing.last_seq,
        compared_at=optional_moment_message(standing.compared_at),
    )
