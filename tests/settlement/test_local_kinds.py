"""Kinds of care that a province declares: kept and told back as they came, decided as the national kind they count as."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.kernel.errors import Fault, FaultKind
from services.settlement.domain.care.bill import STAY
from services.settlement.domain.care.catalogue import LocalKind
from services.settlement.domain.care.encounters import EncounterFilter
from services.settlement.domain.care.insured import CredentialQuery
from services.settlement.domain.care.kinds import KindOfCare, check_same, check_told, counted
from services.settlement.operations.benefits.fund_checks import BenefitQuery
from services.settlement.operations.care.encounters import Registration, VisitInformation
from services.settlement.operations.care.fees import FeeUpload
from tests.settlement.counter import BEGIN, SOMEBODY, TODAY, Counter, counter_on, joined, line
from tests.settlement.world import EMPLOYEE, HOSPITAL, START, World, sqlite_url, world_on
from yibao.common.v1 import codes_pb2

DAY = date(2025, 3, 10)
SIGNED = LocalKind("110104", "11", date(2025, 1, 1), None)
CHRONIC = LocalKind("140104", "14", date(2025, 1, 1), date(2025, 3, 9))
WARD = LocalKind("2199", "21", date(2025, 1, 1), None)


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    async with counter_on(sqlite_url(tmp_path)) as made:
        made.catalogue.kinds = (SIGNED, CHRONIC, WARD)
        yield made


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(sqlite_url(tmp_path)) as made:
        made.catalogue.kinds = (SIGNED, CHRONIC)
        yield made


async def refusal(awaited: Awaitable[object]) -> Fault:
    with pytest.raises(Fault) as caught:
        await awaited
    return caught.value


def test_a_local_kind_counts_on_the_days_for_which_it_is_declared() -> None:
    assert counted(KindOfCare("", "110104"), [SIGNED], "990100", DAY, "p") == KindOfCare("11", "110104")
    assert counted(KindOfCare("", "140104"), [CHRONIC], "990100", date(2025, 3, 9), "p").national == "14"
    for code, day in (("140104", DAY), ("110104", date(2024, 12, 31)), ("9102", DAY)):
        with pytest.raises(Fault) as caught:
            counted(KindOfCare("", code), [SIGNED, CHRONIC], "990100", day, "data.med_type")
        fault = caught.value
        assert (fault.kind, fault.reason) == (FaultKind.INVALID, "MED_TYPE_UNDECLARED")
        assert fault.metadata == {"med_type": code, "admdvs": "990100", "day": day.isoformat()}
        assert [each.path for each in fault.violations] == ["data.med_type"]


def test_of_two_regions_the_nearest_declaration_counts() -> None:
    own = LocalKind("110104", "12", date(2025, 1, 1), None)
    assert counted(KindOfCare("", "110104"), [own, SIGNED], "990100", DAY, "p").national == "12"


def test_a_national_code_beside_must_be_the_one_it_counts_as() -> None:
    assert counted(KindOfCare("11", "110104"), [SIGNED], "990100", DAY, "p") == KindOfCare("11", "110104")
    with pytest.raises(Fault, match="INVALID_REQUEST"):
        counted(KindOfCare("14", "110104"), [SIGNED], "990100", DAY, "p")
    with pytest.raises(Fault, match="INVALID_REQUEST"):
        check_told(KindOfCare(), "data.med_type")


def test_rows_of_an_upload_say_the_kind_of_their_stay_or_nothing() -> None:
    for said in (KindOfCare(), KindOfCare("21"), KindOfCare("", "2199")):
        check_same(said, KindOfCare("21", "2199"))
    for said in (KindOfCare("52"), KindOfCare("", "2198")):
        with pytest.raises(Fault, match="INVALID_REQUEST"):
            check_same(said, KindOfCare("21", "2199"))


async def test_a_visit_keeps_the_code_that_came_and_5201_finds_it_by_either(counter: Counter) -> None:
    mdtrt_id = await counter.register("2201:1")

    async def told(request_id: str, national: str, local: str) -> bytes:
        information = VisitInformation(national, BEGIN, "", "", "", local_med_type=local)
        stamp, name = counter.stamp(request_id), counter.name(mdtrt_id)
        return await counter.encounters.describe_visit(stamp, name, information, counter.clock(), bytes, b"")

    assert (await refusal(told("2203:1", "", "9102"))).reason == "MED_TYPE_UNDECLARED"
    await told("2203:2", "", "110104")
    assert (await counter.encounter(mdtrt_id)).care == KindOfCare("11", "110104")
    for national, local, found in (("11", "", 1), ("", "110104", 1), ("14", "", 0), ("", "140104", 0)):
        wanted = EncounterFilter(HOSPITAL, SOMEBODY, BEGIN, TODAY, national, local_med_type=local)
        assert len(await counter.encounters.listed(wanted)) == found
    counter.catalogue.kinds = ()
    await told("2203:2", "", "110104")
    asked = counter.catalogue.kinds_asked
    await told("2203:3", "13", "")
    assert (await counter.encounter(mdtrt_id)).care == KindOfCare("13")
    assert counter.catalogue.kinds_asked == asked


async def test_a_stay_is_of_the_kind_that_came_and_its_rows_may_say_it(counter: Counter) -> None:
    async def admitted(request_id: str, local: str) -> str:
        credential = CredentialQuery(HOSPITAL, DAY, "02", "990000180001010017", psn_no=SOMEBODY, insutype=EMPLOYEE)
        registration = Registration(STAY, credential, EMPLOYEE, BEGIN, request_id, "", local_med_type=local)
        stamp = counter.stamp(request_id)
        operations = counter.encounters
        answer = await operations.register(
            stamp, registration, counter.clock(), lambda *_: b"", lambda e: e.mdtrt_id.encode()
        )
        return answer.decode()

    assert (await refusal(admitted("2401:1", "21991"))).reason == "MED_TYPE_UNDECLARED"
    mdtrt_id = await admitted("2401:2", "2199")
    assert (await counter.encounter(mdtrt_id)).care == KindOfCare("21", "2199")

    async def uploaded(request_id: str, *, med_type: str = "", local_med_type: str = "") -> bytes:
        sent = (line(request_id),)
        upload = FeeUpload(counter.name(mdtrt_id, STAY), sent, med_type, local_med_type=local_med_type)
        return await counter.fees.upload(counter.stamp(request_id), upload, counter.clock(), joined)

    await uploaded("1", local_med_type="2199")
    await uploaded("2", med_type="21")
    assert (await refusal(uploaded("3", local_med_type="110104"))).reason == "INVALID_REQUEST"


async def test_a_bill_is_decided_as_the_national_kind_and_told_as_it_came(world: World) -> None:
    psn_no = world.person("P1")
    plain = world.order(psn_no, await world.visit_with_fees(psn_no, 230_000), 230_000)
    expected = (await world.try_bill(plain)).setlinfo
    assert world.catalogue.kinds_asked == 0
    mdtrt_id = await world.visit_with_fees(psn_no, 230_000)
    named = {"med_type": "", "local_med_type": "110104"}
    settled = await world.settle(world.order(psn_no, mdtrt_id, 230_000, "2207:1", **named))
    info = settled.setlinfo
    assert (info.med_type, info.local_med_type) == (codes_pb2.MED_TYPE_OUTPATIENT, "110104")
    assert (info.hifp_pay_fen, info.clr_type) == (expected.hifp_pay_fen, expected.clr_type)
    assert (expected.med_type, expected.local_med_type) == (codes_pb2.MED_TYPE_OUTPATIENT, "")
    reversed_info = (await world.reverse(settled, "2208:1")).setlinfo
    assert reversed_info.local_med_type == "110104"


async def test_an_undeclared_kind_and_none_at_all_are_refused_and_harm_no_other_bill(world: World) -> None:
    orders = []
    for number, (national, local) in enumerate((("", "9102"), ("", ""), ("11", ""), ("", "140104")), 1):
        psn_no = world.person(f"P{number}")
        mdtrt_id = await world.visit_with_fees(psn_no, 5_000)
        orders.append(world.order(psn_no, mdtrt_id, 5_000, f"2207:{number}", med_type=national, local_med_type=local))
    undeclared, none, fine, lapsed = await world.settle_all(*orders)
    assert START.date() > (CHRONIC.to_day or DAY)
    for fault, reason in (
        (undeclared, "MED_TYPE_UNDECLARED"),
        (none, "INVALID_REQUEST"),
        (lapsed, "MED_TYPE_UNDECLARED"),
    ):
        assert isinstance(fault, Fault)
        assert (fault.reason, fault.violations[0].path) == (reason, "data.med_type")
    assert not isinstance(fine, BaseException)


async def test_2001_answers_for_a_local_kind_as_for_the_national_one(counter: Counter) -> None:
    query = BenefitQuery(SOMEBODY, EMPLOYEE, HOSPITAL, "", BEGIN.date() + timedelta(days=1), local_med_type="110104")
    plain = BenefitQuery(SOMEBODY, EMPLOYEE, HOSPITAL, "11", BEGIN.date() + timedelta(days=1))
    assert repr(await counter.benefits.check(query)) == repr(await counter.benefits.check(plain))
