"""Care in another pooling area of the own cell: settled in one commit, once routing has said whether a filing holds."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from services.kernel.errors import Fault
from services.runtime.driver_connection import DriverConnection
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.entries import StoredAnswer
from services.settlement.domain.care.carried import LONG_TERM, REFERRAL, TEMPORARY, Filing, Sought
from services.settlement.store.tables import METADATA
from tests.settlement.world import EMPLOYEE, World, insured, sqlite_url, world_on

HERE = "sandbox"
ELSEWHERE = "990200"
AMOUNT = 100_000
NONE = Sought(None)
REFERRED = '{"OTP_ER_REFL_FLAG":"2"}'
EMERGENCY = '{"OTP_ER_REFL_FLAG":"1"}'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A member of a mesh of several cells, whose policy adjusts for every kind of remote care."""
    async with world_on(sqlite_url(tmp_path), cell=HERE) as made:
        made.catalogue.stacks[EMPLOYEE] = ("wuhan-employee@2024-04-01",)
        yield made


def filing(kind: str, from_day: date = date(2025, 1, 1), to_day: date | None = None) -> Sought:
    return Sought(Filing(kind, "F1", from_day, to_day))


def stranger(world: World, psn_no: str, **facts: str) -> str:
    """Somebody whom the own cell insures in another pooling area than the hospital's."""
    (enrolment,) = insured(psn_no).enrolments
    return world.person(psn_no, enrolments=(replace(enrolment, insuplc_admdvs=ELSEWHERE, facts=facts),))


async def bill_of(world: World, psn_no: str, request: str = "", **told: Any) -> BillRequest:
    return world.order(psn_no, await world.visit_with_fees(psn_no, AMOUNT), AMOUNT, request, **told)


def as_tried(request: BillRequest) -> BillRequest:
    return replace(request, stamp=replace(request.stamp, request_id=""))


async def test_a_bill_on_which_only_a_filing_decides_is_sent_to_routing(world: World) -> None:
    order = await bill_of(world, stranger(world, "P1"), "2207:1")
    for send in (world.try_bill(as_tried(order)), world.settle(order)):
        with pytest.raises(Fault) as caught:
            await send
        assert (caught.value.reason, dict(caught.value.metadata)) == ("INSURED_ELSEWHERE", {"cell": HERE})
    settled = await world.settle(replace(order, sought=NONE))
    # What stands is answered first: a repeat needs nobody else.
    assert await world.settle(order) == settled


async def test_the_filing_decides_what_is_paid(world: World) -> None:
    paid = {}
    for number, (name, sought) in enumerate(
        {
            "none": NONE,
            TEMPORARY: filing(TEMPORARY),
            REFERRAL: filing(REFERRAL),
            LONG_TERM: filing(LONG_TERM),
        }.items()
    ):
        order = replace(await bill_of(world, stranger(world, f"P{number}"), f"2207:{number}"), sought=sought)
        tried = await world.try_bill(as_tried(order))
        settled = await world.settle(order)
        assert tried.setlinfo.fund_pay_sumamt_fen == settled.setlinfo.fund_pay_sumamt_fen
        paid[name] = settled.setlinfo.fund_pay_sumamt_fen
    local = await world.settle(await bill_of(world, world.person("P9"), "2207:9"))
    whole = local.setlinfo.fund_pay_sumamt_fen
    # 55 % of the bill; a referral has 90 % of that ratio, who is not filed 70 %.
    assert whole == AMOUNT * 55 // 100
    assert paid == {"none": whole * 7 // 10, TEMPORARY: whole * 7 // 10, REFERRAL: whole * 9 // 10, LONG_TERM: whole}
    assert await world.findings() == ()


@pytest.mark.parametrize(
    ("facts", "exp_content"),
    [({"remote_filing": "filed_long_term"}, ""), ({}, REFERRED), ({}, EMERGENCY)],
    ids=["a fact of the enrolment", "a referral in exp_content", "an emergency"],
)
async def test_what_decides_without_a_filing_asks_for_none(
    world: World, facts: dict[str, str], exp_content: str
) -> None:
    order = await bill_of(world, stranger(world, "P1", **facts), "2207:1", exp_content=exp_content)
    at_once = await world.try_bill(as_tried(order))
    told = await world.settle(replace(order, sought=NONE))
    assert at_once.setlinfo.fund_pay_sumamt_fen == told.setlinfo.fund_pay_sumamt_fen


async def test_a_mesh_of_one_cell_settles_as_it_ever_did(tmp_path: Path) -> None:
    async with world_on(sqlite_url(tmp_path)) as alone:
        alone.catalogue.stacks[EMPLOYEE] = ("wuhan-employee@2024-04-01",)
        settled = await alone.settle(await bill_of(alone, stranger(alone, "P1"), "2207:1"))
    assert settled.setlinfo.fund_pay_sumamt_fen == AMOUNT * 55 * 7 // 1000


async def test_a_filing_that_does_not_hold_is_no_filing_to_settle_by(world: World) -> None:
    order = await bill_of(world, stranger(world, "P1"), "2207:1")
    for over in (filing(LONG_TERM, date(2025, 3, 11)), filing(TEMPORARY, to_day=date(2025, 3, 9))):
        with pytest.raises(Fault) as caught:
            await world.settle(replace(order, sought=over))
        assert [each.path for each in caught.value.violations] == ["filing"]


async def test_the_hash_of_a_trial_covers_the_filing(world: World) -> None:
    order = await bill_of(world, stranger(world, "P1"), "2207:1")
    tried = await world.try_bill(as_tried(replace(order, sought=filing(REFERRAL))))
    with pytest.raises(Fault, match="TRIAL_OUTDATED"):
        await world.settle(replace(order, sought=NONE, trial_hash=tried.trial_hash))
    await world.settle(replace(order, sought=filing(REFERRAL), trial_hash=tried.trial_hash))


async def test_neighbours_in_a_list_are_settled_beside_one_that_is_sent_on(world: World) -> None:
    remote = await bill_of(world, stranger(world, "P1"), "2207:1")
    local = await bill_of(world, world.person("P2"), "2207:2")
    sent_on, settled = await world.settle_all(remote, local)
    assert isinstance(sent_on, Fault)
    assert isinstance(settled, StoredAnswer)


async def test_a_local_bill_costs_no_statement_and_no_call_more_in_a_mesh_of_several_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    for name in ("fetch", "insert"):
        monkeypatch.setattr(DriverConnection, name, _noting(getattr(DriverConnection, name), statements))
    ways = []
    for cell in ("", HERE):
        folder = tmp_path / f"cell{cell}"
        folder.mkdir()
        async with world_on(sqlite_url(folder), cell=cell) as world:
            order = await bill_of(world, world.person("P1"), "2207:1")
            statements.clear()
            await world.try_bill(as_tried(order))
            await world.settle(order)
            ways.append(([*statements], world.identity.calls, world.catalogue.kinds_asked))
    assert ways[0] == ways[1]
    assert len(statements) > 1


_OWN: Final = re.compile(rf"\b({'|'.join(METADATA.tables)})\b")


def _noting(real: Any, statements: list[str]) -> Any:
    async def noted(connection: DriverConnection, statement: str, *rest: Any, **told: Any) -> Any:
        # Another mesh of this process may look meanwhile for what is due there.
        if _OWN.search(statement):
            statements.append(statement)
        return await real(connection, statement, *rest, **told)

    return noted
