"""CatalogueService over the wire: every method, every documented reason, through the real server with all interceptors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.type.date_pb2 import Date

from services.catalogue.domain.records import EMPTY_HEAD
from services.catalogue.loader import read_folder
from services.catalogue.servicer.records import read_records
from services.kernel.errors import Fault
from services.runtime.call import BUSINESS_DATE_KEY, Role
from services.runtime.server import StartError
from services.runtime.status import from_rpc_error
from tests.catalogue.builders import DRUG, SAMPLES, SCAN, policy_document
from tests.catalogue.member import Member, running
from tools.cli.records import message_of
from tools.cli.seed_rows import KINDS, SeedRows
from yibao.catalogue.v1 import catalogue_pb2 as pb
from yibao.catalogue.v1 import records_pb2 as rpb
from yibao.common.v1 import codes_pb2

DAY = Date(year=2024, month=5, day=1)
DRUG_ROW = {
    "med_list_codg": DRUG,
    "list_type": "101",
    "item_name": "阿莫西林胶囊",
    "chrgitm_lv": "01",
    "med_chrgitm_type": "09",
    "from_day": "2020-01-01",
}


@pytest.fixture
async def member(tmp_path: Path) -> AsyncIterator[Member]:
    """An empty catalogue."""
    async with running(tmp_path) as made:
        yield made


def record(kind: str, **row: object) -> pb.Record:
    """A record of a kind from a row."""
    made = pb.Record()
    part = getattr(made, kind)
    part.CopyFrom(message_of(type(part), row))
    return made


def drug(**changes: object) -> pb.Record:
    """A class A drug."""
    return record("item", **(DRUG_ROW | changes))


def policy(version: str, first: str, last: str | None = None, ratio: str = "80%", policy_id: str = "test") -> pb.Record:
    """A small policy."""
    document = policy_document(policy_id, version, first, last, ratio)
    return pb.Record(policy=rpb.PolicyDocument(document_json=json.dumps(document)))


async def publish(member: Member, request_id: str, *records: pb.Record, subject: str = "1") -> pb.PublishResponse:
    """Publishes as an operator."""
    request = pb.PublishRequest(request_id=request_id, records=records)
    return await member.stub.Publish(request, metadata=member.as_role(Role.OPERATOR, subject))


async def refusal(call: Any) -> Fault:
    """The fault with which a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    fault = from_rpc_error(caught.value, "catalogue")
    assert isinstance(fault, Fault)
    return fault


async def test_publish_says_what_it_did_and_the_head_follows(member: Member) -> None:
    assert (await member.stub.GetHead(pb.GetHeadRequest())).head == EMPTY_HEAD
    answer = await publish(
        member, "a", drug(), record("division", admdvs="990100", name="沙箱市", from_day="2020-01-01")
    )
    assert (answer.published_count, answer.unchanged_count, list(answer.warnings)) == (2, 0, [])
    assert (await member.stub.GetHead(pb.GetHeadRequest())).head == answer.head != EMPTY_HEAD
    again = await publish(member, "b", drug())
    assert (again.published_count, again.unchanged_count, again.head) == (0, 1, answer.head)


async def test_a_repeated_publish_gets_the_same_answer_and_other_content_a_conflict(member: Member) -> None:
    first = await publish(member, "a", drug())
    await publish(
        member, "b", record("term", standard="diagnosis_icd10", code="A00.900", name="霍乱", from_day="2020-01-01")
    )
    assert await publish(member, "a", drug()) == first
    assert (await refusal(publish(member, "a", drug(item_name="别的药")))).reason == "REQUEST_ID_REUSED"
    assert (await publish(member, "a", drug(), subject="2")).unchanged_count == 1


async def test_the_same_publish_many_times_at_once_is_one_publication(member: Member) -> None:
    answers = await asyncio.gather(*(publish(member, "a", drug()) for _ in range(8)))
    assert {(answer.published_count, answer.unchanged_count) for answer in answers} == {(1, 0)}


async def test_overlapping_records_are_refused_with_their_place(member: Member) -> None:
    await publish(member, "a", drug())
    fault = await refusal(publish(member, "b", drug(), drug(item_name="别的药")))
    assert fault.reason == "RECORD_OVERLAPS"
    assert [each.path for each in fault.violations] == ["records[1].item"]


async def test_malformed_codes_amounts_days_and_policies_are_told_all_at_once(member: Member) -> None:
    bad_day = drug()
    bad_day.item.validity.to_day.CopyFrom(Date(year=2024, month=2, day=30))
    records = [
        drug(med_list_codg="X1"),
        drug(chrgitm_lv="02"),
        bad_day,
        pb.Record(policy=rpb.PolicyDocument(document_json='{"id": "broken", "version": "1"}')),
        record("price_ceiling", med_list_codg=DRUG, admdvs="370100", pric_uplmt_amt="-1", from_day="2020-01-01"),
    ]
    fault = await refusal(publish(member, "a", *records))
    assert fault.reason == "CODE_INVALID"
    places = [each.path.split(".", 2)[:3] for each in fault.violations]
    assert ["records[0]", "item", "med_list_codg"] in places
    assert ["records[1]", "item", "selfpay_prop"] in places
    assert ["records[2]", "item", "validity.to_day"] in places
    assert ["records[4]", "price_ceiling", "pric_uplmt_amt"] in places
    assert any(place[:2] == ["records[3]", "policy"] for place in places)
    assert (await member.stub.GetHead(pb.GetHeadRequest())).head == EMPTY_HEAD


async def test_a_policy_alone_that_is_malformed_is_named(member: Member) -> None:
    document = policy_document("test", "1", "2020-01-01") | {"surprise": "x"}
    fault = await refusal(
        publish(member, "a", pb.Record(policy=rpb.PolicyDocument(document_json=json.dumps(document))))
    )
    assert (fault.reason, fault.metadata["policy"]) == ("POLICY_INVALID", "test@1")


async def test_a_published_policy_version_never_changes(member: Member) -> None:
    await publish(member, "a", policy("1", "2020-01-01"))
    assert (
        await refusal(publish(member, "b", policy("1", "2020-01-01", ratio="85%")))
    ).reason == "POLICY_VERSION_EXISTS"


async def test_a_stack_needs_its_policies(member: Member) -> None:
    stack = record("stack", admdvs="990100", insutype="310", policy_ids=["test", "other"], from_day="2020-01-01")
    fault = await refusal(publish(member, "a", stack, policy("1", "2020-01-01")))
    assert fault.reason == "STACK_POLICY_UNKNOWN"
    assert [each.path for each in fault.violations] == ["records[0].stack.policy_ids[1]"]


async def test_an_open_record_is_closed_by_publishing_its_last_day(member: Member) -> None:
    await publish(member, "a", drug())
    closed = await publish(member, "b", drug(to_day="2024-04-30"), drug(chrgitm_lv="03", from_day="2024-05-01"))
    assert closed.published_count == 2
    request = pb.GetItemRequest(med_list_codg=DRUG, day=DAY, admdvs="990100")
    priced = (await member.stub.GetItem(request)).priced_item
    assert (priced.item.chrgitm_lv, priced.selfpay_prop) == (3, "1")


async def test_priced_items_come_in_order_and_unknown_ones_are_empty(member: Member) -> None:
    await publish(
        member,
        "a",
        drug(spec="0.25g×24粒"),
        drug(med_list_codg=SCAN, list_type="201", chrgitm_lv="02", selfpay_prop="0.10"),
        record("price_ceiling", med_list_codg=SCAN, admdvs="370000", pric_uplmt_amt="180.50", from_day="2020-01-01"),
        record(
            "price_ceiling",
            med_list_codg=DRUG,
            admdvs="370100",
            pric_uplmt_amt="0",
            hosp_bear=True,
            from_day="2020-01-01",
        ),
        record(
            "selfpay_ratio",
            med_list_codg=SCAN,
            admdvs="370100",
            hosp_lv="2",
            selfpay_prop="0.15",
            from_day="2020-01-01",
        ),
    )
    keys = [pb.ItemKey(med_list_codg=code, day=DAY) for code in (SCAN, "unknown", DRUG, SCAN)]
    request = pb.BatchGetItemsRequest(admdvs="370102", hosp_lv="2", keys=keys)
    outcomes = (await member.stub.BatchGetItems(request, metadata=member.as_role(Role.SERVICE))).outcomes
    told = [
        (each.priced_item.item.med_list_codg, each.priced_item.pric_uplmt_amt, each.priced_item.selfpay_prop)
        if each.HasField("priced_item")
        else None
        for each in outcomes
    ]
    assert told == [(SCAN, "180.5", "0.15"), None, (DRUG, "0", "0"), (SCAN, "180.5", "0.15")]
    assert outcomes[2].priced_item.item.spec == "0.25g×24粒"
    assert outcomes[2].priced_item.HasField("pric_uplmt_amt")
    assert [each.priced_item.hosp_bear for each in outcomes] == [False, False, True, False]


async def test_local_kinds_of_care_are_published_and_told_to_anybody(member: Member) -> None:
    row = {
        "local_med_type": "110104",
        "name": "签约门诊",
        "med_type": "11",
        "admdvs": "990000",
        "from_day": "2020-01-01",
    }
    await publish(member, "a", record("local_med_type", **row))
    (told,) = (await member.stub.ListLocalMedTypes(pb.ListLocalMedTypesRequest(admdvs="990100"))).local_med_types
    assert (told.local_med_type, told.med_type, told.admdvs) == ("110104", codes_pb2.MED_TYPE_OUTPATIENT, "990000")
    assert not (await member.stub.ListLocalMedTypes(pb.ListLocalMedTypesRequest(admdvs="360100"))).local_med_types
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await publish(member, "b", record("local_med_type", **(row | {"local_med_type": "21"})))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_item_without_a_ceiling_has_none_and_an_unknown_one_is_not_found(member: Member) -> None:
    await publish(member, "a", drug())
    request = pb.GetItemRequest(med_list_codg=DRUG, day=DAY, admdvs="990100")
    priced = (await member.stub.GetItem(request)).priced_item
    assert not priced.HasField("pric_uplmt_amt")
    request.med_list_codg = "XTESTNOBODYKNOWS"
    assert (await refusal(member.stub.GetItem(request))).reason == "ITEM_NOT_FOUND"


async def test_a_day_that_no_calendar_has_is_refused_with_its_field(member: Member) -> None:
    keys = [pb.ItemKey(med_list_codg=DRUG, day=day) for day in (DAY, Date(year=2024, month=13, day=1))]
    request = pb.BatchGetItemsRequest(admdvs="990100", keys=keys)
    fault = await refusal(member.stub.BatchGetItems(request, metadata=member.as_role(Role.SERVICE)))
    assert [each.path for each in fault.violations] == ["keys[1].day"]


async def test_a_stack_resolves_to_every_version_that_meets_the_stay(member: Member) -> None:
    stack = record("stack", admdvs="990100", insutype="310", policy_ids=["test"], from_day="2020-01-01")
    answer = await publish(member, "a", policy("1", "2020-01-01", "2024-04-30"), policy("2", "2024-05-01"), stack)
    request = pb.ResolveStackRequest(
        admdvs="990102", insutype="310", day=DAY, begin_day=Date(year=2024, month=4, day=20)
    )
    resolved = await member.stub.ResolveStack(request)
    assert [(each.version, each.HasField("to_day"), each.version_on) for each in resolved.policies] == [
        ("1", True, "settle_date"),
        ("2", False, "settle_date"),
    ]
    assert resolved.head == answer.head
    request.insutype = "390"
    assert (await refusal(member.stub.ResolveStack(request))).reason == "STACK_NOT_FOUND"


async def test_a_policy_is_fetched_by_hash_by_version_and_newest(member: Member) -> None:
    await publish(member, "a", policy("1", "2020-01-01"), policy("2", "2024-05-01"))
    newest = await member.stub.GetPolicy(pb.GetPolicyRequest(policy_id="test"))
    assert newest.version == "2"
    assert json.loads(newest.document_json) == policy_document("test", "2", "2024-05-01")
    assert await member.stub.GetPolicy(pb.GetPolicyRequest(policy_hash=newest.policy_hash)) == newest
    assert (await member.stub.GetPolicy(pb.GetPolicyRequest(policy_id="test", version="1"))).version == "1"
    assert (await refusal(member.stub.GetPolicy(pb.GetPolicyRequest(policy_id="none")))).reason == "POLICY_NOT_FOUND"
    assert (await refusal(member.stub.GetPolicy(pb.GetPolicyRequest()))).reason == "INVALID_REQUEST"


async def test_policies_are_listed_in_pages(member: Member) -> None:
    await publish(member, "a", *(policy("1", "2020-01-01", policy_id=f"p{number}") for number in range(3)))
    first = await member.stub.ListPolicies(pb.ListPoliciesRequest(page_size=2))
    assert [each.policy_id for each in first.policies] == ["p0", "p1"]
    second = await member.stub.ListPolicies(pb.ListPoliciesRequest(page_token=first.next_page_token))
    assert [(each.policy_id, each.title) for each in second.policies] == [("p2", "测试待遇政策")]
    assert second.next_page_token == ""


@pytest.mark.parametrize("token", ["x", "W10", "WzEsMiwzXQ", "é", "WyJhIiwiMjAyNC0wMS0wMSIsMV0"])
async def test_a_page_token_that_no_answer_held_is_refused(member: Member, token: str) -> None:
    fault = await refusal(member.stub.ListPolicies(pb.ListPoliciesRequest(page_token=token)))
    assert [each.path for each in fault.violations] == ["page_token"]


async def test_institutions_are_fetched_by_code_and_searched_on_the_business_date(member: Member) -> None:
    hospital = {"fixmedins_name": "测试医院", "fixmedins_type": "1", "hosp_lv": "2", "admdvs": "990100"}
    await publish(
        member,
        "a",
        record("institution", fixmedins_code="H99010000001", from_day="2020-01-01", **hospital),
        record("institution", fixmedins_code="H99010000002", from_day="2026-01-01", **hospital),
    )
    codes = ["H99010000002", "H99010000001"]
    request = pb.BatchGetInstitutionsRequest(fixmedins_codes=codes, day=DAY)
    outcomes = (await member.stub.BatchGetInstitutions(request, metadata=member.as_role(Role.SERVICE))).outcomes
    assert [each.institution.fixmedins_code for each in outcomes] == ["", "H99010000001"]
    search = pb.SearchInstitutionsRequest(medinsinfo=pb.InstitutionQuery(fixmedins_type="1", fixmedins_name="医院"))
    caller = member.as_role(Role.INSTITUTION, "H99010000001")
    today = await member.stub.SearchInstitutions(search, metadata=caller)
    assert [each.fixmedins_code for each in today.medinsinfo] == ["H99010000001"]
    later = await member.stub.SearchInstitutions(search, metadata=(*caller, (BUSINESS_DATE_KEY, "2026-05-01")))
    assert len(later.medinsinfo) == 2


async def test_terms_are_fetched_as_of_a_day_and_else_as_of_today(member: Member) -> None:
    row = {"standard": "diagnosis_icd10", "code": "K07.100x008", "name": "颌骨异常𬌗"}
    await publish(member, "a", record("term", **row, from_day="2020-01-01", to_day="2024-05-01"))
    request = pb.GetTermRequest(standard="diagnosis_icd10", code="K07.100x008", day=DAY)
    assert (await member.stub.GetTerm(request)).term.name == "颌骨异常𬌗"
    request.ClearField("day")
    assert (await refusal(member.stub.GetTerm(request))).reason == "TERM_NOT_FOUND"


async def test_diseases_come_in_the_order_asked(member: Member) -> None:
    row = {"dise_name": "高血压病", "from_day": "2020-01-01"}
    await publish(
        member,
        "a",
        record("disease", dise_codg="M03900", admdvs="000000", **row),
        record("disease", dise_codg="M03900", admdvs="360000", chronic_class="II", **row),
    )
    request = pb.BatchGetDiseasesRequest(admdvs="360102", day=DAY, dise_codgs=["M01600", "M03900"])
    outcomes = (await member.stub.BatchGetDiseases(request, metadata=member.as_role(Role.SERVICE))).outcomes
    assert [each.disease.chronic_class for each in outcomes] == ["", "II"]
    assert not outcomes[0].HasField("disease")


async def test_only_operators_and_members_publish(member: Member) -> None:
    request = pb.PublishRequest(request_id="a", records=[drug()])
    call = member.stub.Publish(request, metadata=member.as_role(Role.INSTITUTION, "H99010000001"))
    assert (await refusal(call)).kind.name == "DENIED"
    assert (await refusal(member.stub.Publish(request))).kind.name == "UNAUTHENTICATED"


async def test_a_member_may_begin_with_a_folder_of_files(tmp_path: Path) -> None:
    async with running(tmp_path, YIBAO_CATALOGUE_FILES=str(SAMPLES)) as member:
        request = pb.GetItemRequest(med_list_codg="XTESTDRUG0001", day=DAY, admdvs="990100", hosp_lv="2")
        assert (await member.stub.GetItem(request)).priced_item.item.item_name == "测试药品一"
        head = await member.stub.GetHead(pb.GetHeadRequest())
    async with running(tmp_path, YIBAO_CATALOGUE_FILES=str(SAMPLES)) as again:
        assert await again.stub.GetHead(pb.GetHeadRequest()) == head


async def test_a_member_with_bad_files_does_not_start_and_says_which_row(tmp_path: Path) -> None:
    (tmp_path / "operation_icd9cm3_test.csv").write_text("code,name\n86.700x0013,移植\n", encoding="utf-8")
    with pytest.raises(StartError, match=r"operation_icd9cm3_test\.csv:2:code.*86\.7000x013"):
        async with running(tmp_path, YIBAO_CATALOGUE_FILES=str(tmp_path)):
            pass


def test_rows_read_as_messages_and_rows_read_as_records_are_the_same() -> None:
    files = [*sorted(SAMPLES.glob("*.csv")), *sorted((SAMPLES / "policies").glob("*.yaml")), SAMPLES / "stacks.yaml"]
    found = SeedRows()
    for file in files:
        found.add(file)
    messages = [
        pb.Record(**{KINDS[kind].record: row})
        for kind, rows in found.by_kind.items()
        for row in found.messages(kind, rows)
    ]
    read = read_records(messages)
    assert read.violations == ()
    by_message = {each.record for each in read.entries}
    assert by_message == {each.record for each in read_folder(SAMPLES)[0]}
    assert date(2023, 1, 1) in {each.from_day for each in by_message}
