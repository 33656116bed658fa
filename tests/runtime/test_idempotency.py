"""What is content of a request and what is not, and within what a request id is unique."""

from __future__ import annotations

from services.runtime.call import Caller, Role
from services.runtime.idempotency import content_hash, first_content_hash, regions_of, scope_of
from yibao.settlement.v1 import common_pb2, ledger_pb2, settlement_pb2, stay_pb2, visit_pb2


def request(request_id: str = "2205:1", sign_no: str = "", mdtrt_id: str = "M1") -> visit_pb2.CancelVisitRequest:
    return visit_pb2.CancelVisitRequest(
        request_id=request_id,
        desk=common_pb2.Desk(fixmedins_code="H99010000001", msgid="1", sign_no=sign_no),
        data=visit_pb2.VisitCancellation(mdtrt_id=mdtrt_id, psn_no="99"),
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


def told_by(opter: str, insuplc_admdvs: str = "", mdtrtarea_admvs: str = "") -> visit_pb2.CancelVisitRequest:
    asked = request()
    asked.desk.opter, asked.desk.opter_name = opter, f"收费员{opter}"
    asked.desk.insuplc_admdvs, asked.desk.mdtrtarea_admvs = insuplc_admdvs, mdtrtarea_admvs
    return asked


def test_who_operates_and_which_region_is_spelt_out_are_no_content_since_version_2() -> None:
    first, second = told_by("01", "990100", "990100"), told_by("02")
    assert content_hash(first) == content_hash(second)
    assert first_content_hash(first) != first_content_hash(second)
    assert (regions_of(first), regions_of(second)) == (("990100", "990100"), ("", ""))


def test_a_field_that_came_with_version_2_is_no_content_of_a_row_of_version_1() -> None:
    bill = settlement_pb2.Bill(mdtrt_id="M1", psn_no="99")
    shown = settlement_pb2.Bill(mdtrt_id="M1", psn_no="99", psn_cert_type="01", certno="990000199001010011")
    bare, whole = (settlement_pb2.SettleRequest(request_id="2207:1", data=each) for each in (bill, shown))
    assert first_content_hash(bare) == first_content_hash(whole)
    assert content_hash(bare) != content_hash(whole)
    assert whole.data.certno == "990000199001010011"


def test_a_region_of_a_node_that_the_envelope_may_say_goes_before_the_envelopes() -> None:
    admission = stay_pb2.Admission(psn_no="99", insuplc_admdvs="990200")
    asked = stay_pb2.AdmitRequest(desk=common_pb2.Desk(insuplc_admdvs="990100"), mdtrtinfo=admission)
    assert regions_of(asked) == ("990200", "")
    bare = stay_pb2.AdmitRequest(desk=common_pb2.Desk(), mdtrtinfo=stay_pb2.Admission(psn_no="99"))
    assert content_hash(asked) == content_hash(bare)
    assert asked.mdtrtinfo.insuplc_admdvs == "990200"


def test_a_region_that_is_what_a_request_is_about_is_content() -> None:
    openings = [ledger_pb2.LedgerOpening(psn_no="99", insuplc_admdvs=place) for place in ("990100", "990200")]
    first, second = (ledger_pb2.OpenLedgerRequest(openings=[opening]) for opening in openings)
    assert content_hash(first) != content_hash(second)
