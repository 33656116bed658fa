"""A bill that cannot be prepared fails alone: a bug or a strange text of one hospital is nobody else's trouble."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.settlement.domain.benefits.circumstances import remote_kind
from services.settlement.domain.benefits.stack import StackChoice, StackRequest
from services.settlement.domain.books.entries import StoredAnswer
from tests.settlement.world import HOSPITAL, RESIDENT, FakeCatalogue, World, insured, sqlite_url, world_on


class Broken(Exception):
    """A bug of the catalogue's client."""


class BrokenForResidents(FakeCatalogue):
    """A catalogue that fails by a bug where residents are asked about."""

    async def stack(self, request: StackRequest) -> StackChoice:
        if request.insutype == RESIDENT:
            raise Broken
        return await super().stack(request)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(sqlite_url(tmp_path)) as made:
        made.settling.preparation._catalogue = BrokenForResidents()
        yield made


async def test_a_bug_met_by_one_bill_is_the_outcome_of_that_bill(world: World) -> None:
    visits = {
        psn_no: await world.visit_with_fees(psn_no, 1_000)
        for psn_no in (world.person("P1", RESIDENT), world.person("P2"))
    }
    trials = [world.order(psn_no, mdtrt_id, 1_000) for psn_no, mdtrt_id in visits.items()]
    bug, tried = await world.trying.try_bills(trials, lambda _, bill: world.trials.submit(bill))
    assert isinstance(bug, Broken)
    assert isinstance(tried, bytes)
    bills = [world.order(psn_no, mdtrt_id, 1_000, f"2207:{psn_no}") for psn_no, mdtrt_id in visits.items()]
    failed, settled = await world.settle_all(*bills)
    assert isinstance(failed, Broken)
    assert isinstance(settled, StoredAnswer)


@pytest.mark.parametrize("text", ['{"a":' + "[" * 3990, '{"a":' * 700, '{"IPT_TYPE":"3"', "[{}]"])
def test_an_extension_that_is_no_object_says_nothing(text: str) -> None:
    (enrolment,) = insured("P1").enrolments
    elsewhere = replace(FakeCatalogue().institutions[HOSPITAL], admdvs="370100")
    assert remote_kind(enrolment, elsewhere, [text]) == "temporary"
