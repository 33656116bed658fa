"""Consent on both databases: nobody reads without a grant, and what ends one holds at the very next decision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.identity.domain import consent
from services.identity.domain.consent import Purpose, Reader
from services.identity.operations.consent_desk import MeantPerson
from services.identity.store.unit import IdentityStore
from tests.identity.consenting import (
    CHECKER,
    DOCTOR,
    DOCTOR_HERE,
    HERE,
    HOUR,
    IN_BEIJING,
    MYSELF,
    NOBODY,
    OTHER,
    STUDY,
    THERE,
    WHO,
    Consenting,
    consenting,
    refused,
)
from tests.identity.people import Dice, Ticking, person


@pytest.fixture
async def consents(any_store: IdentityStore, clock: Ticking, dice: Dice) -> Consenting:
    """On each database."""
    return await consenting(any_store, clock, dice)


async def test_nobody_reads_who_was_granted_nothing_and_of_nobody_the_same_is_said(consents: Consenting) -> None:
    assert await refused(consents.find()) == "NO_ACCESS"
    assert await refused(consents.find(who=NOBODY)) == "NO_ACCESS"
    by_certificate = MeantPerson("", "01", person(1).certno)
    assert await refused(consents.desk.find(by_certificate, DOCTOR_HERE, consents.now)) == "NO_ACCESS"
    assert await refused(consents.break_glass(who=NOBODY)) == "NO_ACCESS"
    assert await consents.decide("GS00000000000000000099") is None


async def test_a_grant_lets_its_reader_read_and_is_found_by_certificate_too(consents: Consenting) -> None:
    made = await consents.grant()
    assert await consents.find() == made
    found = await consents.desk.find(MeantPerson("", "1", f" {person(1).certno} "), DOCTOR_HERE, consents.now)
    assert (found.grant_no, found.psn_no) == (made, WHO)
    decided = await consents.decide(made)
    assert decided is not None
    assert (decided.grant.psn_no, decided.grant.scope, decided.hidden) == (WHO, consent.EVERYTHING, ())
    assert (decided.grant.revoked_at, decided.grant.review) == (0, None), "it stands"
    # What one person grants says nothing of another.
    assert await refused(consents.find(who=OTHER)) == "NO_ACCESS"


async def test_purpose_reader_and_end_of_a_grant_are_each_looked_at(consents: Consenting) -> None:
    made = await consents.grant(days=2)
    others = (
        Reader(Purpose.TREATMENT, THERE, DOCTOR),
        Reader(Purpose.TREATMENT, "", DOCTOR),
        replace(CHECKER, fixmedins_code=HERE),
        MYSELF,
    )
    assert [await consents.decide(made, each) for each in others] == [None] * 4
    consents.clock.tick(hours=48, microseconds=-1)
    assert await consents.decide(made) is not None
    consents.clock.tick(microseconds=1)
    assert await consents.decide(made) is None
    assert await refused(consents.find()) == "NO_ACCESS"


async def test_a_grant_that_begins_later_lets_nobody_read_before(consents: Consenting) -> None:
    made = await consents.grant(begins_in_s=HOUR)
    assert await consents.decide(made) is None
    consents.clock.tick(hours=1)
    assert await consents.decide(made) is not None
    # One that would have begun in the past begins now: it lasts no longer than was asked.
    late = await consents.grant(begins_in_s=-100 * HOUR)
    assert await consents.decide(late) is not None


async def test_a_province_is_all_institutions_whose_codes_say_so(consents: Consenting) -> None:
    made = await consents.grant("110000")
    assert await consents.decide(made, Reader(Purpose.TREATMENT, IN_BEIJING, DOCTOR)) is not None
    assert await consents.decide(made) is None


async def test_a_revocation_holds_at_the_very_next_decision(consents: Consenting) -> None:
    made = await consents.grant()
    assert await consents.decide(made) is not None
    await consents.revoke(made)
    assert await consents.decide(made) is None
    assert await refused(consents.find()) == "NO_ACCESS"
    ends, last = await consents.desk.ends(0, 10)
    assert [(each.grant_no, each.study_uid) for each in ends] == [(made, "")]
    await consents.revoke(made)
    assert (await consents.desk.ends(last, 10)) == ([], last)
    assert await refused(consents.revoke(made, OTHER)) == "GRANT_NOT_FOUND"


async def test_what_is_hidden_is_told_of_every_open_grant_however_many_there_are(consents: Consenting) -> None:
    await consents.break_glass()
    async with consents.desk.store.write() as work:
        (emergency,) = await work.consents.open_of(WHO, consents.now)
        for number in range(1_100):
            await work.consents.add(replace(emergency, grant_no=f"GS{10**19 + number}"))
    await consents.find(MYSELF)
    await consents.hide()
    told = (await consents.desk.ends(0, 2_000))[0]
    expected = {emergency.grant_no, *(f"GS{10**19 + number}" for number in range(1_100))}
    assert {each.grant_no for each in told} == expected


async def test_a_scanned_code_proves_presence_for_a_day_here_and_works_once(consents: Consenting) -> None:
    code = await consents.code()
    made = await consents.prove(code)
    assert await consents.find() == made
    assert await refused(consents.find(Reader(Purpose.TREATMENT, THERE, DOCTOR))) == "NO_ACCESS"
    assert await refused(consents.prove(code)) == "CODE_USED"
    consents.clock.tick(hours=24)
    assert await consents.decide(made) is None
    stale = await consents.code()
    consents.clock.tick(seconds=60)
    assert await refused(consents.prove(stale)) == "CODE_EXPIRED"
    assert await refused(consents.prove("0" * 28)) == "CODE_UNKNOWN"


async def test_the_token_of_a_decoded_code_proves_it_too_where_it_was_scanned(consents: Consenting) -> None:
    stamp = consents.stamp()
    _, token = await consents.credentials.decode(stamp, HERE, await consents.code(), consents.clock(), lambda _: b"")
    assert await refused(consents.prove(token, THERE)) == "EC_TOKEN_WRONG_INSTITUTION"
    proved = await consents.prove(token)
    assert await consents.find() == proved
    assert await refused(consents.prove("0" * 40)) == "EC_TOKEN_UNKNOWN"
    assert await refused(consents.prove("u370000" + "0" * 33)) == "CREDENTIAL_OF_ANOTHER_CELL"


async def test_broken_glass_lets_that_doctor_read_for_two_hours_and_stands_in_the_review_list(
    consents: Consenting,
) -> None:
    made = await consents.break_glass()
    assert await consents.decide(made) is not None
    assert await consents.decide(made, replace(DOCTOR_HERE, dr_codg="another")) is None
    (listed,) = await consents.emergencies()
    assert (listed.grant_no, listed.psn_no, listed.reader_code, listed.dr_codg) == (made, WHO, HERE, DOCTOR)
    assert listed.reason == "昏迷送院"
    assert listed.review is not None
    assert listed.review.due == consents.now + 72 * HOUR * 1_000_000
    consents.clock.tick(hours=2)
    assert await consents.decide(made) is None
    # It is to be reviewed all the same.
    assert len(await consents.emergencies()) == 1
    await consents.review(made, justified=True)
    assert await consents.emergencies() == []
    (kept,) = await consents.emergencies(reviewed=True)
    assert kept.review is not None
    assert (kept.review.by, kept.review.justified) == ("OP2", True)


async def test_an_emergency_that_was_none_ends_at_once_and_no_second_review_changes_it(consents: Consenting) -> None:
    made = await consents.break_glass()
    await consents.review(made, justified=False)
    assert await consents.decide(made) is None
    assert [each.grant_no for each in (await consents.desk.ends(0, 10))[0]] == [made]
    assert await refused(consents.review(made, justified=True)) == "REVIEW_DONE"
    await consents.review(made, justified=False)
    granted = await consents.grant()
    assert await refused(consents.review(granted, justified=True)) == "GRANT_NOT_FOUND"


async def test_the_person_sees_everything_and_what_is_hidden_wins_over_all_others(consents: Consenting) -> None:
    mine, theirs = await consents.find(MYSELF), await consents.grant()
    broken, checked = await consents.break_glass(), await consents.find(CHECKER)
    study = await consents.hide()
    await consents.hide("", THERE)
    for grant_no, reader in ((theirs, DOCTOR_HERE), (broken, DOCTOR_HERE), (checked, CHECKER)):
        decided = await consents.decide(grant_no, reader)
        assert decided is not None
        assert [(each.study_uid, each.fixmedins_code) for each in decided.hidden] == [(STUDY, ""), ("", THERE)]
    own = await consents.decide(mine, MYSELF)
    assert own is not None
    assert own.hidden == ()
    told = {(each.grant_no, each.study_uid, each.fixmedins_code) for each in (await consents.desk.ends(0, 10))[0]}
    assert told == {(each, *what) for each in (theirs, broken, checked) for what in ((STUDY, ""), ("", THERE))}
    before = (await consents.desk.ends(0, 10))[1]
    await consents.unhide(study)
    shown = (await consents.desk.ends(before, 10))[0]
    assert {(each.grant_no, each.study_uid, each.fixmedins_code, each.shown) for each in shown} == {
        (each, STUDY, "", True) for each in (theirs, broken, checked)
    }
    decided = await consents.decide(theirs)
    assert decided is not None
    assert [each.fixmedins_code for each in decided.hidden] == [THERE]
    assert await refused(consents.unhide(study)) == "HIDDEN_NOT_FOUND"


async def test_what_is_hidden_twice_stands_once(consents: Consenting) -> None:
    assert await consents.hide() == await consents.hide()
    assert len(await consents.consents.hidden(WHO)) == 1
    assert await refused(consents.hide("", "")) == "INVALID_REQUEST"
    assert await refused(consents.hide(who=NOBODY)) == "PERSON_NOT_FOUND"


async def test_supervision_is_of_an_operator_and_a_case(consents: Consenting) -> None:
    made = await consents.find(CHECKER)
    assert await consents.find(CHECKER) == made
    assert await consents.decide(made, CHECKER) is not None
    assert await consents.decide(made, replace(CHECKER, case_no="C2")) is None
    assert await consents.decide(made, replace(CHECKER, opter_no="OP2")) is None
    assert await consents.find(replace(CHECKER, case_no="C2")) != made
    assert await refused(consents.find(CHECKER, NOBODY)) == "NO_ACCESS"


async def test_a_grant_of_a_part_says_of_which(consents: Consenting) -> None:
    part = await consents.grant(days=300, modalities=("CT", "MR"), study_uid=STUDY)
    decided = await consents.decide(part)
    assert decided is not None
    assert (decided.grant.scope.modalities, decided.grant.scope.study_uid) == (("CT", "MR"), STUDY)
    # One of everything tells more, though it ends earlier.
    whole = await consents.grant()
    assert await consents.find() == whole


async def test_a_person_has_a_bounded_number_of_open_grants(consents: Consenting) -> None:
    made = [await consents.grant() for _ in range(consent.MOST_OPEN)]
    assert await refused(consents.grant()) == "CONSENT_FULL"
    await consents.revoke(made[0])
    made.append(await consents.grant())
    first = await consents.consents.list(WHO, "", 150)
    assert first.end is not None
    rest = await consents.consents.list(WHO, first.end[0], 150)
    assert rest.end is None
    assert [each.grant_no for each in (*first.entries, *rest.entries)] == sorted(made, reverse=True)


async def test_many_decisions_stand_in_the_order_asked(consents: Consenting) -> None:
    first, other = await consents.grant(), await consents.grant(THERE, who=OTHER)
    await consents.hide(who=OTHER)
    there = Reader(Purpose.TREATMENT, THERE, DOCTOR)
    asked = [(other, there), (first, DOCTOR_HERE), (other, DOCTOR_HERE), ("GSnone", DOCTOR_HERE)]
    of_other, of_first, wrong, none = await consents.desk.decide(asked, consents.now)
    assert of_other is not None
    assert of_first is not None
    assert (of_other.grant.psn_no, len(of_other.hidden)) == (OTHER, 1)
    assert (of_first.grant.psn_no, of_first.hidden) == (WHO, ())
    assert (wrong, none) == (None, None)


async def test_the_feed_keeps_a_day_and_never_counts_back(consents: Consenting) -> None:
    await consents.revoke(await consents.grant())
    _, before = await consents.desk.ends(0, 10)
    consents.clock.tick(hours=25)
    await consents.revoke(await consents.grant())
    ends, last = await consents.desk.ends(0, 10)
    assert [each.seq for each in ends] == [last] == [before + 1]
