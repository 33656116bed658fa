"""Sessions: whose they are, when they end, who is in them, and what is logged. What rows do is tried on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.imaging.domain import sessions as bounds
from services.imaging.domain.audit import Action
from services.imaging.domain.sessions import Purpose, Reader, digest_of
from services.imaging.domain.tickets import Ticket
from services.imaging.operations import patients
from services.imaging.operations import sessions as operations
from services.imaging.operations.searching import Sitting
from services.imaging.store.unit import ImagingStore
from tests.imaging.conftest import key_of, opened
from tests.imaging.entries import NOON
from tests.imaging.reading import (
    BEIJING,
    CHECKER,
    DOCTOR,
    HERE,
    INSTITUTION,
    LISTING,
    OPERATOR,
    SHANDONG,
    Desk,
    refused,
)

ANYBODY = ""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(f"sqlite:///{tmp_path / 'imaging.sqlite'}") as store:
        yield Desk(store)


async def test_a_session_is_found_by_its_token_which_the_store_does_not_know(desk: Desk) -> None:
    session, token = await desk.sessions.open(DOCTOR)
    assert (len(token), session.ends_at - session.begun_at) == (43, 12 * 3_600_000_000)
    sitting = await desk.sessions.sitting(token)
    assert sitting == Sitting(
        session.session_no, "TREATMENT", HERE, (), dr_codg=DOCTOR.reader_no, ends_at=session.ends_at
    )
    async with desk.store.read() as work:
        kept = await work.sessions.find(digest_of(token))
    assert kept == session
    assert token.encode() not in repr(kept).encode()


async def test_unknown_closed_ended_and_foreign_are_one_refusal(desk: Desk) -> None:
    token, closed = await desk.opened(), await desk.opened()
    await desk.sessions.close(closed)
    for wrong in (closed, "", "x" * 43, token[:-1], "令牌", "\ud800"):
        assert await refused(desk.sessions.sitting(wrong)) == "SESSION_UNKNOWN"
    # Whoever got no answer closes it again: that is no other closing.
    await desk.sessions.close(closed)
    assert desk.log.told().count("SESSION_CLOSED SUCCESS") == 1
    for other in ("institution:H37010200901", f"operator:{HERE}", f"person:{HERE}"):
        desk.caller = other
        assert await refused(desk.sessions.sitting(token)) == "SESSION_UNKNOWN"
        assert await refused(desk.sessions.close(token)) == "SESSION_UNKNOWN"
        assert await refused(desk.sessions.close(closed)) == "SESSION_UNKNOWN"
    # A viewer has nothing but the token.
    desk.caller = ANYBODY
    assert (await desk.sessions.sitting(token)).reader == HERE
    desk.caller = INSTITUTION
    desk.later(hours=12, microseconds=-1)
    await desk.sessions.sitting(token)
    desk.later(microseconds=1)
    assert await refused(desk.sessions.sitting(token)) == "SESSION_UNKNOWN"


async def test_each_kind_of_reader_sits_as_it_is(desk: Desk) -> None:
    own = await desk.sessions.sitting(await desk.opened(LISTING))
    assert (own.purpose, own.reader, own.own_institution, own.patients) == ("OWN", HERE, HERE, ())
    desk.caller = OPERATOR
    checking = await desk.sessions.sitting(await desk.opened(CHECKER))
    assert (checking.purpose, checking.reader, checking.opter_no, checking.case_no, checking.dr_codg) == (
        *("SUPERVISION", "operator", "OP1", "C1"),
        "",
    )
    desk.caller = "person:P1"
    await desk.granted("P1")
    _, token = await desk.sessions.open_own("P1", BEIJING)
    looking = await desk.sessions.sitting(token)
    assert (looking.purpose, looking.reader, looking.dr_codg, looking.own_institution) == ("SELF", "person", "", "")
    assert [each.person_key for each in looking.patients] == [key_of("P1")]
    # Nothing in the row is the person's number.
    async with desk.store.read() as work:
        assert "P1" not in repr(await work.sessions.find(digest_of(token)))
    assert await refused(desk.sessions.open_own("P2", BEIJING)) == "NO_ACCESS"
    assert desk.log.told()[-2:] == ["SESSION_OPENED SUCCESS", "SESSION_OPENED REFUSED"]
    opened, refusal = desk.log.entries[-2:]
    assert (opened.reader, opened.person_key, refusal.person_key, refusal.reader) == ("", key_of("P1"), None, "")
    # A key that another cell made says nothing of who looks, and the log tells of it as of nobody's.
    for cell in (SHANDONG, ""):
        assert await refused(desk.sessions.open_own("P1", cell)) == "NO_ACCESS"
    assert desk.log.entries[-1] == refusal


async def test_persons_are_added_once_by_each_grant_and_known_by_a_pseudonym(store: ImagingStore) -> None:
    desk = Desk(store)
    token = await desk.opened()
    await desk.granted("P1")
    by_code, by_number = await desk.add(token, shown="code:P1"), await desk.add(token, "P1")
    assert by_code.grant_no != by_number.grant_no
    assert by_code.patient_id == by_number.patient_id
    await desk.add(token, "P1")
    sitting = await desk.sessions.sitting(token)
    assert [(each.grant_no, each.person_key) for each in sitting.patients] == [
        (by_code.grant_no, key_of("P1")),
        (by_number.grant_no, key_of("P1")),
    ]
    assert {each.patient_id for each in sitting.patients} == {by_code.patient_id}
    assert [(each.action, each.grant_no, each.detail) for each in desk.log.entries[1:]] == [
        (Action.PATIENT_ADDED, by_code.grant_no, "code"),
        *[(Action.PATIENT_ADDED, by_number.grant_no, "number")] * 2,
    ]
    assert {each.reader for each in desk.log.entries} == {DOCTOR.reader_no}


async def test_nobody_and_somebody_who_granted_nothing_are_refused_and_logged_alike(desk: Desk) -> None:
    token = await desk.opened()
    for nobody in ({"psn_no": "P1"}, {"psn_no": "nobody"}, {"certno": "nobody"}):
        assert await refused(desk.add(token, **nobody)) == "NO_ACCESS"
    first, second, third = desk.log.entries[1:]
    assert first == second
    assert (first.person_key, first.grant_no, third.detail) == (None, "", "certificate")
    assert desk.log.told()[1:] == ["PATIENT_ADDED REFUSED"] * 3
    assert await refused(desk.add(token)) == "INVALID_REQUEST"


async def test_a_refusal_is_answered_at_an_even_time_however_long_the_cell_took(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await desk.opened()
    taken = iter([0.0, 0.004, 1.0, 1.0471, 2.0, 2.0513, 3.0, 3.013])
    monkeypatch.setattr(patients, "time", SimpleNamespace(monotonic=lambda: next(taken)))
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 4))

    monkeypatch.setattr(patients, "asyncio", SimpleNamespace(sleep=sleep))
    for _ in range(3):
        assert await refused(desk.add(token, "nobody")) == "NO_ACCESS"
    assert await refused(desk.break_glass(token, "nobody")) == "NO_ACCESS"
    assert slept == [0.046, 0.0029, 0.0487, 0.037]


async def test_a_code_is_used_up_and_whoever_lost_the_answer_gets_it_again(desk: Desk) -> None:
    token, other = await desk.opened(), await desk.opened()
    added = await desk.add(token, shown="code:P1")
    assert await refused(desk.add(other, shown="code:P1")) == "CODE_USED"
    again = await desk.add(token, shown="code:P1")
    assert (again.grant_no, again.decision.scope is not None) == (added.grant_no, True)
    desk.cells.ended.add(added.grant_no)
    assert (await desk.add(token, shown="code:P1")).decision.scope is None


async def test_an_own_list_takes_nobody_and_an_operator_scans_no_code(desk: Desk) -> None:
    own = await desk.opened(LISTING)
    await desk.granted("P1")
    assert await refused(desk.add(own, "P1")) == "SESSION_OF_OWN_LIST"
    assert await refused(desk.break_glass(own, "P1")) == "SESSION_OF_OWN_LIST"
    desk.caller = OPERATOR
    checking = await desk.opened(CHECKER)
    assert await refused(desk.add(checking, shown="code:P1")) == "INVALID_REQUEST"
    assert desk.cells.asked == []
    await desk.add(checking, "P1")
    assert desk.log.entries[-1].detail == "number case C1"


async def test_an_emergency_is_one_by_its_request_and_is_logged(store: ImagingStore) -> None:
    desk = Desk(store)
    token = await desk.opened()
    first = await desk.break_glass(token, "P1", "b1")
    assert await desk.break_glass(token, "P1", "b1") == first
    assert [each[0] for each in desk.cells.asked] == ["broken"]
    assert await refused(desk.break_glass(token, "P2", "b1")) == "REQUEST_ID_REUSED"
    assert await refused(desk.break_glass(token, "nobody")) == "NO_ACCESS"
    assert len((await desk.sessions.sitting(token)).patients) == 1
    assert desk.log.told()[1:] == ["EMERGENCY SUCCESS", "EMERGENCY REFUSED"]
    both = await asyncio.gather(*(desk.break_glass(token, "P3", "b3") for _ in range(2)))
    assert both[0] == both[1]
    assert len((await desk.sessions.sitting(token)).patients) == 2


async def test_a_session_is_full_before_a_code_is_used_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_PATIENTS", 2)
    token = await desk.opened()
    for number in (1, 2):
        await desk.add(token, shown=f"code:P{number}")
    asked = len(desk.cells.asked)
    assert await refused(desk.add(token, shown="code:P3")) == "SESSION_FULL"
    assert await refused(desk.break_glass(token, "P3")) == "SESSION_FULL"
    assert len(desk.cells.asked) == asked


async def test_what_is_not_logged_is_not_done(desk: Desk) -> None:
    token = await desk.opened()
    desk.log.down = True
    assert await refused(desk.opened()) == "AUDIT_UNAVAILABLE"
    assert await refused(desk.add(token, shown="code:P1")) == "AUDIT_UNAVAILABLE"
    assert await refused(desk.break_glass(token, "P1")) == "AUDIT_UNAVAILABLE"
    assert await refused(desk.add(token, "nobody")) == "AUDIT_UNAVAILABLE"
    assert await refused(desk.sessions.close(token)) == "AUDIT_UNAVAILABLE"
    assert (await desk.sessions.sitting(token)).patients == ()
    async with desk.store.read() as work:
        assert await work.sessions.count(HERE, 0, 10) == 1


async def test_who_leaves_sessions_open_loses_the_oldest_and_an_institution_has_a_bound(
    store: ImagingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(store)
    monkeypatch.setattr(operations, "MOST_OF_READER", 2)
    monkeypatch.setattr(bounds, "MOST_OF_INSTITUTION", 4)
    tokens = []
    for _ in range(3):
        tokens.append(await desk.opened())
        desk.later(seconds=1)
    assert await refused(desk.sessions.sitting(tokens[0])) == "SESSION_UNKNOWN"
    for number in (1, 2):
        await desk.opened(Reader(Purpose.TREATMENT, HERE, f"other{number}"))
    assert await refused(desk.opened()) == "SESSIONS_FULL"
    # Persons and operators are no institution: each has a bound of its own.
    desk.caller = OPERATOR
    for number in range(9):
        await desk.opened(Reader(Purpose.SUPERVISION, "operator", f"OP{number}", "C1"))
    desk.caller = INSTITUTION
    closed = await desk.opened(Reader(Purpose.TREATMENT, "H1"))
    await desk.add(closed, shown="code:P1")
    await desk.sessions.close(closed)
    async with desk.store.read() as work:
        standing = await work.sessions.find(digest_of(closed))
    assert standing is not None
    assert standing.patients == ()
    # What is over goes with the next opening, an hour later.
    desk.later(hours=13)
    await desk.opened()
    async with desk.store.read() as work:
        left = [await work.sessions.count(each, 0, 99) for each in (HERE, "operator", "H1")]
    assert left == [1, 0, 0]


async def test_a_session_that_ends_takes_its_tickets_and_no_others(
    store: ImagingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(store)
    tokens = [await desk.opened() for _ in range(3)]
    _, listing = await desk.sessions.open(LISTING)
    numbers = [(await desk.sessions.find(each)).session_no for each in (*tokens, listing)]

    async def give(jti: str, session_no: str, grant_no: str) -> None:
        expires = NOON + timedelta(minutes=5)
        async with store.write() as work:
            await work.tickets.add(Ticket(jti, "370000", grant_no, "1.1", HERE, session_no, expires))

    async def revoked() -> list[str]:
        async with store.read() as work:
            return [name for _, name in await work.tickets.revoked(0, 10)]

    for place, number in enumerate(numbers):
        await give(f"t{place}", number, "G1")
    await desk.sessions.close(tokens[1])
    assert await revoked() == ["t1"]
    await desk.sessions.close(listing)
    assert await revoked() == ["t1", "t3"]
    # One more than a reader may have ends the oldest.
    monkeypatch.setattr(operations, "MOST_OF_READER", 2)
    await desk.opened()
    assert await revoked() == ["t1", "t3", "t0"]
    async with store.read() as work:
        assert [each.jti for each in await work.tickets.of_grants(["G1"], NOON)] == ["t2"]
    # Of what is over nothing is told any more.
    desk.later(minutes=6)
    await desk.sessions.close(tokens[2])
    assert await revoked() == ["t1", "t3", "t0"]


async def test_the_list_says_what_holds_now_and_whose_cell_is_away(desk: Desk) -> None:
    token = await desk.opened()
    assert await desk.patients.listed(token) == []
    near, ended, far = [
        await desk.granted(who, cell) for who, cell in (("P1", "110000"), ("P2", "110000"), ("P3", SHANDONG))
    ]
    for who in ("P1", "P2", "P3"):
        await desk.add(token, who)
    desk.cells.ended.add(ended)
    desk.cells.dark = True
    listed = await desk.patients.listed(token)
    assert [each.grant_no for each in listed] == [near, ended, far]
    assert [(each.decision.scope is not None, each.decision.away) for each in listed] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    # One question for all of them.
    assert desk.cells.asked[-1] == ("decided", DOCTOR, (near, ended, far))


async def test_a_pseudonym_lives_for_90_days_and_the_one_before_is_known(desk: Desk) -> None:
    desk.caller = ANYBODY
    token = await desk.opened()
    before = (await desk.add(token, shown="code:P1")).patient_id
    period = NOON.toordinal() // 90
    desk.later(days=(period + 1) * 90 - NOON.toordinal())
    token = await desk.opened()
    now = (await desk.add(token, shown="code:P1 ")).patient_id
    (patient,) = (await desk.sessions.sitting(token)).patients
    assert now != before
    assert patient.patient_id == now
    assert desk.now - NOON < timedelta(days=91)
