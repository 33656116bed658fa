"""Reconciliation of orders whose settlements other cells have: compared where these answer, told as not compared where not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from services.payment.domain.differences import Kind
from services.payment.domain.runs import DifferenceState
from tests.payment.planted_days import DAY, Days, agreeing, plant
from tests.payment.test_reconciling import found, office

BEIJING, SHANDONG = "110000", "370000"
SETTLEMENTS = (
    Kind.SETTLEMENT_MISSING,
    Kind.SETTLEMENT_AMOUNT,
    Kind.SETTLEMENT_NOT_REVERSED,
    Kind.SETTLEMENT_NUMBER,
    Kind.INSTITUTION,
)


def insured(days: Days, cell: str) -> None:
    """Every paid order of the day is of a person of that cell."""
    for deal in days.deals:
        deal.order = replace(deal.order, insured_cell=cell)


def elsewhere(seed: int) -> Days:
    days = agreeing(120, seed)
    plant(days, 2, SETTLEMENTS)
    insured(days, BEIJING)
    return days


async def test_orders_that_another_cell_settles_are_compared_with_its_books(tmp_path: Path) -> None:
    days = elsewhere(41)
    async with office(tmp_path, days) as desk:
        kept = await desk.reconciled(DAY)
        assert found(kept) == {*days.planted}
        assert {kind for kind, _ in found(kept)} == {*SETTLEMENTS}
        assert (await desk.reconciling.last(DAY)).run.unasked == 0


async def test_what_a_silent_cell_has_is_told_as_not_compared_and_found_differences_stay(tmp_path: Path) -> None:
    days = elsewhere(42)
    near = days.deals[::3]
    for deal in near:
        deal.order = replace(deal.order, insured_cell=SHANDONG)
    async with office(tmp_path, days) as desk:
        first = await desk.reconciled(DAY)
        assert found(first) == {*days.planted}
        desk.statements.silent = {BEIJING}
        again = await desk.reconciled(DAY)
        run = (await desk.reconciling.last(DAY)).run
        assert 0 < run.unasked < run.orders
        # None is taken for gone because nobody told of it, and none is invented.
        assert found(again) == found(first)
        desk.statements.silent = set()
        await desk.reconciled(DAY)
        assert (await desk.reconciling.last(DAY)).run.unasked == 0
        assert {each.state for each in await desk.kept(DAY)} == {DifferenceState.OPEN}
