"""What an institution is told when a bill cannot be: kinds of care that do not fit, what no policy covers, facts that are
missing by the field that mends them, returns that outweigh charges by what helps, moments by the bound they are beyond.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from services.kernel.codes import MED_TYPES, fits_setting
from services.kernel.errors import Fault, FaultKind
from services.runtime.texts.gateway import next_step, violation_text
from services.runtime.texts.table import text
from services.settlement.domain.benefits.refusals import told_refusal
from services.settlement.domain.books.own_books import not_own
from services.settlement.domain.care.bill import STAY, VISIT
from services.settlement.domain.care.catalogue import LocalKind
from services.settlement.domain.care.insured import CredentialQuery
from services.settlement.domain.care.kinds import KindOfCare, check_setting
from services.settlement.domain.care.moments import FeeMoment, check_fees, check_standing_fees, fee_window
from services.settlement.operations.care.encounters import Registration, VisitInformation
from services.settlement.servicer.convert_encounters import Codes, information
from tests.settlement.counter import BEGIN, SOMEBODY, Counter, counter_on
from tests.settlement.test_operations_fees import refusal
from tests.settlement.world import EMPLOYEE, HOSPITAL, PLACE, World, sqlite_url, world_on
from tests.wording import assert_fault_is_worded
from yibao.settlement.v1 import settlement_pb2

OF_STAY: dict[str, Any] = {"kind": "stay", "med_type": "", "chrg_bchno": "0000"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(sqlite_url(tmp_path)) as made:
        yield made


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    async with counter_on(sqlite_url(tmp_path)) as made:
        yield made


def test_every_kind_of_care_is_of_visits_or_stays_and_four_are_of_both() -> None:
    of_visits = {code for code in MED_TYPES if fits_setting(code, stay=False)}
    of_stays = {code for code in MED_TYPES if fits_setting(code, stay=True)}
    assert of_visits | of_stays == MED_TYPES
    assert of_visits & of_stays == {"13", "1301", "28", "71"}
    emergency = KindOfCare("21", "24")
    assert all(check_setting(emergency, "data.med_type", stay=stay) == emergency for stay in (True, False))
    assert {"11", "14", "41", "51", "9903"} <= of_visits - of_stays
    assert {"21", "2106", "22", "52"} <= of_stays - of_visits


@pytest.mark.parametrize(("kind", "stay"), [("21", False), ("11", True), ("41", True), ("52", False)])
def test_a_kind_that_is_never_of_the_transaction_is_named_in_words(kind: str, stay: bool) -> None:
    with pytest.raises(Fault) as caught:
        check_setting(KindOfCare(kind, "2199" if kind == "21" else ""), "data.med_type", stay=stay)
    fault = caught.value
    assert (fault.kind, fault.reason) == (FaultKind.INVALID, "MED_TYPE_MISMATCH")
    assert [each.path for each in fault.violations] == ["data.med_type"]
    assert_fault_is_worded(fault)
    said = {
        "21": ("医疗类别2199（住院）不用于门诊就诊", "med_type 2199 (in-patient care) is not of visits"),
        "11": ("医疗类别11（普通门诊）不用于住院", "med_type 11 (out-patient care) is not of stays"),
    }
    if kind in said:
        assert (text(fault, "zh"), text(fault, "en")) == said[kind]


async def test_bills_visits_and_admissions_of_the_other_setting_are_refused_local_kinds_by_their_national_one(
    world: World, counter: Counter
) -> None:
    psn_no = world.person("P1")
    world.catalogue.kinds = counter.catalogue.kinds = (LocalKind("2199", "21", date(2020, 1, 1), None),)
    mdtrt_id = await world.visit_with_fees(psn_no, 5_000)
    for told in ({"med_type": "21"}, {"med_type": "", "local_med_type": "2199"}):
        fault = await refusal(world.try_bill(world.order(psn_no, mdtrt_id, 5_000, **told)))
        assert (fault.reason, fault.violations[0].path) == ("MED_TYPE_MISMATCH", "data.med_type")
        fault = await refusal(world.settle(world.order(psn_no, mdtrt_id, 5_000, f"2207:{told}", **told)))
        assert fault.reason == "MED_TYPE_MISMATCH"
    assert (await world.settle(world.order(psn_no, mdtrt_id, 5_000, "2207:1", med_type="13"))).setlinfo.setl_id

    credential = CredentialQuery(HOSPITAL, BEGIN.date(), "02", "990000180001010017", psn_no=SOMEBODY, insutype=EMPLOYEE)
    for kind, fits in (("11", False), ("41", False), ("13", True)):
        told_stay = Registration(STAY, credential, EMPLOYEE, BEGIN, "N", "", med_type=kind)
        asked = counter.encounters.register(
            counter.stamp(f"2401:{kind}"), told_stay, counter.clock(), lambda *_: b"", lambda made: b"done"
        )
        if fits:
            assert await asked == b"done"
            continue
        fault = await refusal(asked)
        assert (fault.reason, fault.violations[0].path) == ("MED_TYPE_MISMATCH", "mdtrtinfo.med_type")
    visit = await counter.register("2201:1")
    told_visit = VisitInformation("21", BEGIN, "", "", "")
    stamp, name = counter.stamp("2203:1"), counter.name(visit, VISIT)
    fault = await refusal(counter.encounters.describe_visit(stamp, name, told_visit, counter.clock(), bytes, b""))
    assert (fault.reason, fault.violations[0].path) == ("MED_TYPE_MISMATCH", "mdtrtinfo.med_type")


async def test_a_kind_that_no_policy_reads_is_told_by_kind_and_region_and_by_no_policy(world: World) -> None:
    psn_no = world.person("P1")
    mdtrt_id = await world.visit_with_fees(psn_no, 5_000)
    fault = await refusal(world.settle(world.order(psn_no, mdtrt_id, 5_000, "2207:1", med_type="51")))
    assert fault.metadata == {"insuplc_admdvs": PLACE, "med_type": "51", "kind": "51"}
    assert text(fault, "zh") == f"参保地{PLACE}的待遇政策没有适用于医疗类别51（生育门诊）的规定"
    assert "beijing" not in text(fault, "en")
    assert "参保地医保经办机构" in next_step(fault, "zh")
    assert_fault_is_worded(fault)


async def test_a_missing_fact_is_told_by_the_field_that_mends_it(world: World) -> None:
    psn_no = world.person("P1")
    mdtrt_id = await world.visit_with_fees(psn_no, 5_000)
    for code, institution in world.catalogue.institutions.items():
        world.catalogue.institutions[code] = replace(institution, policy_hosp_lv="", hosp_lv="")
    fault = await refusal(world.settle(world.order(psn_no, mdtrt_id, 5_000, "2207:1")))
    assert (fault.reason, fault.metadata) == ("FACT_MISSING", {"facts": "hosp_lv"})
    assert [each.path for each in fault.violations] == ["desk.fixmedins_code"]
    assert violation_text(fault.violations[0], "zh") == "机构目录中没有医院等级"
    assert next_step(fault, "zh") == "请联系就医地医保经办机构"
    assert_fault_is_worded(fault)


async def test_facts_of_disease_enrolment_and_account_have_their_fields_too(world: World) -> None:
    psn_no = world.person("P1")
    bill = world.order(psn_no, "M1", 0).bill
    asked = Fault(
        FaultKind.PRECONDITION, "FACT_MISSING", {"facts": "disease,chronic_class,contracted", "where": "x@1/y"}
    )
    fault = told_refusal(asked, bill, KindOfCare("14"), PLACE, (), ())
    assert [each.path for each in fault.violations] == ["data.mdtrt_id", "data.psn_no"]
    assert "2203的mdtrtinfo.dise_codg" in violation_text(fault.violations[0], "zh")
    assert "x@1" not in repr(fault)
    assert_fault_is_worded(fault)
    asked = Fault(FaultKind.PRECONDITION, "FACT_MISSING", {"facts": "own_current_year_balance"})
    fault = told_refusal(asked, bill, KindOfCare("11"), PLACE, (), ())
    assert [each.path for each in fault.violations] == ["data.acct_used_flag"]
    assert_fault_is_worded(fault)


async def test_returns_that_outweigh_the_charges_are_told_by_sum_and_by_what_helps(world: World) -> None:
    psn_no = world.person("P1")
    visit = await world.visit_with_fees(psn_no, 5_000)
    await world.fees(visit, -1_000, batch="2")
    fault = await refusal(world.settle(world.order(psn_no, visit, -1_000, "2207:1", chrg_bchno="2")))
    assert (fault.reason, fault.metadata) == ("BILL_NEGATIVE", {"part": "medfee_sumamt", "sum": "-10.00"})
    assert [each.path for each in fault.violations] == ["data.medfee_sumamt_fen"]
    assert "0000" in next_step(fault, "zh")
    assert_fault_is_worded(fault)
    settled = await world.settle(world.order(psn_no, visit, 5_000, "2207:2"))
    fault = await refusal(world.settle(world.order(psn_no, visit, -1_000, "2207:3", chrg_bchno="0000")))
    assert settled.setlinfo.setl_id in violation_text(fault.violations[0], "zh")
    assert "2208" in next_step(fault, "zh")
    assert_fault_is_worded(fault)
    await world.reverse(settled, "2208:1")
    assert (await world.settle(world.order(psn_no, visit, 4_000, "2207:4", chrg_bchno="0000"))).setlinfo.setl_id

    stay = await world.encounter(psn_no, kind="stay")
    await world.fees(stay, 5_000)
    interim = await world.settle(world.order(psn_no, stay, 5_000, "2304:1", **OF_STAY, interim=True))
    await world.fees(stay, -6_000, batch="2")
    fault = await refusal(world.settle(world.order(psn_no, stay, -6_000, "2304:2", **OF_STAY, interim=True)))
    assert fault.violations[0].rule == "bill.returns_beyond"
    await world.fees(stay, 2_000, batch="3")
    fault = await refusal(world.settle(world.order(psn_no, stay, -4_000, "2304:3", **OF_STAY, interim=True)))
    assert interim.setlinfo.setl_id in violation_text(fault.violations[0], "en")
    assert "2305" in next_step(fault, "zh")


async def test_a_bill_of_a_stay_without_charges_is_no_admission(world: World) -> None:
    psn_no = world.person("P1")
    first = await world.encounter(psn_no, kind="stay", state="discharged")
    await world.fees(first, 100_000)
    await world.fees(first, -100_000, batch="2")
    nothing = await world.settle(world.order(psn_no, first, 0, "2304:1", **OF_STAY, interim=True))
    assert nothing.setlinfo.medfee_sumamt_fen == 0
    assert await world.accumulators(psn_no) == {}
    await world.fees(first, 300_000, batch="3")
    charged = await world.settle(world.order(psn_no, first, 300_000, "2304:2", **OF_STAY, interim=True))
    assert charged.setlinfo.act_pay_dedc_fen == 130_000
    await world.fees(first, 100_000, batch="4")
    again = await world.settle(world.order(psn_no, first, 100_000, "2304:3", **OF_STAY, interim=True))
    assert again.setlinfo.act_pay_dedc_fen == 0
    second = await world.encounter(psn_no, kind="stay")
    await world.fees(second, 300_000)
    next_stay = await world.settle(world.order(psn_no, second, 300_000, "2304:4", **OF_STAY, interim=True))
    assert next_stay.setlinfo.act_pay_dedc_fen == 65_000


async def test_a_stay_begun_by_a_clock_ahead_does_not_end_before_it_began(counter: Counter) -> None:
    now = counter.clock()
    mdtrt_id = await counter.register("2401:1", kind=STAY, begin=now + timedelta(minutes=9))
    stay = replace(await counter.encounter(mdtrt_id), details=b"")
    told = information(Codes(), stay, now)
    assert told.begntime == told.endtime
    later = information(Codes(), stay, now + timedelta(days=1))
    assert later.endtime.ToDatetime(UTC) == (now + timedelta(days=1)).replace(microsecond=later.endtime.nanos // 1000)


@pytest.mark.parametrize(
    ("moved", "end", "rule", "bound"),
    [
        (timedelta(hours=-25), None, "before_begin", "first"),
        (timedelta(hours=2), timedelta(hours=1), "after_end", "last"),
        (timedelta(days=3), None, "after_now", "last"),
    ],
)
def test_a_fee_outside_names_the_bound_that_it_is_beyond(
    moved: timedelta, end: timedelta | None, rule: str, bound: str
) -> None:
    begin = datetime(2025, 3, 10, 1, tzinfo=UTC)
    window = fee_window(begin, None if end is None else begin + end, begin + timedelta(days=2))
    fee = FeeMoment("7", begin + moved)
    with pytest.raises(Fault) as caught:
        check_fees([fee], window)
    assert_fault_is_worded(caught.value)
    (violation,) = caught.value.violations
    assert (violation.rule, violation.values) == (f"fee.{rule}", {bound: caught.value.metadata[bound]})
    with pytest.raises(Fault) as caught:
        check_standing_fees([fee], window, "data.mdtrt_id")
    assert_fault_is_worded(caught.value)
    (violation,) = caught.value.violations
    assert (violation.path, violation.rule) == ("data.mdtrt_id", f"fees.{rule}")
    assert "费用明细7（共1条）" in text(caught.value, "zh")
    assert "1 lines, 7 first" in text(caught.value, "en")
    assert "1条" in violation_text(violation, "zh")
    assert "首条2025-03-" in violation_text(violation, "zh")


def test_a_message_number_that_is_taken_is_told_alone_and_its_transaction_in_words() -> None:
    national = Fault(FaultKind.CONFLICT, "REQUEST_ID_REUSED", {"request_id": "2207:H1-1"})
    assert text(national, "zh") == "请求编号H1-1（交易2207）已用于其他内容"
    assert "H1-1 of transaction 2207" in text(national, "en")
    own = Fault(FaultKind.CONFLICT, "REQUEST_ID_REUSED", {"request_id": "order-1:2"})
    assert text(own, "zh") == "请求编号order-1:2已用于其他内容"


def test_a_person_is_told_of_no_institution_and_no_message_number() -> None:
    fault = not_own("S1")
    for lang in ("zh", "en"):
        said = text(fault, lang) + next_step(fault, lang)
        assert not any(word in said for word in ("本机构", "nstitution", "msgid", "5203", "…"))
    assert_fault_is_worded(fault)


async def test_any_settling_and_reversing_in_turn_leaves_accounts_and_years_as_they_were(world: World) -> None:
    random = Random(20252)
    psn_no = world.person("P1")
    await world.open_ledger(psn_no, balance=50_000, current=20_000)
    before = await world.balance(psn_no)
    encounters = {False: await world.encounter(psn_no), True: await world.encounter(psn_no, kind="stay")}
    unsettled = {False: 0, True: 0}
    standing: list[tuple[settlement_pb2.SettleResponse, bool]] = []

    async def take_back(request: str) -> None:
        settled, of_stay = standing.pop()
        await world.reverse(settled, request)
        unsettled[of_stay] += settled.setlinfo.medfee_sumamt_fen

    for number in range(20):
        if standing and random.random() < 0.4:
            await take_back(f"R:{number}")
            continue
        of_stay, inscp = random.random() < 0.5, random.randint(0, 300_000)
        mdtrt_id = encounters[of_stay]
        await world.fees(mdtrt_id, inscp + 5_000, presel=500, fulamt=700, over=900, hosp_bear=True, batch=f"{number}A")
        await world.fees(mdtrt_id, -5_000, presel=-500, over=-900, hosp_bear=True, batch=f"{number}B")
        bill = OF_STAY | {"interim": True} if of_stay else {"chrg_bchno": "0000"}
        total = unsettled[of_stay] + inscp + 700
        order = world.order(psn_no, mdtrt_id, total, f"S:{number}", use_own=random.random() < 0.5, **bill)
        standing.append((await world.settle(order), of_stay))
        unsettled[of_stay] = 0
    while standing:
        await take_back(f"Z:{len(standing)}")
    assert await world.balance(psn_no) == before
    assert not any((await world.accumulators(psn_no)).values())
    assert await world.findings() == ()
