"""What is content of a request and what is not, and within what a request id is unique."""

from __future__ import annotations

from services.runtime.call import Caller, Role
from services.runtime.idempotency import content_hash, scope_of
from yibao.settlement.v1 import common_pb2, encounter_pb2


def request(request_id: str = "2205:1", sign_no: str = "", mdtrt_id: str = "M1") -> encounter_pb2.CancelVisitRequest:
    return encounter_pb2.CancelVisitRequest(
        request_id=request_id,
        desk=common_pb2.Desk(fixmedins_code="H99010000001", msgid="1", sign_no=sign_no),
        data=encounter_pb2.VisitCancellation(mdtrt_id=mdtrt_id, psn_no="99"),
    )


def test_the_request_id_and_the_sign_in_number_are_no_content() -> None:
    assert content_hash(request("2205:1", "S1")) == content_hash(request("2205:2", "S2"))


def test_any_other_field_is_content() -> None:
    assert content_hash(request(mdtrt_id="M1")) != content_hash(request(mdtrt_id="M2"))


def test_hashing_leaves_the_request_as_it_is() -> None:
    asked = request("2205:1", "S1")
    content_hash(asked)
    assert asked == request("2205:1", "S1")


def test_partners_are_a_scope_by_their_code_and_others_by_role_and_subject() -> None:
    assert scope_of(Caller(Role.INSTITUTION, "H99010000001")) == "H99010000001"
    assert scope_of(Caller(Role.CHANNEL, "APP")) == "APP"
    assert scope_of(Caller(Role.OPERATOR, "OP1")) == "operator:OP1"
