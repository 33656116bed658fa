"""Visits and stays through the operations: registered once, ended and undone in their order, repeats answered alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from services.kernel.errors import Fault, FaultKind
from services.runtime.db import Database
from services.runtime.writes import Lasting
from services.settlement.domain.care.bill import STAY
from services.settlement.domain.care.encounters import EncounterFilter
from services.settlement.domain.care.insured import CredentialQuery, Identity
from services.settlement.operations.benefits.fund_checks import BenefitQuery
from services.settlement.operations.care.encounters import VisitInformation
from services.settlement.operations.care.stays import DischargeInformation
from tests.settlement.counter import ANOTHER, BEGIN, SOMEBODY, Counter, counter_on, line
from tests.settlement.test_store_encounters import keep, settled
from tests.settlement.world import HOSPITAL, OTHER_HOSPITAL, insured, sqlite_url


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    """A counter on an empty SQLite store."""
    async with counter_on(sqlite_url(tmp_path)) as made:
        yield made


async def refusal(awaited: Awaitable[object]) -> Fault:
    with pytest.raises(Fault) as caught:
        await awaited
    return caught.value


async def discharge(counter: Counter, request_id: str, mdtrt_id: str, hours: int = 48) -> bytes:
    told = DischargeInformation(BEGIN + timedelta(hours=hours), "M03900", "高血压", "")
    name = counter.name(mdtrt_id, STAY)
    return await counter.stays.discharge(counter.stamp(request_id), name, told, counter.clock(), bytes, b"")


async def settle(counter: Counter, mdtrt_id: str, setl_id: str = "S1", at: datetime = BEGIN) -> None:
    """Marks all open charge batches of an encounter as settled, by a settlement of nothing that keeps them."""
    async with counter.books.reading() as snapshot:
        kept = [batch.fee_batch_id for batch in await snapshot.batches(mdtrt_id) if batch.state == "open"]
    await book(counter, setl_id, json.dumps(kept), at=at, mdtrt_id=mdtrt_id)
    async with counter.database.write() as connection:
        await connection.exec_driver_sql(
            f"UPDATE fee_batch SET state = 'settled', setl_id = '{setl_id}'"
            f" WHERE mdtrt_id = '{mdtrt_id}' AND state = 'open'"
        )


async def test_a_visit_is_registered_at_the_place_of_the_enrolment_and_the_institution(counter: Counter) -> None:
    mdtrt_id = await counter.register("2201:1")
    stored = await counter.encounter(mdtrt_id)
    assert (stored.kind, stored.state, stored.psn_no) == ("visit", "open", SOMEBODY)
    assert (stored.insuplc_admdvs, stored.mdtrtarea_admvs) == ("990100", "990100")


async def test_a_repeat_of_a_request_gets_the_stored_answer_without_asking_identity_again(counter: Counter) -> None:
    first = await counter.register("2201:1", token="token:990000000000000001:1")
    asked = counter.identity.calls
    counter.identity.down = Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE")
    assert await counter.register("2201:1", token="token:990000000000000001:1") == first
    assert counter.identity.calls == asked


async def test_a_request_id_with_other_content_is_refused(counter: Counter) -> None:
    await counter.register("2201:1")
    fault = await refusal(counter.register("2201:1", content="something else"))
    assert (fault.kind, fault.reason) == (FaultKind.CONFLICT, "REQUEST_ID_REUSED")


async def test_a_visit_still_open_under_the_same_number_is_answered_again(counter: Counter) -> None:
    first = await counter.register("2201:1")
    assert await counter.register("2201:2") == first
    assert await counter.register("2201:3", number="N2") != first
    assert await counter.register("2201:4", hospital=OTHER_HOSPITAL) != first


async def test_a_number_may_be_used_again_after_its_visit_was_cancelled(counter: Counter) -> None:
    first = await counter.register("2201:1")
    await counter.encounters.cancel(counter.stamp("2202:1"), counter.name(first), counter.clock(), b"")
    assert await counter.register("2201:2") != first
    assert await counter.register("2201:1") == first


async def test_the_same_request_at_the_same_moment_registers_one_visit(counter: Counter) -> None:
    answers = await asyncio.gather(*(counter.register("2201:1") for _ in range(8)))
    assert len(set(answers)) == 1
    wanted = EncounterFilter(HOSPITAL, SOMEBODY, BEGIN, BEGIN)
    assert len(await counter.encounters.listed(wanted)) == 1


async def test_a_write_that_has_begun_ends_whole_when_its_caller_leaves(counter: Counter) -> None:
    mdtrt_id = await counter.register("2201:1")
    name, stamp = counter.name(mdtrt_id), counter.stamp("2203:1")
    told = VisitInformation("11", BEGIN, "", "", "left")

    def leave(details: bytes) -> bytes:
        caller.cancel()
        return details

    asked = counter.encounters.describe_visit(stamp, name, told, counter.clock(), leave, b"answer")
    lasting = Lasting()
    caller = asyncio.ensure_future(lasting.run(asked))
    with pytest.raises(asyncio.CancelledError):
        await caller
    await lasting.idle(10)
    assert (await counter.encounter(mdtrt_id)).exp_content == "left"
    assert await counter.writes.answered(stamp) == b"answer"


async def test_a_refusal_stores_nothing_so_that_its_repeat_is_decided_again(counter: Counter) -> None:
    known = counter.identity.people.pop(SOMEBODY)
    assert (await refusal(counter.register("2201:1"))).reason == "PERSON_NOT_FOUND"
    counter.identity.people[SOMEBODY] = known
    assert await counter.register("2201:1")


async def test_a_person_without_the_enrolment_registers_nothing(counter: Counter) -> None:
    fault = await refusal(counter.register("2201:1", insutype="390"))
    assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "NOT_ENROLLED")
    assert SOMEBODY not in str(fault.metadata)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"psn_insu_stas": "2"}, "ENROLMENT_SUSPENDED"),
        ({"psn_insu_stas": "4"}, "ENROLMENT_ENDED"),
        ({"psn_insu_stas": "3"}, "NOT_ENROLLED"),
        ({"to_day": date(2024, 12, 31)}, "ENROLMENT_ENDED"),
        ({"from_day": date(2026, 1, 1)}, "NOT_ENROLLED"),
    ],
)
async def test_an_enrolment_must_be_in_force_on_the_day_of_the_visit(
    counter: Counter, changes: dict[str, object], reason: str
) -> None:
    person = counter.identity.people[SOMEBODY]
    enrolment = replace(person.enrolments[0], **changes)  # type: ignore[arg-type]  # fields by name
    counter.identity.people[SOMEBODY] = replace(person, enrolments=(enrolment,))
    assert (await refusal(counter.register("2201:1"))).reason == reason


async def test_an_institution_outside_the_catalogue_registers_nothing(counter: Counter) -> None:
    assert (await refusal(counter.register("2201:1", hospital="H99010000009"))).reason == "INSTITUTION_UNKNOWN"


async def test_a_spent_token_registers_and_shows_nothing(counter: Counter) -> None:
    token = f"token:{SOMEBODY}:1"
    await spend(counter, f"digest of {token}")
    assert (await refusal(counter.register("2201:1", token=token))).reason == "EC_TOKEN_SPENT"
    query = CredentialQuery(HOSPITAL, BEGIN.date(), "01", token)
    assert (await refusal(counter.persons.info(query))).reason == "EC_TOKEN_SPENT"
    assert await counter.register("2201:2", token=f"token:{SOMEBODY}:2")


async def spend(counter: Counter, digest: str) -> None:
    """A settlement of nothing that was paid with the token."""
    await book(counter, mdtrt_id="M", ec_token_digest=digest)


async def book(
    counter: Counter, setl_id: str = "S1", batches: str = '["B"]', at: datetime = BEGIN, **changes: object
) -> None:
    """A settlement of nothing outside every ledger, that keeps the fee batches of the JSON text."""
    async with counter.books.writing() as writing:
        await keep(writing, settled(at, setl_id, ledger_seq=None, batches=batches, **changes))


async def test_the_counter_is_told_balances_by_insurance_type(counter: Counter) -> None:
    async with counter.database.write() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO posting (source_id, line_no, ledger_account, owner_psn_no, owner_insutype, amount_fen,"
            " current_year_fen, account_seq, balance_after, current_year_after, benefit_year, created_at)"
            f" VALUES ('O1', 0, 'account', '{SOMEBODY}', '310', 5000, 0, 1, 5000, 0, '2025', 0)"
        )
    info = await counter.persons.info(CredentialQuery(HOSPITAL, BEGIN.date(), "02", "1", psn_no=SOMEBODY))
    assert info.balances_fen == {"310": 5000}


async def test_a_visit_with_fees_or_bills_is_not_cancelled(counter: Counter) -> None:
    mdtrt_id = await counter.register("2201:1")
    await counter.upload("2204:1", mdtrt_id, line("1", batch="1"))
    name = counter.name(mdtrt_id)
    fault = await refusal(counter.encounters.cancel(counter.stamp("2202:1"), name, counter.clock(), b""))
    assert fault.reason == "FEES_PRESENT"
    await settle(counter, mdtrt_id)
    fault = await refusal(counter.encounters.cancel(counter.stamp("2202:2"), name, counter.clock(), b""))
    assert (fault.reason, fault.metadata["setl_id"]) == ("FEES_SETTLED", "S1")


async def test_a_cancelled_visit_stays_cancelled_whoever_cancels_it_again(counter: Counter) -> None:
    name = counter.name(await counter.register("2201:1"))
    for _ in range(2):
        assert await counter.encounters.cancel(counter.stamp("2202:1"), name, counter.clock(), b"") == b""
    assert await counter.encounters.cancel(counter.stamp("2202:2"), name, counter.clock(), b"") == b""
    assert (await counter.encounter(name.mdtrt_id)).state == "cancelled"


async def test_an_encounter_is_known_only_by_its_institution_person_and_kind(counter: Counter) -> None:
    mdtrt_id = await counter.register("2201:1")
    wrong = [
        counter.name(mdtrt_id, STAY),
        counter.name(mdtrt_id, psn_no=ANOTHER),
        counter.name(mdtrt_id, hospital=OTHER_HOSPITAL),
        counter.name("M404"),
    ]
    for place, name in enumerate(wrong):
        asked = counter.encounters.cancel(counter.stamp(f"2202:{place}"), name, counter.clock(), b"")
        fault = await refusal(asked)
        assert (fault.kind, fault.reason) == (FaultKind.NOT_FOUND, "ENCOUNTER_NOT_FOUND")


async def test_the_latest_information_of_a_visit_counts(counter: Counter) -> None:
    mdtrt_id = await counter.register("2201:1")
    for number, disease in (("1", "M03900"), ("2", "M01600")):
        told = VisitInformation("14", BEGIN, disease, "病种", "{}")
        await counter.encounters.describe_visit(
            counter.stamp(f"2203:{number}"),
            counter.name(mdtrt_id),
            told,
            counter.clock(),
            lambda details: details + b"+",
            b"",
        )
    stored = await counter.encounter(mdtrt_id)
    assert (stored.med_type, stored.dise_codg, stored.exp_content) == ("14", "M01600", "{}")
    assert stored.details == b"described++"


async def test_a_person_lies_in_one_hospital_at_a_time(counter: Counter) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    fault = await refusal(counter.register("2401:2", kind=STAY))
    assert (fault.reason, fault.metadata["mdtrt_id"]) == ("STAY_OPEN", mdtrt_id)
    fault = await refusal(counter.register("2401:3", kind=STAY, hospital=OTHER_HOSPITAL))
    assert (fault.reason, fault.metadata["mdtrt_id"]) == ("STAY_OPEN", "")
    assert await counter.register("2401:4", kind=STAY, psn_no=ANOTHER)


async def test_admissions_of_one_person_at_the_same_moment_make_one_stay(counter: Counter) -> None:
    asked = (counter.register(f"2401:{place}", kind=STAY, number=f"N{place}") for place in range(6))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, str) for answer in answers) == 1
    assert {answer.reason for answer in answers if isinstance(answer, Fault)} == {"STAY_OPEN"}


async def test_a_stay_is_discharged_and_put_back(counter: Counter) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    await discharge(counter, "2402:1", mdtrt_id)
    stored = await counter.encounter(mdtrt_id)
    assert (stored.state, stored.end_at, stored.dise_codg) == ("discharged", BEGIN + timedelta(hours=48), "M03900")
    assert (await refusal(discharge(counter, "2402:2", mdtrt_id))).reason == "ENCOUNTER_STATE"
    name = counter.name(mdtrt_id, STAY)
    await counter.stays.undo_discharge(counter.stamp("2405:1"), name, counter.clock(), b"")
    stored = await counter.encounter(mdtrt_id)
    assert (stored.state, stored.end_at) == ("open", None)


async def test_a_stay_does_not_end_before_it_began(counter: Counter) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    fault = await refusal(discharge(counter, "2402:1", mdtrt_id, hours=-1))
    assert (fault.kind, fault.violations[0].path) == (FaultKind.INVALID, "dscginfo.endtime")


async def test_a_discharge_is_not_undone_while_the_person_lies_elsewhere(counter: Counter) -> None:
    first = await counter.register("2401:1", kind=STAY)
    await discharge(counter, "2402:1", first)
    await counter.register("2401:2", kind=STAY, hospital=OTHER_HOSPITAL)
    name = counter.name(first, STAY)
    fault = await refusal(counter.stays.undo_discharge(counter.stamp("2405:1"), name, counter.clock(), b""))
    assert fault.reason == "STAY_OPEN"


async def test_what_was_said_last_stands_until_something_else_is_said(counter: Counter) -> None:
    visit, stay = await counter.register("2201:1"), await counter.register("2401:1", kind=STAY)
    for place, (said, kept) in enumerate((("first", "first"), ("", "first"), ("second", "second"))):
        described = VisitInformation("11", BEGIN, "", "", said)
        stamp = counter.stamp(f"2203:{place}")
        await counter.encounters.describe_visit(stamp, counter.name(visit), described, counter.clock(), bytes, b"")
        assert (await counter.encounter(visit)).exp_content == kept
        name, ended = counter.name(stay, STAY), DischargeInformation(BEGIN + timedelta(hours=9), "", "", said)
        await counter.stays.discharge(counter.stamp(f"2402:{place}"), name, ended, counter.clock(), bytes, b"")
        assert (await counter.encounter(stay)).exp_content == kept
        await counter.stays.undo_discharge(counter.stamp(f"2405:{place}"), name, counter.clock(), b"")


async def test_a_discharge_that_was_settled_is_not_undone(counter: Counter) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    await discharge(counter, "2402:1", mdtrt_id)
    await spend(counter, "digest")
    async with counter.database.write() as connection:
        await connection.exec_driver_sql(f"UPDATE settlement SET mdtrt_id = '{mdtrt_id}', setl_at = {2**60}")
    name = counter.name(mdtrt_id, STAY)
    fault = await refusal(counter.stays.undo_discharge(counter.stamp("2405:1"), name, counter.clock(), b""))
    assert (fault.reason, fault.metadata["state"]) == ("ENCOUNTER_STATE", "settled")


async def test_an_admission_with_fees_is_not_undone(counter: Counter) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    await counter.upload("2301:1", mdtrt_id, line("1"), kind=STAY)
    name = counter.name(mdtrt_id, STAY)
    fault = await refusal(counter.encounters.cancel(counter.stamp("2404:1"), name, counter.clock(), b""))
    assert fault.reason == "FEES_PRESENT"
    await counter.fees.cancel_lines(counter.stamp("2302:1"), name, ["1"], counter.clock(), b"")
    await counter.encounters.cancel(counter.stamp("2404:2"), name, counter.clock(), b"")
    assert (await counter.encounter(mdtrt_id)).state == "cancelled"


async def reverse(counter: Counter, request_id: str, original: str) -> bytes:
    return await counter.stays.reverse_admission(
        counter.stamp(request_id), [counter.stamp(original)], SOMEBODY, counter.clock(), lambda stay: b"%d" % (not stay)
    )


async def test_an_admission_is_taken_back_by_its_message_and_a_second_time_too(counter: Counter) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    assert await reverse(counter, "2601:1", "2401:1") == b"0"
    assert (await counter.encounter(mdtrt_id)).state == "cancelled"
    assert await reverse(counter, "2601:2", "2401:1") == b"0"
    assert await counter.register("2401:1", kind=STAY) == mdtrt_id


async def test_a_message_that_never_arrived_is_void_when_it_does(counter: Counter) -> None:
    assert await reverse(counter, "2601:1", "2401:1") == b"1"
    assert await reverse(counter, "2601:2", "2401:1") == b"1"
    fault = await refusal(counter.register("2401:1", kind=STAY))
    assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "MESSAGE_VOIDED")
    assert await counter.register("2401:2", kind=STAY)


async def test_every_fund_of_the_stack_is_told_whether_it_pays(counter: Counter) -> None:
    counter.identity.people[SOMEBODY] = insured(SOMEBODY, "390")
    query = BenefitQuery(SOMEBODY, "390", HOSPITAL, "21", BEGIN.date())
    checks = await counter.benefits.check(query)
    assert [(check.fund_pay_type, check.refusal) for check in checks] == [("390100", None), ("390201", None)]
    assert checks[0].begin <= BEGIN.date() <= checks[0].end


async def test_care_that_no_policy_knows_is_paid_by_no_fund(counter: Counter) -> None:
    checks = await counter.benefits.check(BenefitQuery(SOMEBODY, "310", HOSPITAL, "18", BEGIN.date()))
    assert checks
    assert {check.refusal.reason for check in checks if check.refusal} == {"NOT_COVERED_BY_POLICY"}
    assert all(check.refusal for check in checks)


async def test_a_person_not_enrolled_has_the_basic_pool_refused(counter: Counter) -> None:
    (check,) = await counter.benefits.check(BenefitQuery(SOMEBODY, "390", HOSPITAL, "11", BEGIN.date()))
    assert check.fund_pay_type == "390100"
    assert check.refusal is not None
    assert check.refusal.reason == "NOT_ENROLLED"


async def test_benefits_are_asked_about_known_persons_at_known_institutions(counter: Counter) -> None:
    fault = await refusal(counter.benefits.check(BenefitQuery("nobody", "310", HOSPITAL, "11", BEGIN.date())))
    assert fault.reason == "PERSON_NOT_FOUND"
    unknown = BenefitQuery(SOMEBODY, "310", "H99010000009", "11", BEGIN.date())
    assert (await refusal(counter.benefits.check(unknown))).reason == "INSTITUTION_UNKNOWN"


async def test_an_identity_of_the_day_is_a_fact_of_the_check(counter: Counter) -> None:
    counter.catalogue.stacks["390"] = ("jinan-resident@2025-01-01", "national-medical-assistance@2021-11-19")
    person = insured(SOMEBODY, "390")
    counter.identity.people[SOMEBODY] = person
    query = BenefitQuery(SOMEBODY, "390", HOSPITAL, "21", BEGIN.date())
    without = {check.fund_pay_type: check.refusal is None for check in await counter.benefits.check(query)}
    held = Identity("2303", "dibao", date(2020, 1, 1), None)
    counter.identity.people[SOMEBODY] = replace(person, identities=(held,))
    helped = {check.fund_pay_type: check.refusal is None for check in await counter.benefits.check(query)}
    assert (without["610100"], helped["610100"]) == (False, True)


async def test_two_members_of_one_store_register_one_visit(counter: Counter, postgres_database: str) -> None:
    async with counter_on(postgres_database) as first:
        second = Counter(Database(postgres_database, first.clock), first.clock)
        answers = await asyncio.gather(
            *(member.register(f"2201:{place % 2}") for place, member in enumerate([first, second] * 6))
        )
        await second.database.close()
    assert len(set(answers)) == 1
