"""Pseudonyms: one for each organisation and period, which lead back to the person for whoever has the key."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from services.imaging.operations.pseudonyms import Pseudonyms
from services.kernel.clock import BEIJING
from services.runtime.blocks import Blocks
from tests.imaging.conftest import key_of
from tests.imaging.entries import NOON
from tests.imaging.reading import HERE, PlayedSecrets

THERE = "H37010200901"
ONE, OTHER = key_of("P1"), key_of("P2")


class Names(Pseudonyms):
    """With a clock that is moved."""

    def __init__(self) -> None:
        self.now = NOON
        super().__init__(PlayedSecrets(), Blocks, lambda: self.now)


@pytest.fixture
async def names() -> Names:
    made = Names()
    await made.ready()
    return made


async def test_each_organisation_knows_a_person_by_another_name(names: Names) -> None:
    told = {names(organisation, key) for organisation in (HERE, THERE, "person") for key in (ONE, OTHER)}
    assert len(told) == 6
    assert all(re.fullmatch(r"[A-Z2-7]{26}", each) for each in told)
    assert names.of_all(HERE, [ONE, OTHER, ONE]) == [names(HERE, ONE), names(HERE, OTHER), names(HERE, ONE)]
    assert names.of_all(HERE, []) == []


async def test_a_name_stays_within_its_period_and_is_understood_in_the_next(names: Names) -> None:
    begin = NOON.astimezone(BEIJING).toordinal() // 90 * 90
    day = NOON - timedelta(days=NOON.astimezone(BEIJING).toordinal() - begin)
    names.now = day
    first = names(HERE, ONE)
    for days, same, known in ((89, True, True), (90, False, True), (179, False, True), (180, False, False)):
        names.now = day + timedelta(days=days)
        assert (names(HERE, ONE) == first, ONE in names.keys_of(HERE, first)) == (same, known)
        assert names.of_all(HERE, [ONE], periods_ago=1) == [first] or days == 89 or days == 180


async def test_a_name_leads_back_to_its_person_for_its_own_organisation(names: Names) -> None:
    name = names(HERE, ONE)
    assert ONE in names.keys_of(HERE, name)
    assert ONE not in names.keys_of(THERE, name)
    assert len(names.keys_of(HERE, name)) == 2
    for none in ("", name[:-1], f"{name}A", name.lower(), name[:-1] + "1", name[:-1] + "é"):
        assert names.keys_of(HERE, none) == ()
    # The last two bits of a text stand for nothing: of four texts of the same bytes one is a name.
    ends = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    assert sum(bool(names.keys_of(HERE, name[:-1] + end)) for end in ends) == 8


async def test_nothing_is_made_before_the_key_is_there() -> None:
    with pytest.raises(RuntimeError):
        Names()(HERE, ONE)
