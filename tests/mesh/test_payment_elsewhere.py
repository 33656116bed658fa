"""Mobile payment of persons whom another cell insures: at the window of the cell of care, with the ledgers of the insured one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.mesh import paying
from tests.mesh.hospital import Hospital, Patient, rest
from tests.mesh.people import Newcomers
from tests.mesh.test_cells import HERE, THERE, in_cell
from tests.mesh.test_elsewhere import Two, two_cells
from tests.mesh.world import ledger_findings
from tools.sandbox_keys import key_of


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    """Two cells for this module."""
    async with two_cells(tmp_path_factory.mktemp("payment")) as made:
        await has_a_key(made.here)
        yield made


@pytest.fixture(scope="module")
def residents(two: Two) -> Newcomers:
    """People whom the other cell insures."""
    return Newcomers(in_cell(two.mesh, THERE), 2400)


async def has_a_key(hospital: Hospital) -> None:
    """The institution's key of the REST face."""
    key = key_of("institution", hospital.code)
    asked = {"requestId": "key-of-hospital", "role": "ROLE_INSTITUTION", "subject": hospital.code, "apiKey": key}
    await rest(hospital, "/v1/api-keys", asked)


async def placed(two: Two, who: Patient, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    mdtrt_id = await two.here.register(who)
    return await paying.placed_by(two.here, who, "", mdtrtId=mdtrt_id, **changes)


async def stas(two: Two, saved: dict[str, Any], who: Patient) -> str:
    return str((await two.here.done("6301", {"data": paying.named(two.here, saved, who)})).output["data"]["ordStas"])


async def agree(two: Two) -> None:
    for cell in (two.mesh, in_cell(two.mesh, THERE)):
        assert await ledger_findings(cell) == []


async def test_an_order_is_paid_and_given_back_in_both_cells(two: Two, residents: Newcomers) -> None:
    who = await residents.one()
    saved, split = await placed(two, who)
    assert (await paying.paid(two.here, saved))["order"]["phase"] == "ORDER_PHASE_PAID"
    assert await stas(two, saved, who) == "6"
    back = {"data": paying.refund_of(saved, split, "R1")}
    assert (await two.here.done("6203", back)).output["data"]["refStatus"] == "SUCC"
    assert await stas(two, saved, who) == "7"
    await agree(two)
    assert (f"{HERE}/payment", "routing") in two.mesh.traces().edges()
