"""The people and institutions that the cells beside the sandbox's begin with: of their divisions, invented, and nobody twice."""

from __future__ import annotations

import pytest

from services import cells
from tools.cli.seed import SANDBOX
from tools.cli.seed_rows import SeedRows
from tools.sandbox_keys import CELL_INSTITUTIONS, key_of

OTHERS = cells.codes()[1:]
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def rows_of(code: str) -> SeedRows:
    folder = SANDBOX if code == cells.SANDBOX else SANDBOX / "cells" / code
    rows = SeedRows()
    for file in sorted(folder.glob("*.yaml")):
        rows.add(file)
    return rows


def test_every_cell_has_samples_and_there_are_no_others() -> None:
    assert {each.name for each in (SANDBOX / "cells").iterdir()} == set(OTHERS) == CELL_INSTITUTIONS.keys()


@pytest.mark.parametrize("code", OTHERS)
def test_its_people_and_institutions_are_of_its_divisions(code: str) -> None:
    rows = rows_of(code)
    people = rows.messages("persons", rows.by_kind["persons"])
    places = [each.insuplc_admdvs for person in people for each in person.enrolments]
    codes = [each.partner_code[1:7] for each in rows.messages("partners", rows.by_kind["partners"]) if each.role == 1]
    assert places
    assert codes
    assert {cells.of_division(place) for place in (*places, *codes)} == {code}
    keys = {(each.subject, each.api_key) for each in rows.messages("api_keys", rows.by_kind["api_keys"])}
    assert (CELL_INSTITUTIONS[code], key_of("institution", CELL_INSTITUTIONS[code])) in keys


def test_nobody_is_in_two_cells_and_everybody_is_invented() -> None:
    seen: set[str] = set()
    for code in cells.codes():
        rows, numbers = rows_of(code), set[str]()
        for record in rows.messages("persons", rows.by_kind["persons"]):
            person = record.person
            numbers |= {person.psn_no, person.certno, person.card_no}
            if code != cells.SANDBOX:
                total = sum(int(digit) * weight for digit, weight in zip(person.certno[:17], _WEIGHTS, strict=True))
                assert person.certno.startswith("990000")
                assert "10X98765432"[total % 11] == person.certno[17]
        assert not numbers & seen
        seen |= numbers
