"""NodeService and UploadService over loopback, with every interceptor, and routing's keys."""

from __future__ import annotations

from typing import Any

import pytest
from google.type.date_pb2 import Date

from services.kernel.errors import Fault
from services.runtime.call import Caller, Role
from services.runtime.wire import day_message
from tests.imaging.audit_rules import check_dicom, check_fhir
from tests.imaging.conftest import Running
from tests.imaging.entries import NODE, NOON, OTHER_PSN_NO, PSN_NO, uid, upsert, withdrawal
from yibao.imaging.v1 import audit_pb2, conflict_pb2, digest_pb2, entry_pb2, node_pb2, recognition_pb2, upload_pb2

OF_NODE = Caller(Role.NODE, "SD01", sandbox=True)


def registering(request_id: str = "r1", **changed: Any) -> node_pb2.RegisterNodeRequest:
    """RegisterNode."""
    said: dict[str, Any] = {
        "node_no": NODE.node_no,
        "node_name": NODE.node_name,
        "admdvs": NODE.admdvs,
        "uscc": NODE.uscc,
        "retrieve_roots": NODE.retrieve_roots,
    }
    return node_pb2.RegisterNodeRequest(request_id=request_id, node=node_pb2.Node(**(said | changed)))


async def test_a_node_is_registered_changed_listed_heard_and_suspended(running: Running) -> None:
    first = await running.call("NodeService.RegisterNode", registering())
    assert first == await running.call("NodeService.RegisterNode", registering())
    assert first.node.node == registering().node
    assert first.node.state == node_pb2.NODE_STATE_ACTIVE
    named = await running.call("NodeService.RegisterNode", registering("r2", node_name="新名称"))
    assert named.node.node.node_name == "新名称"
    heard = await running.call(
        "NodeService.Heartbeat", node_pb2.HeartbeatRequest(node_no="SD01", retrieving=True), OF_NODE
    )
    assert (heard.state, heard.watermark) == (node_pb2.NODE_STATE_ACTIVE, 0)
    (listed,) = (await running.call("NodeService.ListNodes", node_pb2.ListNodesRequest())).nodes
    assert listed.retrieving
    assert listed.HasField("heard_at")
    suspending = node_pb2.SuspendNodeRequest(request_id="s1", node_no="SD01", memo="核查")
    assert (await running.call("NodeService.SuspendNode", suspending)).node.state == node_pb2.NODE_STATE_SUSPENDED
    upload = upload_pb2.UploadEntriesRequest(node_no="SD01", entries=[upsert(1)])
    assert await running.reason("UploadService.UploadEntries", upload, OF_NODE) == "NODE_SUSPENDED"
    lifting = node_pb2.SuspendNodeRequest(request_id="s2", node_no="SD01", lifted=True)
    assert (await running.call("NodeService.SuspendNode", lifting)).node.state == node_pb2.NODE_STATE_ACTIVE
    found = await running.call("NodeService.GetNode", node_pb2.GetNodeRequest(node_no="SD01"), OF_NODE)
    assert found.node.state == node_pb2.NODE_STATE_ACTIVE


async def test_a_batch_is_answered_entry_by_entry(running: Running) -> None:
    await running.call("NodeService.RegisterNode", registering())
    bad = upsert(2, study_date="20260231")
    request = upload_pb2.UploadEntriesRequest(node_no="SD01", entries=[upsert(1), bad])
    answer = await running.call("UploadService.UploadEntries", request, OF_NODE)
    good, refused = answer.outcomes
    assert answer.watermark == 2
    assert (good.result, len(good.entry_hash)) == (entry_pb2.ENTRY_RESULT_ACCEPTED, 32)
    assert (refused.result, refused.field, refused.rule) == (
        entry_pb2.ENTRY_RESULT_REJECTED,
        "study.study_date",
        "entry.day",
    )
    assert refused.text_zh == "应为真实的日期，如20250131"
    told = await running.call("UploadService.GetWatermark", upload_pb2.GetWatermarkRequest(node_no="SD01"), OF_NODE)
    assert told.watermark == 2


async def test_a_poisoned_entry_of_any_kind_is_refused_alone_and_its_neighbours_are_kept(running: Running) -> None:
    await running.call("NodeService.RegisterNode", registering())
    poisons = {
        "study.description": upsert(2, description="胸部\0平扫"),
        "study.patient_name": upsert(2, patient_name="Zhang^\0"),
        "study_instance_uid": upsert(2, study_instance_uid="2.25.1\0"),
        "study.modalities": upsert(2, modalities=["CT"] * 51),
        "series": upsert(2, series=[upsert(2).series[0]] * 401),
        "series[0].description": upsert(2, series=[entry_pb2.Series(series_instance_uid="2.25.9.1", modality="CT",
                                                                     instance_count=1, description="\0")]),
        "study.availability": upsert(2, availability=99),
        "study.recognition": upsert(2, recognition=99),
        "operation": upsert(2, operation=99),
    }  # fmt: skip
    for field, poison in poisons.items():
        request = upload_pb2.UploadEntriesRequest(node_no="SD01", entries=[upsert(1), poison, upsert(3)])
        answer = await running.call("UploadService.UploadEntries", request, OF_NODE)
        first, refused, last = answer.outcomes
        assert (refused.result, refused.field) == (entry_pb2.ENTRY_RESULT_REJECTED, field)
        assert entry_pb2.ENTRY_RESULT_REJECTED not in (first.result, last.result)
        assert answer.watermark == 3


async def test_every_refusal(running: Running) -> None:
    register, upload = "NodeService.RegisterNode", "UploadService.UploadEntries"
    await running.call(register, registering())
    assert await running.reason(register, registering(node_name="另名")) == "REQUEST_ID_REUSED"
    assert await running.reason(register, registering("r2", admdvs="370000")) == "NODE_EXISTS"
    assert await running.reason(register, registering("r2", uscc="12990100MB00000332")) == "INVALID_REQUEST"
    unknown = Caller(Role.NODE, "XX01", sandbox=True)
    request = upload_pb2.UploadEntriesRequest(node_no="XX01", entries=[upsert(1)])
    assert await running.reason(upload, request, unknown) == "NODE_NOT_FOUND"
    assert await running.reason(upload, request, OF_NODE) == "CALLER_NOT_BOUND"
    gap = upload_pb2.UploadEntriesRequest(node_no="SD01", entries=[upsert(2)])
    assert await running.reason(upload, gap, OF_NODE) == "SEQUENCE_GAP"
    hospital = Caller(Role.INSTITUTION, "H99010000001", sandbox=True)
    assert await running.reason(upload, gap, hospital) == "ROLE_NOT_ALLOWED"
    assert (await running.call("ConflictService.ListConflicts", conflict_pb2.ListConflictsRequest())).conflicts == []
    asked = conflict_pb2.DecideConflictRequest(request_id="d1", study_instance_uid="2.25.7", memo="已核对")
    assert await running.reason("ConflictService.DecideConflict", asked) == "CONFLICT_NOT_FOUND"
    day = digest_pb2.DayDigest(day="20260230", digest="0" * 32)
    for wrong in (
        digest_pb2.CompareDigestRequest(node_no="SD01", days=[day]),
        digest_pb2.CompareDigestRequest(node_no="SD01", first_day="20260201"),
    ):
        assert await running.reason("DigestService.CompareDigest", wrong, OF_NODE) == "INVALID_REQUEST"


async def test_days_and_months_that_cannot_be_meant_are_refused_by_their_field(running: Running) -> None:
    """A day that there is not, twice the same day, a plan for another century, more months than are counted."""
    await running.call("NodeService.RegisterNode", registering())
    hospital = Caller(Role.INSTITUTION, "H99010000001", sandbox=True)
    twice = [digest_pb2.DayDigest(day="20260301", digest="0" * 32)] * 2
    planned: dict[str, Any] = {"fixmedins_code": hospital.subject, "dr_codg": "D1", "psn_no": PSN_NO, "item_code": "I1"}
    months: dict[str, Any] = {"fixmedins_code": hospital.subject, "first_month": "2026-03"}
    nowhere = recognition_pb2.Quality(fixmedins_code=hospital.subject, modality="XX", from_day=day_message(NOON.date()))
    for method, request, caller, path in (
        ("DigestService.ListDay", digest_pb2.ListDayRequest(node_no="SD01", day="20260230"), OF_NODE, "day"),
        (
            "DigestService.CompareDigest",
            digest_pb2.CompareDigestRequest(node_no="SD01", days=twice),
            OF_NODE,
            "days[1].day",
        ),
        *(
            (
                "DigestService.CompareDigest",
                digest_pb2.CompareDigestRequest(node_no="SD01", first_day=first, last_day=last),
                OF_NODE,
                path,
            )
            for first, last, path in (("20260230", "20260301", "first_day"), ("20260201", "20260230", "last_day"))
        ),
        (
            "RecognitionService.Advise",
            recognition_pb2.AdviseRequest(**planned, planned_day=Date(year=1899, month=12, day=31)),
            hospital,
            "planned_day",
        ),
        *(
            (
                "RecognitionService.CountRecognitions",
                recognition_pb2.CountRecognitionsRequest(**months, last_month=last),
                hospital,
                "last_month",
            )
            for last in ("2026-02", "2099-01")
        ),
        (
            "RecognitionService.SetQuality",
            recognition_pb2.SetQualityRequest(request_id="q1", quality=nowhere),
            Caller(Role.OPERATOR, "OP1", sandbox=True),
            "quality.modality",
        ),
    ):
        with pytest.raises(Fault) as raised:
            await running.call(method, request, caller)
        assert [each.path for each in raised.value.violations] == [path], method


async def test_the_audit_log_is_read_given_out_and_verified(running: Running) -> None:
    await running.call("NodeService.RegisterNode", registering())
    upload = upload_pb2.UploadEntriesRequest(node_no="SD01", entries=[upsert(1), upsert(2)])
    await running.call("UploadService.UploadEntries", upload, OF_NODE)
    withdrawn = upload_pb2.UploadEntriesRequest(node_no="SD01", entries=[withdrawal(3, 1, 2)])
    await running.call("UploadService.UploadEntries", withdrawn, OF_NODE)
    listed = await running.call("AuditService.ListAudit", audit_pb2.ListAuditRequest(page_size=2))
    used, gone = listed.entries
    assert (used.action, used.organisation, used.reader) == (audit_pb2.AUDIT_ACTION_LOG_USED, "operator", "OP1")
    assert (gone.action, gone.study_uid, gone.node_no) == (audit_pb2.AUDIT_ACTION_WITHDRAWN, uid(1), "SD01")
    rest = audit_pb2.ListAuditRequest(page_token=listed.next_page_token)
    assert [each.action for each in (await running.call("AuditService.ListAudit", rest)).entries] == [
        audit_pb2.AUDIT_ACTION_UPLOADED,
        audit_pb2.AUDIT_ACTION_UPLOADED,
    ]
    person = Caller(Role.PERSON, PSN_NO, sandbox=True)
    own = await running.call("AuditService.ListOwnAudit", audit_pb2.ListOwnAuditRequest(psn_no=PSN_NO))
    assert [each.action for each in own.entries] == [
        audit_pb2.AUDIT_ACTION_LOG_USED,
        audit_pb2.AUDIT_ACTION_WITHDRAWN,
    ]
    assert (len({each.patient_id for each in own.entries}), own.entries[1].patient_id == gone.patient_id) == (1, True)
    other = audit_pb2.ListOwnAuditRequest(psn_no=OTHER_PSN_NO)
    assert await running.reason("AuditService.ListOwnAudit", other, person) == "CALLER_NOT_BOUND"
    whole = str(listed) + str(own)
    for form, check in ((audit_pb2.AUDIT_FORM_DICOM, check_dicom), (audit_pb2.AUDIT_FORM_FHIR, check_fhir)):
        given = await running.call("AuditService.ExportAudit", audit_pb2.ExportAuditRequest(form=form, limit=4))
        assert given.next == 4
        for each in given.messages:
            check(each)
            whole += each
    exported = (await running.call("AuditService.ListAudit", audit_pb2.ListAuditRequest(page_size=3))).entries
    assert [each.detail for each in exported if each.detail.startswith("export")] == ["export FHIR", "export DICOM"]
    verified = await running.call("AuditService.VerifyAudit", audit_pb2.VerifyAuditRequest())
    assert (list(verified.findings), verified.next, verified.checked) == ([], 0, verified.end_seq)
    for secret in (PSN_NO, "Zhang", "张"):
        assert secret not in whole
