"""Where a person is insured as seen from a place of care: every decision with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services import cells
from services.kernel.codes import pooling_area
from services.kernel.errors import Fault
from services.routing.domain.registry import Insured, Place
from services.routing.domain.resolution import Query, Where, one_person, resolve
from tests.routing.feeds import place

DAY = date(2026, 3, 5)
JINAN, QINGDAO, BEIJING, SANDBOX = "370102", "370202", "110105", "990100"


def insured(cell: str, *places: Place, person: str = "p", cert_type: str = "01", key_id: str = "k") -> Insured:
    """What a cell told of a person."""
    return Insured(person, cell, f"c{person}", cert_type, places, key_id)


def at(care: str, **asked: Any) -> Query:
    """Asked at a place of care."""
    return replace(Query("1", "", "", care, DAY), **asked)


def decided(query: Query, *found: Insured) -> tuple[Where, str, str]:
    """The decision, its reason, and the insured division."""
    told = resolve(query, found, cells.of_division)
    return told.where, told.reason, told.place.admdvs if told.place else ""


def test_every_decision_with_its_reason() -> None:
    of_jinan = insured("370000", place(JINAN))
    assert decided(at("370103"), of_jinan) == (Where.LOCAL, "SAME_POOLING_AREA", JINAN)
    assert decided(at(QINGDAO), of_jinan) == (Where.SAME_CELL, "OTHER_POOLING_AREA", JINAN)
    assert decided(at(BEIJING), of_jinan) == (Where.OTHER_CELL, "OTHER_CELL", JINAN)
    assert decided(at(JINAN)) == (Where.NOT_FOUND, "NOT_REGISTERED", "")
    tomorrow = insured("370000", place(JINAN, from_day=DAY + timedelta(1)))
    assert decided(at(JINAN), tomorrow) == (Where.NOT_FOUND, "NOT_YET_INSURED", "")
    # That cell can say so of its person; nobody else knows.
    assert resolve(at(JINAN), [tomorrow], cells.of_division).later_cell == "370000"
    assert decided(at(JINAN, insutype="390"), of_jinan) == (Where.NOT_FOUND, "OTHER_INSUTYPE", "")


def test_the_cell_that_told_decides_and_not_the_first_digits_of_its_division() -> None:
    of_sandbox = insured(cells.SANDBOX, place(BEIJING))
    assert decided(at(BEIJING), of_sandbox)[0] is Where.OTHER_CELL
    assert decided(at(BEIJING, care_cell=cells.SANDBOX), of_sandbox)[0] is Where.LOCAL


def test_the_hint_of_the_client_decides_nothing_and_is_told() -> None:
    of_jinan = insured("370000", place(JINAN))
    hinted = resolve(at(BEIJING, hint_admdvs=BEIJING), [of_jinan], cells.of_division)
    assert (hinted.where, hinted.hint_differs) == (Where.OTHER_CELL, True)
    same_area = resolve(at(BEIJING, hint_admdvs="370199"), [of_jinan], cells.of_division)
    assert not same_area.hint_differs
    assert not resolve(at(BEIJING), [of_jinan], cells.of_division).hint_differs


def test_what_holds_on_the_day_counts_then_what_is_in_force_then_what_ended_last() -> None:
    moved = insured("370000", place(JINAN, to_day=date(2026, 1, 31)), place(QINGDAO, from_day=date(2026, 2, 1)))
    assert decided(at(QINGDAO), moved)[0] is Where.LOCAL
    assert decided(replace(at(QINGDAO), day=date(2026, 1, 31)), moved) == (
        Where.SAME_CELL,
        "OTHER_POOLING_AREA",
        JINAN,
    )
    suspended = insured("370000", place(JINAN, in_force=False), place(QINGDAO, "390"))
    assert decided(at(QINGDAO), suspended)[2] == QINGDAO
    assert not resolve(at(JINAN, insutype="310"), [suspended], cells.of_division).in_force
    ended = insured("370000", place(QINGDAO, to_day=date(2020, 1, 1)), place(JINAN, to_day=date(2025, 1, 1)))
    told = resolve(at(JINAN), [ended], cells.of_division)
    assert (told.where, told.in_force) == (Where.LOCAL, False)


def test_two_pooling_areas_at_once_are_refused_naming_both_divisions() -> None:
    for found in (
        [insured("370000", place(JINAN)), insured("110000", place(BEIJING))],
        [insured("370000", place(JINAN), place(QINGDAO, "390"))],
    ):
        with pytest.raises(Fault, match="INSURED_TWICE") as refused:
            resolve(at(BEIJING), found, cells.of_division)
        divisions = sorted(each.admdvs for told in found for each in told.places)
        assert [refused.value.metadata["one"], refused.value.metadata["other"]] == divisions
    both = [insured("370000", place(JINAN), place(QINGDAO, "390"))]
    assert decided(at(JINAN, insutype="390"), *both)[2] == QINGDAO
    # Two types in one pooling area, or two places one after the other, are nobody's double insurance.
    assert decided(at(JINAN), insured("370000", place(JINAN), place("370103", "390")))[0] is Where.LOCAL
    ended = insured("110000", place(BEIJING, to_day=DAY - timedelta(1)))
    assert decided(at(JINAN), insured("370000", place(JINAN)), ended)[2] == JINAN
    idle = insured("110000", place(BEIJING, in_force=False))
    assert decided(at(JINAN), insured("370000", place(JINAN)), idle)[2] == JINAN


def test_a_certificate_of_several_people_is_not_guessed() -> None:
    passport = insured("370000", place(JINAN), person="q", cert_type="08")
    card = insured("110000", place(BEIJING))
    with pytest.raises(Fault, match="CERTIFICATE_AMBIGUOUS"):
        one_person([card, passport], "")
    assert one_person([card, passport], "08") == [passport]
    assert one_person([], "") == []
    # The same person under two keys is one.
    again = replace(card, psn_hash="other key", key_id="o")
    assert one_person([card, again], "01") == [card, again]


def test_pools_belong_to_the_area_of_their_city() -> None:
    pool = insured("370000", place("370199"))
    assert decided(at(JINAN), pool)[0] is Where.LOCAL
    assert pooling_area("119900") == pooling_area(BEIJING)


def test_who_is_not_found_may_be_of_a_cell_that_was_not_read() -> None:
    told = resolve(at(SANDBOX), [], cells.of_division, ("110000",))
    assert told.unread_cells == ("110000",)
