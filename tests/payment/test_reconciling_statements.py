"""What institutions find by 3202 is part of the day on which they found it: a row of its own, counted, gone once it agrees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from services.kernel.clock import day_start, to_micros
from services.payment.domain.compared import Statement
from services.payment.domain.differences import Kind, Repair
from services.payment.domain.runs import DifferenceState, Kept
from tests.payment.planted_days import DAY, agreeing
from tests.payment.test_reconciling import NEXT, Office, office

NOON = to_micros(day_start(DAY)) + 12 * 3_600_000_000
NEXT_NOON = NOON + 24 * 3_600_000_000
LIST = Statement("H1", "H1 2026-11-01..2026-11-28", "F1", 1, 2, 3, 700, 500)
EQUAL = Statement("H2", "H2 2026-11-01..2026-11-28", "F2", 0, 0, 0, 0, 0)


async def rows(desk: Office) -> list[Kept]:
    return [each for each in await desk.kept(DAY) if each.difference.kind is Kind.STATEMENT]


async def test_what_an_institution_lists_otherwise_is_a_row_of_the_day_with_its_sums(tmp_path: Path) -> None:
    async with office(tmp_path, agreeing(20, 1)) as desk:
        desk.statements.lists = [
            (NOON, LIST),
            (NOON, EQUAL),
            (NEXT_NOON, replace(LIST, number="H3 2026-11-28..2026-11-28")),
        ]
        (kept,) = await desk.reconciled(DAY, only_look=False)
        told = kept.difference
        assert (told.kind, told.repair, kept.state) == (Kind.STATEMENT, Repair.PEOPLE, DifferenceState.OPEN)
        assert (told.fixmedins_code, told.number, told.trade_no) == (LIST.fixmedins_code, LIST.number, "F1")
        assert (told.here_fen, told.there_fen, told.here, told.there) == (
            700,
            500,
            "1 here alone, 3 otherwise",
            "2 there alone",
        )
        last = await desk.reconciling.last(DAY)
        assert (last.run.statements, last.counts[DifferenceState.OPEN]) == (2, 1)
        resolved = await desk.reconciling.resolve(desk.stamp(), kept.difference_no, "booked late")
        await desk.reconciled(DAY)
        assert [each.state for each in await rows(desk)] == [resolved.state] == [DifferenceState.RESOLVED]


async def test_a_list_that_was_compared_anew_replaces_what_was_found_before(tmp_path: Path) -> None:
    async with office(tmp_path, agreeing(20, 1)) as desk:
        other = replace(LIST, number="H1 2026-11-01..2026-11-28 370100 * *", file_qury_no="F9")
        desk.statements.lists = [(NOON, LIST), (NOON, other)]
        await desk.reconciled(DAY)
        assert [each.state for each in await rows(desk)] == [DifferenceState.OPEN] * 2
        # The next day the institution has mended its list; settlement keeps the last comparison of the same days.
        mended = replace(EQUAL, fixmedins_code="H1", number=LIST.number, file_qury_no="F3")
        desk.statements.lists = [(NEXT_NOON, mended), (NOON, other)]
        await desk.reconciled(NEXT)
        states = {each.difference.trade_no: each.state for each in await rows(desk)}
        assert states == {"F1": DifferenceState.GONE, "F9": DifferenceState.OPEN}
