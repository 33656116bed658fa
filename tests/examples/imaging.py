"""A search that finds a study and a ticket for it, which need a node that has told one and says that it is there; and a study
that two nodes tell of two persons, listed and decided.
"""

from __future__ import annotations

from typing import Any

from services.imaging.domain.nodes import Node
from services.runtime.call import Caller, Role
from tests.contract.bench import Bench
from tests.imaging.entries import HOSPITAL, NODE, OTHER_NODE, OTHER_PSN_NO, uid, upsert
from yibao.imaging.v1 import conflict_pb2, entry_pb2, node_pb2, reader_pb2, study_pb2, ticket_pb2, upload_pb2


async def of_a_study(bench: Bench) -> list[tuple[str, Any, Caller]]:
    """Questions that are accepted: the full name of the method, the request, and who asks."""
    of_node, hospital = _node(NODE.node_no), Caller(Role.INSTITUTION, HOSPITAL, sandbox=True)
    call = bench.mesh.call
    await _told(bench, NODE, upsert(1))
    beat = node_pb2.HeartbeatRequest(node_no=NODE.node_no, retrieving=True)
    await call("yibao.imaging.v1.NodeService.Heartbeat", beat, caller=of_node)
    own = reader_pb2.OpenSessionRequest(fixmedins_code=HOSPITAL, own=True)
    session = await call("yibao.imaging.v1.ReaderService.OpenSession", own, caller=hospital)
    token, conditions = session.session_token, study_pb2.StudyConditions(study_uids=[uid(1)])
    asked: list[tuple[str, Any]] = [
        ("StudyService.SearchStudies", study_pb2.SearchStudiesRequest(session_token=token, conditions=conditions)),
        ("StudyService.SearchSeries", study_pb2.SearchSeriesRequest(session_token=token, conditions=conditions)),
        ("TicketService.IssueTicket", ticket_pb2.IssueTicketRequest(session_token=token, study_uid=uid(1))),
    ]
    return [(f"yibao.imaging.v1.{name}", request, hospital) for name, request in asked]


async def between_nodes(bench: Bench) -> list[tuple[str, Any, Caller]]:
    """The same of a study that two nodes tell of two persons: after `of_a_study`."""
    await _told(bench, OTHER_NODE, upsert(1, psn_no=OTHER_PSN_NO))
    operator = Caller(Role.OPERATOR, "operator", sandbox=True)
    decided = conflict_pb2.DecideConflictRequest(
        request_id="conflict-1",
        study_instance_uid=uid(1),
        right_node_no=NODE.node_no,
        memo="登记有误，已向两家单位核实",
    )
    asked: list[tuple[str, Any]] = [
        ("ListConflicts", conflict_pb2.ListConflictsRequest()),
        ("DecideConflict", decided),
    ]
    return [(f"yibao.imaging.v1.ConflictService.{name}", request, operator) for name, request in asked]


async def _told(bench: Bench, node: Node, entry: entry_pb2.Entry) -> None:
    """A node is registered and tells an entry."""
    told = node_pb2.Node(
        node_no=node.node_no,
        node_name=node.node_name,
        admdvs=node.admdvs,
        uscc=node.uscc,
        retrieve_roots=node.retrieve_roots,
    )
    register = node_pb2.RegisterNodeRequest(request_id=f"node-{node.node_no}", node=told)
    await bench.mesh.call("yibao.imaging.v1.NodeService.RegisterNode", register)
    upload = upload_pb2.UploadEntriesRequest(node_no=node.node_no, entries=[entry])
    await bench.mesh.call("yibao.imaging.v1.UploadService.UploadEntries", upload, caller=_node(node.node_no))


def _node(node_no: str) -> Caller:
    return Caller(Role.NODE, node_no, sandbox=True)
