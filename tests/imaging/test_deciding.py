"""Decisions: asked once for all persons at each question, and what a cell that is away comes to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.imaging.domain.qido import asked
from services.imaging.domain.qido.attributes import Level
from services.imaging.domain.scopes import DecidedScopes, Scope
from services.imaging.operations.deciding import Deciding, SearchLog, reader_of
from services.imaging.operations.searching import Sitting
from services.kernel.errors import Fault
from tests.imaging.conftest import key_of, opened
from tests.imaging.reading import BEIJING, CHECKER, DOCTOR, OPERATOR, SHANDONG, Desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(f"sqlite:///{tmp_path / 'imaging.sqlite'}") as store:
        yield Desk(store)


async def sitting(desk: Desk, *cells: str) -> Sitting:
    """A session with somebody of each cell, P1, P2 and so on."""
    token = await desk.opened()
    for number, cell in enumerate(cells, 1):
        await desk.granted(f"P{number}", cell)
        await desk.add(token, f"P{number}")
    return await desk.sessions.sitting(token)


async def test_all_persons_are_decided_in_one_question_and_nothing_is_kept(desk: Desk) -> None:
    sits, deciding = await sitting(desk, BEIJING, SHANDONG, BEIJING), Deciding(desk.cells)
    grants = [each.grant_no for each in sits.patients]
    assert await deciding.scopes(sits, sits.patients) == DecidedScopes(dict.fromkeys(grants, Scope()))
    assert desk.cells.asked[-1] == ("decided", DOCTOR, tuple(grants))
    desk.cells.ended.add(grants[1])
    desk.cells.scopes[grants[2]] = Scope(frozenset({"CT"}), hidden_studies=frozenset({"1.1"}))
    now = await deciding.scopes(sits, sits.patients)
    assert now == DecidedScopes({grants[0]: Scope(), grants[2]: desk.cells.scopes[grants[2]]})
    questions = len(desk.cells.asked)
    assert await deciding.scopes(sits, ()) == DecidedScopes()
    assert len(desk.cells.asked) == questions


async def test_a_cell_that_is_away_is_named_and_refused_where_nobody_else_was_asked_for(desk: Desk) -> None:
    sits, deciding = await sitting(desk, BEIJING, SHANDONG), Deciding(desk.cells)
    desk.cells.dark = True
    assert await deciding.scopes(sits, sits.patients) == DecidedScopes(
        {sits.patients[0].grant_no: Scope()}, (SHANDONG,)
    )
    with pytest.raises(Fault) as raised:
        await deciding.scopes(sits, sits.patients[1:])
    assert (raised.value.reason, raised.value.metadata) == ("CELL_UNAVAILABLE", {"cell": SHANDONG})


async def test_a_grant_shows_nobody_but_the_person_for_whom_it_was_added(desk: Desk) -> None:
    sits, deciding = await sitting(desk, BEIJING), Deciding(desk.cells)
    mixed = replace(sits.patients[0], person_key=key_of("P2"))
    assert await deciding.scopes(sits, [mixed]) == DecidedScopes()


async def test_who_sits_is_who_is_decided_on(desk: Desk) -> None:
    assert reader_of(await sitting(desk)) == DOCTOR
    desk.caller = OPERATOR
    assert reader_of(await desk.sessions.sitting(await desk.opened(CHECKER))) == CHECKER


async def test_a_search_is_one_entry_about_all_its_persons_with_the_names_of_what_was_asked(desk: Desk) -> None:
    sits, log = await sitting(desk, BEIJING, SHANDONG), SearchLog(desk.log)
    question = asked.read(Level.STUDY, [("PatientName", "张三"), ("StudyDate", "20260301"), ("limit", "5")])
    before = len(desk.log.entries)
    await log.searched(sits, Level.STUDY, question, [each.grant_no for each in sits.patients], 3)
    (entry,) = desk.log.entries[before:]
    grants = [each.grant_no for each in sits.patients]
    assert entry.persons == tuple(zip(grants, (key_of("P1"), key_of("P2")), strict=True))
    assert (entry.person_key, entry.grant_no, entry.detail) == (None, "", "studies PatientName StudyDate found 3")
    assert (entry.session_no, entry.organisation, entry.purpose) == (
        *(sits.session_no, DOCTOR.organisation),
        "TREATMENT",
    )
    await log.searched(sits, Level.STUDY, question, grants[1:], 1)
    alone = desk.log.entries[-1]
    assert (alone.person_key, alone.grant_no, alone.persons) == (key_of("P2"), grants[1], ())
    await log.searched(sits, Level.SERIES, asked.read(Level.SERIES, []), [], 0)
    assert (desk.log.entries[-1].person_key, desk.log.entries[-1].detail) == (None, "series found 0")
