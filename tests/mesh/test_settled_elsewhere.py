"""Bills settled and taken back in another cell than the one that insures: each message by the gateway of the cell of care."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import pytest_asyncio

from services import mesh as table
from services.kernel.clock import BEIJING
from services.kernel.errors import Fault, FaultKind
from services.routing.peers.settlements import SettlementCells
from tests.mesh import journeys
from tests.mesh.harness import in_cell
from tests.mesh.hospital import DRUG, Settled, fen, rest
from tests.mesh.people import Newcomers
from tests.mesh.test_cells import HERE, THERE
from tests.mesh.test_elsewhere import Two, two_cells
from tests.mesh.test_filed import AT_HOME, CHENGDU, HOSPITAL, UNFILED, WUHAN, Wuhan, of_wuhan, partner_of_wuhan
from tests.mesh.test_filed import BILL as WUHAN_BILL
from tests.mesh.test_own_books import key_for
from tests.mesh.test_traces import found_in, logged
from tests.mesh.world import ledger_findings
from tools.played.messages import Row
from yibao.routing.v1 import clearing_pb2

OF_ONE: Final = (
    "mdtrt_id",
    "setl_id",
    "psn_no",
    "psn_name",
    "certno",
    "medins_setl_id",
    "setl_time",
    "gend",
    "opt_time",
)
"""What differs between two people who are alike."""
PAID: Final = ("fund_pay_sumamt", "acct_pay", "psn_cash_pay", "act_pay_dedc")
ONE_BOX: Final = (Row(DRUG, 1, 300_000),)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    """Two cells for this module."""
    async with two_cells(tmp_path_factory.mktemp("settled")) as made:
        yield made


@pytest.fixture(scope="module")
def residents(two: Two) -> Newcomers:
    """People whom the other cell insures."""
    return Newcomers(in_cell(two.mesh, THERE), 2100)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def wuhan(two: Two) -> Wuhan:
    """People of Chengdu, whom the other cell insures, and a hospital of Wuhan in this one."""
    await two.mesh.call("yibao.catalogue.v1.CatalogueService.Publish", of_wuhan())
    await two.mesh.call("yibao.identity.v1.PartnerService.RegisterPartner", partner_of_wuhan())
    return Wuhan(in_cell(two.mesh, THERE), two.here.at(HOSPITAL, "武汉测试医院", WUHAN))


def alike(output: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of a settlement, less what differs between two people."""
    info = {name: value for name, value in output["setlinfo"].items() if name not in OF_ONE}
    return dict(output) | {"setlinfo": info}


async def test_a_visit_is_settled_looked_up_and_undone_as_at_home(two: Two, residents: Newcomers) -> None:
    at_home = await journeys.out_patient(two.there, await residents.one())
    who = await residents.one()
    elsewhere = await journeys.out_patient(two.here, who)
    for infno in ("2206", "2207", "5203", "2208"):
        assert alike(elsewhere[infno].output) == alike(at_home[infno].output), infno
    # The year is the insured cell's: nothing of it is left there.
    assert elsewhere["5206"].output == at_home["5206"].output
    left = (await two.there.done("5206", {"data": {"psn_no": who.psn_no}})).output["cuminfo"]
    assert {each["cum"] for each in left} <= {0}


async def test_a_stay_is_settled_and_undone_as_at_home(two: Two, residents: Newcomers) -> None:
    at_home = await journeys.in_patient(two.there, await residents.one())
    elsewhere = await journeys.in_patient(two.here, await residents.one())
    for step in ("2303 before discharge", "2303", "2304", "5203", "2305"):
        assert alike(elsewhere[step].output) == alike(at_home[step].output), step


async def test_every_message_may_come_again_and_both_cells_tell_the_bill(two: Two, residents: Newcomers) -> None:
    here, who = two.here, await residents.one()
    done = await here.visit(who, journeys.BILL)
    again = await here.settle(done.node, msgid=done.msgid)
    assert again.answer.output == done.answer.output
    assert await here.refused("2207", {"data": done.node}) == "BATCH_SETTLED"
    told = (await here.done("5203", {"data": done.reference})).output["setlinfo"]
    # The person reads it at home, with its lines.
    key = await key_for(two.there, who.psn_no)
    own = await rest(two.there, "/v1/own/settlements:get", {"psnNo": who.psn_no, "setlId": done.info["setl_id"]}, key)
    assert int(own["setlinfo"]["psnCashPayFen"]) == fen(told["psn_cash_pay"]) == fen(done.info["psn_cash_pay"])
    lines = await rest(two.there, "/v1/own/lines:list", {"psnNo": who.psn_no, "setlId": done.info["setl_id"]}, key)
    assert [int(each["detItemFeeSumamtFen"]) for each in lines["lines"]] == [row.amount_fen for row in journeys.BILL]
    msgid = here.next_msgid()
    counter = await here.done("2208", {"data": done.reference}, msgid=msgid)
    assert (await here.done("2208", {"data": done.reference}, msgid=msgid)).output == counter.output
    assert (await here.done("2208", {"data": done.reference})).output["setlinfo"] == counter.output["setlinfo"]
    after = await here.settle(done.node, msgid=done.msgid)
    assert after.answer.output == done.answer.output
    assert counter.output["setlinfo"]["setl_id"] in after.answer.body["warn_msg"]


async def test_what_came_last_is_taken_back_first_in_whichever_cell(two: Two, residents: Newcomers) -> None:
    who = await residents.one()
    away, home = await two.here.visit(who, ONE_BOX), await two.there.visit(who, ONE_BOX)
    answer = await two.here.send("2208", {"data": away.reference})
    assert answer.message.startswith("[LATER_SETTLEMENT_EXISTS]")
    assert f"{two.there.place}于{home.info['setl_time'][:10]}" in answer.message
    assert (await two.here.done("5203", {"data": away.reference})).output["setlinfo"]["refd_setl_flag"] == "0"
    await two.there.done("2208", {"data": home.reference})
    taken = {"psn_no": who.psn_no, "omsgid": away.msgid, "oinfno": "2207"}
    await two.here.done("2601", taken)
    await two.here.done("2601", taken)
    assert (await two.here.done("5203", {"data": away.reference})).output["setlinfo"]["refd_setl_flag"] == "1"
    assert await two.here.refused("2208", {"data": home.reference}) == "SETTLEMENT_NOT_FOUND"


async def test_a_filing_counts_in_another_cell_as_in_another_place_of_the_own(wuhan: Wuhan) -> None:
    """Of Chengdu, and of the other cell, at a hospital of Wuhan, of this one: what is paid is what one cell for both pays."""
    unfiled, filed = await wuhan.stranger(), await wuhan.stranger()
    await wuhan.file(filed)
    for who, expected in ((unfiled, UNFILED), (filed, AT_HOME)):
        node = await wuhan.hospital.open_visit(who, WUHAN_BILL)
        tried = await wuhan.hospital.done("2206", {"data": node}, home=who.home)
        settled = await wuhan.hospital.settle(node, home=who.home)
        paid = [fen(each["fund_pay_sumamt"]) for each in (tried.output["setlinfo"], settled.info)]
        assert paid == [expected, expected]


async def test_what_both_cells_notice_clears_as_one_and_all_three_lists_of_the_day_agree(
    two: Two, wuhan: Wuhan
) -> None:
    async def cleared() -> tuple[int, int, int]:
        await rest(two.here, "/v1/clearing/notices:take", {"requestId": f"take-{two.here.next_msgid()}"})
        request = clearing_pb2.GetMonthRequest(month=f"{two.mesh.clock().astimezone(BEIJING):%Y-%m}")
        month = await two.mesh.call("yibao.routing.v1.ClearingService.GetMonth", request)
        assert sum(each.net_fen for each in month.positions) == 0
        pair = (each for each in month.statements if (each.insured_region, each.care_region) == ("510000", "420000"))
        return next(((each.settled_count, each.reversed_count, each.amount_fen) for each in pair), (0, 0, 0))

    before = await cleared()
    bills = [await wuhan.hospital.visit(await wuhan.stranger(), WUHAN_BILL) for _ in range(3)]
    await wuhan.hospital.done("2208", {"data": bills[0].reference}, home=CHENGDU)
    assert await cleared() == (before[0] + 3, before[1] + 1, before[2] + 2 * UNFILED)
    today = two.mesh.clock().astimezone(BEIJING)
    day = {"year": today.year, "month": today.month, "day": today.day}
    asked = {"requestId": f"check-{two.here.next_msgid()}", "setlDay": day}
    checked = (await rest(two.here, "/v1/clearing/days:check", asked))["check"]
    counts = [int(checked[f"{name}Count"]) for name in ("national", "insured", "care", "difference")]
    assert counts == [before[0] + before[1] + 4] * 3 + [0]


async def replay(two: Two, settled: Settled) -> list[dict[str, Any]]:
    """An operator of the insured cell takes a bill out; asked twice, done once."""
    asked = {"requestId": f"replay-{settled.msgid}", "setlId": settled.info["setl_id"], "memo": "重复收费"}
    done = [await rest(two.there, "/v1/replays:run", asked) for _ in range(2)]
    assert done[0] == done[1]
    return list(done[0]["settlements"])


async def test_an_operator_at_home_takes_a_bill_out_from_under_later_ones_of_both_cells(
    two: Two, residents: Newcomers
) -> None:
    who, alike_one = await residents.one(), await residents.one()
    away = await two.here.visit(who, ONE_BOX)
    home, last = await two.there.visit(who, ONE_BOX), await two.here.visit(who, ONE_BOX)
    fresh = [await each.visit(alike_one, ONE_BOX) for each in (two.there, two.here)]
    taken_out, *later = await replay(two, away)
    assert any(
        old.info[name] != other.info[name] for old, other in zip((home, last), fresh, strict=True) for name in PAID
    )
    await rest(two.here, "/v1/clearing/notices:take", {"requestId": f"take-{two.here.next_msgid()}"})
    for hospital, old, new, other in zip((two.there, two.here), (home, last), later, fresh, strict=True):
        told = (await hospital.done("5203", {"data": old.reference})).output["setlinfo"]
        assert (told["setl_id"], told["refd_setl_flag"]) == (new["replayedBy"], "0")
        assert {name: told[name] for name in PAID} == {name: other.info[name] for name in PAID}
        again = await hospital.settle(old.node, msgid=old.msgid)
        assert again.answer.output == old.answer.output
        assert new["replayedBy"] in again.answer.body["warn_msg"]
    assert taken_out["reversedBy"] in (await two.here.settle(away.node, msgid=away.msgid)).answer.body["warn_msg"]
    back = (await two.here.done("2208", {"data": last.reference})).output["setlinfo"]
    assert [fen(back[name]) for name in PAID] == [-fen(fresh[1].info[name]) for name in PAID]
    listed = await rest(two.there, "/v1/adjustments:list", {"psnNo": who.psn_no})
    assert [each.get("bookedTime", "") != "" for each in listed["adjustments"]] == [True, False, True]
    assert await ledger_findings(two.mesh) == await ledger_findings(in_cell(two.mesh, THERE)) == []


async def test_what_a_replay_changes_clears_as_if_it_had_been_so_and_all_three_lists_agree(
    two: Two, wuhan: Wuhan
) -> None:
    async def checked() -> tuple[list[int], int]:
        """How many entries each list of today has and how many differ, and what all positions of the month come to."""
        await rest(two.here, "/v1/clearing/notices:take", {"requestId": f"take-{two.here.next_msgid()}"})
        today = two.mesh.clock().astimezone(BEIJING)
        day = {"year": today.year, "month": today.month, "day": today.day}
        asked = {"requestId": f"check-{two.here.next_msgid()}", "setlDay": day}
        counted = (await rest(two.here, "/v1/clearing/days:check", asked))["check"]
        request = clearing_pb2.GetMonthRequest(month=f"{today:%Y-%m}")
        month = await two.mesh.call("yibao.routing.v1.ClearingService.GetMonth", request)
        names = ("national", "insured", "care", "difference")
        return [int(counted[f"{name}Count"]) for name in names], sum(each.net_fen for each in month.positions)

    before, _ = await checked()
    who = await wuhan.stranger()
    bills = [await wuhan.hospital.visit(who, WUHAN_BILL) for _ in range(3)]
    await replay(two, bills[0])
    # Three bills, three counter-entries, and two that stand in the place of others.
    assert await checked() == ([each + 8 for each in before[:3]] + [0], 0)
    await wuhan.hospital.done("2208", {"data": bills[2].reference}, home=CHENGDU)
    assert await checked() == ([each + 9 for each in before[:3]] + [0], 0)
    assert await ledger_findings(two.mesh) == await ledger_findings(in_cell(two.mesh, THERE)) == []


async def test_one_trace_leads_to_the_commit_of_the_insured_cell_and_nothing_tells_who_it_was(
    two: Two, residents: Newcomers
) -> None:
    who = await residents.one()
    node, msgid = await two.here.open_visit(who, ONE_BOX), two.here.next_msgid()
    with logged() as stream:
        done = await two.here.settle(node, msgid=msgid)
        await two.here.done("2208", {"data": done.reference})
    store = two.mesh.traces()
    trace_id = next(key for key in store.find(msgid) if len({span.service for span in store.spans(key)}) > 2)
    by_id = {span.span_id: span.service for span in store.spans(trace_id)}
    ways = {(by_id.get(span.parent_id or "", ""), span.service) for span in store.spans(trace_id)}
    assert {
        (f"{HERE}/gateway", "routing"),
        ("routing", f"{HERE}/settlement"),
        ("routing", f"{THERE}/settlement"),
        (f"{THERE}/settlement", f"{THERE}/identity"),
    } <= ways
    # Steps of several bills go to a cell together, and are told there bill by bill.
    names = [span.name for span in store.spans(trace_id) if span.service.endswith("/settlement")]
    assert (
        names.count("yibao.settlement.v1.OrderService.Open")
        == names.count("yibao.settlement.v1.OrderService.Confirm")
        == 2
    )
    assert store.edges() <= table.seat_edges((HERE, THERE))
    secrets = {who.psn_no, who.certno, who.name}
    spans = [json.dumps([each.name, each.attributes], ensure_ascii=False) for each in store.all_spans()]
    lines = [line.encode().decode("unicode_escape") for line in stream.getvalue().splitlines()]
    assert found_in(spans + lines, secrets) == []
    with sqlite3.connect(two.mesh.config.database_url("routing").removeprefix("sqlite:///")) as kept:
        rows = [json.dumps(row) for row in kept.execute("SELECT * FROM saga")]
    assert rows
    assert found_in(rows, secrets) == []


STEPS = [(cell, step, taken) for cell in (THERE, HERE) for step in ("open", "confirm") for taken in (False, True)]


@dataclass(slots=True)
class Lost:
    """Calls of steps that do not come through, by the order's number: before they are taken, or the answer after that."""

    monkeypatch: pytest.MonkeyPatch
    points: dict[str, tuple[str, str, bool]] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    healed: bool = False

    def __post_init__(self) -> None:
        cells: Any = SettlementCells
        opens, books, confirms = cells.open, cells.book, cells.confirm

        async def opened(own: Any, cell: str, order_no: str, bill: Any, filing: Any) -> Any:
            self.orders[order_no] = bill.carried.psn_no
            return await self._through((cell, "open"), order_no, lambda: opens(own, cell, order_no, bill, filing))

        async def booked(own: Any, cell: str, order_no: str, *told: Any) -> Any:
            return await self._through((cell, "open"), order_no, lambda: books(own, cell, order_no, *told))

        async def confirmed(own: Any, cell: str, order_no: str) -> Any:
            return await self._through((cell, "confirm"), order_no, lambda: confirms(own, cell, order_no))

        for name, made in (("open", opened), ("book", booked), ("confirm", confirmed)):
            self.monkeypatch.setattr(SettlementCells, name, made)

    async def _through(self, step: tuple[str, str], order_no: str, call: Callable[[], Awaitable[Any]]) -> Any:
        at = self.points.get(self.orders.get(order_no, ""))
        lost = at is not None and at[:2] == step and not self.healed
        answer = None if lost and at and not at[2] else await call()
        if lost:
            raise Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": f"{step[0]}/settlement"})
        return answer


async def at_rest(two: Two) -> None:
    """Waits until routing has nothing under way."""
    for _ in range(200):
        with sqlite3.connect(two.mesh.config.database_url("routing").removeprefix("sqlite:///")) as kept:
            (running,) = kept.execute("SELECT COUNT(*) FROM saga WHERE state NOT IN ('done', 'undone')").fetchone()
        if not running:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("something is still under way")


async def test_whatever_is_lost_between_the_cells_both_agree_within_seconds(
    two: Two, residents: Newcomers, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, people = two.here, await residents.many(len(STEPS))
    bills = [(await here.open_visit(who, ONE_BOX), here.next_msgid()) for who in people]
    lost = Lost(monkeypatch, {who.psn_no: step for who, step in zip(people, STEPS, strict=True)})
    envelopes = [here.envelope("2207", {"data": node}, msgid) for node, msgid in bills]
    told = await asyncio.gather(*(here.post(envelope) for envelope in envelopes))
    reasons = [answer.json()["err_msg"].partition("]")[0].strip("[") for answer in told]
    assert {answer.status_code for answer in told} == {503}
    assert reasons == ["CELL_UNAVAILABLE"] * 2 + ["OUTCOME_UNKNOWN"] * 6
    lost.healed = True
    await at_rest(two)
    stands = []
    for (node, msgid), who in zip(bills, people, strict=True):
        again = await here.send("2207", {"data": node}, msgid=msgid)
        if again.message.startswith("[MESSAGE_VOIDED]"):
            again = await here.send("2207", {"data": node})
        stands.append(again.succeeded)
        key = await key_for(two.there, who.psn_no)
        own = await rest(two.there, "/v1/own/settlements:list", {"psnNo": who.psn_no}, key)
        standing = [
            each["setlId"] for each in own["settlements"] if not each.get("reverses") and not each.get("reversedBy")
        ]
        assert standing == [again.output["setlinfo"]["setl_id"]]
    assert all(stands)
    for mesh in (two.mesh, in_cell(two.mesh, THERE)):
        assert await ledger_findings(mesh) == []


async def test_a_message_taken_back_while_it_is_settled_leaves_nothing_in_either_cell(
    two: Two, residents: Newcomers, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, who = two.here, await residents.one()
    node, msgid = await here.open_visit(who, ONE_BOX), here.next_msgid()
    there, go, confirms = asyncio.Event(), asyncio.Event(), SettlementCells.confirm

    async def held(own: SettlementCells, cell: str, order_no: str) -> None:
        there.set()
        await go.wait()
        await confirms(own, cell, order_no)

    monkeypatch.setattr(SettlementCells, "confirm", held)
    settling = asyncio.create_task(here.send("2207", {"data": node}, msgid=msgid))
    await there.wait()
    waits = asyncio.create_task(here.send("2207", {"data": node}, msgid=msgid))
    taken = {"psn_no": who.psn_no, "omsgid": msgid, "oinfno": "2207"}
    first = await here.done("2601", taken)
    go.set()
    refusals = [(await each).message.partition("]")[0] for each in (settling, waits)]
    assert refusals == ["[ORDER_VOID", "[MESSAGE_VOIDED"]
    assert (await here.done("2601", taken)).output == first.output
    monkeypatch.undo()
    await at_rest(two)
    key = await key_for(two.there, who.psn_no)
    assert not (await rest(two.there, "/v1/own/settlements:list", {"psnNo": who.psn_no}, key)).get("settlements")
    again = await here.settle(node)
    assert again.info["fund_pay_sumamt"]
    assert await ledger_findings(two.mesh) == await ledger_findings(in_cell(two.mesh, THERE)) == []


async def test_bills_of_one_person_at_once_are_settled_and_undone_one_after_the_other_as_at_home(
    two: Two, residents: Newcomers
) -> None:
    here, who = two.here, await residents.one()
    first, *more = [await here.open_visit(who, ONE_BOX) for _ in range(4)]
    settled = await here.settle(first)
    told = await asyncio.gather(
        here.send("2208", {"data": settled.reference}), *(here.send("2207", {"data": node}) for node in more)
    )
    # Whether it is taken back before the others or behind one of them, which forbids it, is a race at home too.
    assert [answer.succeeded for answer in told[1:]] == [True] * 3, [answer.message for answer in told]
    assert told[0].succeeded or told[0].message.startswith("[LATER_SETTLEMENT_EXISTS]")
    await at_rest(two)
    key = await key_for(two.there, who.psn_no)
    own = await rest(two.there, "/v1/own/settlements:list", {"psnNo": who.psn_no}, key)
    standing = {
        each["setlId"] for each in own["settlements"] if not each.get("reverses") and not each.get("reversedBy")
    }
    assert standing >= {answer.output["setlinfo"]["setl_id"] for answer in told[1:]}
    assert len(standing) == 3 + (not told[0].succeeded)
    assert await ledger_findings(two.mesh) == await ledger_findings(in_cell(two.mesh, THERE)) == []
