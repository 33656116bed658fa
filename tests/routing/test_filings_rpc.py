"""FilingService and ReferralService over loopback: a person known to routing, cells whose members are away."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from services.runtime.call import Caller, Role
from tests.routing.conftest import OPERATOR, Running
from tests.routing.feeds import place, told
from tests.routing.test_registry_rpc import SETTLING, known
from yibao.routing.v1 import filing_pb2, referral_pb2
from yibao.routing.v1.filing_pb2_grpc import FilingServiceStub
from yibao.routing.v1.referral_pb2_grpc import ReferralServiceStub

PERSON = told(1).psn_no
HERSELF = Caller(Role.PERSON, PERSON, sandbox=True)
HOSPITAL, OTHER = (Caller(Role.INSTITUTION, code, sandbox=True) for code in ("H37010200901", "H11010500901"))
JINAN, BEIJING = "370102", "110105"


def day(text: str) -> Date:
    found = date.fromisoformat(text)
    return Date(year=found.year, month=found.month, day=found.day)


@pytest.fixture
async def files(running: Running) -> FilingServiceStub:
    """The service; person 1 is insured in Jinan."""
    await known(running, told(1, place(JINAN)))
    return running.peers.stub(FilingServiceStub, "routing")


@pytest.fixture
def refers(running: Running) -> ReferralServiceStub:
    """The service."""
    return running.peers.stub(ReferralServiceStub, "routing")


def filing(request_id: str = "r1", **asked: Any) -> filing_pb2.FileCareRequest:
    """Somebody lives in Beijing from today on."""
    values: dict[str, Any] = {"psn_no": PERSON, "kind": filing_pb2.FILING_KIND_LONG_TERM, "care_admdvs": BEIJING}
    return filing_pb2.FileCareRequest(request_id=request_id, **{**values, **asked})


def referral(request_id: str = "2501:m1", caller: Caller = HOSPITAL, **asked: Any) -> referral_pb2.ReferRequest:
    """The hospital in Jinan sends the person to Beijing."""
    values: dict[str, Any] = {
        "psn_no": PERSON,
        "diag_code": "I21.900",
        "diag_name": "急性心肌梗死",
        "reflin_medins_no": OTHER.subject,
        "reflin_medins_name": "测试医院",
        "mdtrtarea_admdvs": BEIJING,
        "refl_type": "3",
        "refl_date": day("2026-03-05"),
        "refl_rea": "病情需要",
        "refl_opnn": "同意",
    }
    row = referral_pb2.Referral(**{**values, **asked})
    return referral_pb2.ReferRequest(request_id=request_id, fixmedins_code=caller.subject, refmedin=row, opter="op1")


async def test_a_person_files_once_and_the_filing_counts_for_care_in_that_place(
    running: Running, files: FilingServiceStub
) -> None:
    first = await running.call(files.FileCare, filing(), HERSELF)
    assert await running.call(files.FileCare, filing(), HERSELF) == first
    made = first.filing
    assert (made.care_admdvs, made.filed_by, made.filed_from) == (BEIJING, "person", day("2026-03-05"))
    assert not made.HasField("filed_to")

    async def counted(care: str, when: str) -> tuple[str, str]:
        asked = filing_pb2.FindFilingRequest(psn_no=PERSON, care_admdvs=care, day=day(when))
        found = await running.call(files.FindFiling, asked, SETTLING)
        return found.filing.filing_no, found.reason

    assert await counted("110101", "2026-03-05") == (made.filing_no, "FILED")
    assert await counted("110101", "2026-03-04") == ("", "OTHER_DAYS")
    assert await counted("310101", "2026-03-05") == ("", "OTHER_PLACE")
    gone = filing_pb2.WithdrawFilingRequest(request_id="w1", psn_no=PERSON, filing_no=made.filing_no, memo="moved back")
    answer = await running.call(files.WithdrawFiling, gone, HERSELF)
    assert answer.filing.HasField("withdrawn_at")
    assert await running.call(files.WithdrawFiling, gone, HERSELF) == answer
    assert await counted("110101", "2026-03-05") == ("", "WITHDRAWN")
    # The repeat of what was filed is told as it was, and the list what has become of it.
    assert await running.call(files.FileCare, filing(), HERSELF) == first
    listed = await running.call(files.ListFilings, filing_pb2.ListFilingsRequest(psn_no=PERSON), HERSELF)
    assert list(listed.filings) == [answer.filing]
    assert PERSON not in str(listed)


async def test_every_refusal_of_a_filing(running: Running, files: FilingServiceStub) -> None:
    await running.call(files.FileCare, filing(), OPERATOR)
    temporary = filing_pb2.FILING_KIND_TEMPORARY
    for reason, asked in {
        "FILING_OVERLAPS": filing("r2", care_admdvs="110000", filed_from=day("2026-05-01")),
        "FILING_TOO_LATE": filing("r2", care_admdvs="310101", filed_from=day("2026-03-04")),
        "FILING_TOO_LONG": filing("r2", kind=temporary, filed_to=day("2028-01-01")),
        "DIVISION_NOT_THEN": filing("r2", care_admdvs="110103"),
        "DIVISION_UNKNOWN": filing("r2", care_admdvs="170000"),
        "PERSON_NOT_FOUND": filing("r2", psn_no="nobody"),
        "REQUEST_ID_REUSED": filing(care_admdvs="310101"),
        "PEER_UNAVAILABLE": filing(
            "r2", care_admdvs="990100", care=filing_pb2.BegunCare(fixmedins_code="H1", mdtrt_id="M1")
        ),
    }.items():
        assert await running.reason(files.FileCare, asked, OPERATOR) == reason
    for broken in (
        filing("r2", care_admdvs="370103"),
        filing("r2", care_admdvs="000000"),
        filing("r2", kind=filing_pb2.FILING_KIND_REFERRAL),
        filing("r2", filed_from=day("9999-12-31")),
        filing("r2", kind=temporary, filed_from=Date(year=2026, month=2, day=30)),
    ):
        assert await running.reason(files.FileCare, broken, OPERATOR) == "INVALID_REQUEST"
    assert await running.reason(files.FileCare, filing("r2", psn_no="nobody"), HERSELF) == "CALLER_NOT_BOUND"
    for number, psn_no in (("F9", PERSON), ("F9", "nobody")):
        gone = filing_pb2.WithdrawFilingRequest(request_id="w1", psn_no=psn_no, filing_no=number)
        assert await running.reason(files.WithdrawFiling, gone, OPERATOR) == "FILING_NOT_FOUND"


async def test_a_hospital_refers_and_withdraws_what_is_its_own(
    running: Running, files: FilingServiceStub, refers: ReferralServiceStub
) -> None:
    number = (await running.call(refers.Refer, referral(), HOSPITAL)).result.trt_dcla_detl_sn
    assert (await running.call(refers.Refer, referral(), HOSPITAL)).result.trt_dcla_detl_sn == number
    assert await running.reason(refers.Refer, referral("2501:m2"), HOSPITAL) == "FILING_OVERLAPS"
    # Inside the own area nothing is remote, and 2501 is sent all the same; a paper of three days ago is not too late.
    inside = referral("2501:m3", mdtrtarea_admdvs="370103", refl_type="1", begndate=day("2026-03-02"))
    assert (await running.call(refers.Refer, inside, HOSPITAL)).result.trt_dcla_detl_sn
    late = referral("2501:m4", mdtrtarea_admdvs="310101", refl_date=day("2026-03-01"))
    assert await running.reason(refers.Refer, late, HOSPITAL) == "FILING_TOO_LATE"
    await running.call(files.FileCare, filing(), HERSELF)
    asked = filing_pb2.FindFilingRequest(psn_no=PERSON, care_admdvs=BEIJING)
    assert (await running.call(files.FindFiling, asked, SETTLING)).filing.kind == filing_pb2.FILING_KIND_LONG_TERM

    def gone(caller: Caller, request_id: str) -> referral_pb2.WithdrawReferralRequest:
        data = referral_pb2.ReferralWithdrawal(trt_dcla_detl_sn=number, psn_no=PERSON)
        return referral_pb2.WithdrawReferralRequest(request_id=request_id, fixmedins_code=caller.subject, data=data)

    assert await running.reason(refers.WithdrawReferral, gone(OTHER, "2502:m1"), OTHER) == "FILING_NOT_FOUND"
    await running.call(refers.WithdrawReferral, gone(HOSPITAL, "2502:m1"), HOSPITAL)
    await running.call(refers.WithdrawReferral, gone(HOSPITAL, "2502:m1"), HOSPITAL)
    assert await running.reason(refers.WithdrawReferral, gone(HOSPITAL, "2502:m2"), HOSPITAL) == "FILING_WITHDRAWN"


async def test_a_list_of_referrals_needs_the_insured_cell_only_where_there_are_some(
    running: Running, files: FilingServiceStub, refers: ReferralServiceStub
) -> None:
    begin = Timestamp(seconds=1_772_000_000)
    data = referral_pb2.ReferralQuery(psn_no=PERSON, begntime=begin)
    asked = referral_pb2.ListReferralsRequest(fixmedins_code=OTHER.subject, data=data)
    assert not (await running.call(refers.ListReferrals, asked, OTHER)).refmedin
    await running.call(refers.Refer, referral(), HOSPITAL)
    assert await running.reason(refers.ListReferrals, asked, OTHER) == "PEER_UNAVAILABLE"
    data.endtime.CopyFrom(Timestamp(seconds=begin.seconds - 86_400))
    before = referral_pb2.ListReferralsRequest(fixmedins_code=OTHER.subject, data=data)
    assert await running.reason(refers.ListReferrals, before, OTHER) == "INVALID_REQUEST"
