"""A search that finds a study and a ticket for it, which need a node that has told one and says that it is there."""

from __future__ import annotations

from typing import Any

from services.runtime.call import Caller, Role
from tests.contract.bench import Bench
from tests.imaging.entries import HOSPITAL, NODE, uid, upsert
from yibao.imaging.v1 import node_pb2, reader_pb2, study_pb2, ticket_pb2, upload_pb2


async def of_a_study(bench: Bench) -> list[tuple[str, Any, Caller]]:
    """Questions that are accepted: the full name of the method, the request, and who asks."""
    node = node_pb2.Node(
        node_no=NODE.node_no,
        node_name=NODE.node_name,
        admdvs=NODE.admdvs,
        uscc=NODE.uscc,
        retrieve_roots=NODE.retrieve_roots,
    )
    of_node, hospital = (
        Caller(Role.NODE, NODE.node_no, sandbox=True),
        Caller(Role.INSTITUTION, HOSPITAL, sandbox=True),
    )
    call = bench.mesh.call
    await call("yibao.imaging.v1.NodeService.RegisterNode", node_pb2.RegisterNodeRequest(request_id="n", node=node))
    told = upload_pb2.UploadEntriesRequest(node_no=NODE.node_no, entries=[upsert(1)])
    await call("yibao.imaging.v1.UploadService.UploadEntries", told, caller=of_node)
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
