"""An opening whose parts do not fit together is refused by its place and part, together with all others of its list."""

from __future__ import annotations

import pytest

from services.kernel.errors import Fault
from services.settlement.domain.books.ledger import LedgerKey
from services.settlement.domain.books.opening import Opening, check_openings


def opening(
    balance_fen: int = 0, current_fen: int = 0, year: str = "2025", accumulators: tuple[tuple[str, int], ...] = ()
) -> Opening:
    return Opening(LedgerKey("P1", "310", "990100", year), balance_fen, current_fen, accumulators)


@pytest.mark.parametrize(
    "fits",
    [
        opening(5_000, 5_000),
        opening(5_000, year=""),
        opening(accumulators=(("op_dedc", 0), ("op_paid", 7))),
        opening(0, 0, ""),
    ],
)
def test_what_fits_together_opens(fits: Opening) -> None:
    check_openings([fits])


@pytest.mark.parametrize(
    ("broken", "part", "rule"),
    [
        (opening(5_000, 5_001), "current_year_fen", "within_balance"),
        (opening(5_000, 1, ""), "benefit_year", "required"),
        (opening(year="", accumulators=(("op_dedc", 1),)), "benefit_year", "required"),
        (opening(accumulators=(("op_dedc", 1), ("op_dedc", 1))), "accumulators", "duplicate"),
        (opening(accumulators=(("op_dedc", -1),)), "accumulators", "not_negative"),
    ],
)
def test_what_does_not_is_refused_by_its_place(broken: Opening, part: str, rule: str) -> None:
    with pytest.raises(Fault) as raised:
        check_openings([opening(), broken, broken])
    assert [(each.path, each.rule) for each in raised.value.violations] == [
        (f"openings[{place}].{part}", rule) for place in (1, 2)
    ]
