"""Mobile payment of persons whom another cell insures: the order lives in the cell of care, the ledgers in the insured one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from services.kernel.clock import BEIJING, beijing_day, system_clock
from services.payment.domain import steps
from services.runtime import circuits
from services.runtime.call import CALLER_KEY
from tests.mesh import journeys, paying, statements
from tests.mesh.harness import BEGIN, MovableClock, in_cell
from tests.mesh.hospital import DRUG, Hospital, rest
from tests.mesh.people import Newcomers
from tests.mesh.test_cells import HERE, THERE, shown_code
from tests.mesh.test_dark_cell import hanging_cell
from tests.mesh.test_deposits import bill, cash_back, deposited, refused
from tests.mesh.test_elsewhere import AT_ONCE_S, Two, two_cells
from tests.mesh.test_filed import HOSPITAL, WUHAN, Wuhan, of_wuhan, partner_of_wuhan
from tests.mesh.test_notices import ROUTING
from tests.mesh.test_wechat_payment import KEY, WECHAT, Street, write_merchants
from tests.mesh.world import Sandbox, ledger_findings
from tests.twins.wechat_desk import opened
from tools.played.messages import Patient, Row
from tools.running import free_ports
from tools.sandbox_keys import key_of
from yibao.settlement.v1 import order_pb2

BILL: Final = (Row(DRUG, 2, 300_000),)
PAID: Final = "6"
DARK_S: Final = 0.25
"""How long routing waits for a cell that hangs."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def street(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Two, Street]]:
    """Two cells; the hospital of the one where care is given has a contract with WeChat, whose twin stands beside."""
    folder, (port,), clock = tmp_path_factory.mktemp("payment"), free_ports(1), MovableClock(BEGIN)
    async with opened(bureau_url=f"http://127.0.0.1:{port}", bureau_key=KEY) as desk:
        write_merchants(folder, desk, port)
        settings = {"YIBAO_MERCHANTS": str(folder / "merchants.yaml"), f"YIBAO_{HERE}_GATEWAY_PORT": str(port)}
        async with two_cells(folder / "mesh", settings=settings, clock=clock) as made:
            await paying.has_a_key(made.here)
            asked = {"requestId": "wechat-key", "role": "ROLE_CHANNEL", "subject": "WECHAT", "apiKey": KEY}
            await rest(made.here, "/v1/api-keys", asked)
            # Signatures hold for minutes by the machine's clock.
            clock.set(system_clock())
            yield made, Street(Sandbox(made.mesh, clock, made.here, Newcomers(made.mesh)), desk)


@pytest.fixture(scope="module")
def two(street: tuple[Two, Street]) -> Two:
    """The two cells."""
    return street[0]


@pytest.fixture(scope="module")
def residents(two: Two) -> Newcomers:
    """People whom the other cell insures."""
    return Newcomers(in_cell(two.mesh, THERE), 2400)


async def placed(two: Two, who: Patient) -> tuple[dict[str, Any], dict[str, Any]]:
    """An order of a visit that 2201 registered."""
    return await paying.placed_by(two.here, who, "", mdtrtId=await two.here.register(who))


async def stas(hospital: Hospital, saved: dict[str, Any], who: Patient) -> str:
    found = await hospital.done("6301", {"data": paying.named(hospital, saved, who)})
    return str(found.output["data"]["ordStas"])


async def agree(two: Two) -> None:
    """Both ledgers add up, and nothing is pending in either cell."""
    for cell in (two.mesh, in_cell(two.mesh, THERE)):
        assert await ledger_findings(cell) == []


async def counted(two: Two) -> list[int]:
    """What routing, the insured cell and the place of care count today, and in how many bills they differ."""
    await rest(two.here, "/v1/clearing/notices:take", {"requestId": f"take-{two.here.next_msgid()}"})
    today = two.mesh.clock().astimezone(BEIJING)
    day = {"year": today.year, "month": today.month, "day": today.day}
    asked = {"requestId": f"check-{two.here.next_msgid()}", "setlDay": day}
    checked = (await rest(two.here, "/v1/clearing/days:check", asked))["check"]
    return [int(checked[f"{name}Count"]) for name in ("national", "insured", "care", "difference")]


async def test_an_order_is_paid_and_given_back_in_both_cells_and_clears(two: Two) -> None:
    await two.mesh.call("yibao.catalogue.v1.CatalogueService.Publish", of_wuhan())
    await two.mesh.call("yibao.identity.v1.PartnerService.RegisterPartner", partner_of_wuhan())
    place = (HOSPITAL, "武汉测试医院", WUHAN)
    here, there = two.here.at(*place), two.there.at(*place)
    await paying.has_a_key(here)
    who, before = await Wuhan(in_cell(two.mesh, THERE), here).stranger(), await counted(two)
    auth = await paying.authorised(there, who)
    saved, split = await paying.placed_by(here, who, auth)
    paid = await paying.paid(here, saved)
    assert (paid["order"]["phase"], float(split["fundPay"]) > 0) == ("ORDER_PHASE_PAID", True)
    # A bill that cells share tells by the number whose charge it is.
    assert paid["order"]["chargeNo"].startswith(f"C{HERE}")
    assert await counted(two) == [each + 1 for each in before[:3]] + [0]
    settled = {"setl_id": paid["order"]["setlId"], "mdtrt_id": paid["order"]["mdtrtId"], "psn_no": who.psn_no}
    listed = (await here.done("5203", {"data": settled})).output["setlinfo"]
    assert [f"{listed[name]:.2f}" for name in ("fund_pay_sumamt", "acct_pay", "psn_cash_pay")] == [
        f"{float(split[name]):.2f}" for name in ("fundPay", "psnAcctPay", "ownPayAmt")
    ]
    back = {"data": paying.refund_of(saved, split, "R1")}
    assert (await here.done("6203", back)).output["data"]["refStatus"] == "SUCC"
    assert await stas(here, saved, who) == "7"
    assert await counted(two) == [each + 2 for each in before[:3]] + [0]
    await agree(two)
    assert (f"{HERE}/payment", "routing") in two.mesh.traces().edges()
    # The ledger is free again: the next bill is settled at the window.
    await here.visit(who, BILL)


async def test_a_revoked_order_leaves_nothing_in_either_cell(two: Two, residents: Newcomers) -> None:
    who = await residents.one()
    saved, _ = await placed(two, who)
    await two.here.done("6401", {"data": paying.named(two.here, saved, who)})
    assert await stas(two.here, saved, who) == "12"
    await two.here.visit(who, BILL)
    await agree(two)


async def test_a_stay_is_paid_with_its_deposit_and_given_back_too(two: Two, residents: Newcomers) -> None:
    """What was deposited is kept by the place of care, whoever insures the person."""
    here, who = two.here, await residents.one()
    mdtrt_id = await here.admit(who)
    saved_first, deposit = await deposited(here, who, mdtrt_id, 50_000)
    assert (deposit["phase"], deposit["setlId"]) == ("ORDER_PHASE_PAID", "")
    await here.done("2301", here.lines(who, mdtrt_id, BILL, med_type="21"), home=who.home)
    await here.discharge(who, mdtrt_id)
    stay = {"mdtrtId": mdtrt_id, "feeType": "02", "medType": "21", "feedetailList": []}
    saved, split = await paying.placed_by(here, who, "", **stay)
    used: dict[str, Any] = {"reduces": [{"kind": "DEPOSIT_DEDUCTION", "amountFen": "20000"}]}
    paid = (await paying.paid(here, saved, **used))["order"]
    cash_fen = round(float(split["ownPayAmt"]) * 100)
    assert (paid["phase"], int(paid["depositFen"]), int(paid["chargedFen"])) == (
        "ORDER_PHASE_PAID",
        20_000,
        cash_fen - 20_000,
    )
    assert await here.refused("6203", cash_back(saved_first, "D1", "300.01")) == "DEPOSITS_SHORT"
    await here.done("6203", cash_back(saved_first, "D2", "300.00"))
    assert await refused(here, bill(here, who, mdtrt_id, 5_000)) == "DEPOSIT_STAY_SETTLED"
    back = {"data": paying.refund_of(saved, split | {"ownPayAmt": (cash_fen - 20_000) / 100}, "R1")}
    assert (await here.done("6203", back)).output["data"]["refStatus"] == "SUCC"
    await agree(two)


async def test_an_ectoken_of_another_cell_is_spent_there_once(two: Two, residents: Newcomers) -> None:
    who = await residents.one()
    code = await shown_code(in_cell(two.mesh, THERE), who)
    scanned = {"InData": journeys.scan(two.there, code)}
    token = str((await two.there.done("6101", scanned)).output["OutData"]["ecToken"])
    saved, _ = await paying.placed_by(two.here, who, "", ecToken=token)
    await paying.paid(two.here, saved)
    assert await two.here.refused("6201", {"data": paying.fees(two.here, who, "", ecToken=token)}) == "EC_TOKEN_SPENT"


async def test_an_authorisation_of_another_cell_is_good_once_for_one_person_at_one_institution(
    two: Two, residents: Newcomers
) -> None:
    who, other = await residents.many(2)
    auth = await paying.authorised(two.there, who)
    asked = paying.fees(two.here, other, auth)
    assert await two.here.refused("6201", {"data": asked}) == "PAY_AUTH_OF_ANOTHER"
    await paying.placed_by(two.here, who, auth)
    assert await two.here.refused("6201", {"data": paying.fees(two.here, who, auth)}) == "PAY_AUTH_SPENT"
    # One that was spent elsewhere for an order that came to nothing is good for the same order again, and for no other.
    lost = await paying.authorised(two.there, other)
    bill = paying.fees(two.here, other, lost, medListCodg="", psnNo=other.psn_no, insutype="391")
    assert await two.here.refused("6201", {"data": bill}) == "NOT_ENROLLED"
    assert await two.here.refused("6201", {"data": paying.fees(two.here, other, lost)}) == "PAY_AUTH_SPENT"
    forged = f"AUTHu{THERE}{'0' * 21}"
    assert await two.here.refused("6201", {"data": paying.fees(two.here, who, forged)}) == "PAY_AUTH_UNKNOWN"


async def test_a_dark_insured_cell_leaves_nothing_open_and_without_routing_others_pay(
    tmp_path: Path,
) -> None:
    async with hanging_cell(tmp_path, DARK_S) as (far, hanging):
        await paying.has_a_key(far.here)
        first, _ = await placed(far, far.resident)
        hanging.gate.clear()
        # Nothing was opened, and nothing will be: the order may be placed again.
        response = await far.here.http.post(
            "/v1/pay-orders:pay",
            json={
                "requestId": "pay-in-the-dark",
                "desk": {"fixmedinsCode": far.here.code},
                "data": {"payOrdId": first["payOrdId"], "payToken": first["payToken"], **paying.WINDOW},
            },
            headers={"Authorization": f"Bearer {key_of('institution', far.here.code)}"},
        )
        assert (response.status_code, "CELL_UNAVAILABLE" in response.text) == (503, True)
        assert await stas(far.here, first, far.resident) == "15"
        hanging.gate.set()
        node = paying.order_of(far.here, first) | {"orgBizSer": "2", "payAuthNo": ""}
        async with asyncio.timeout(20):
            while True:
                if (await far.here.send("6202", {"data": node})).succeeded:
                    break
                await asyncio.sleep(0.2)
        # What reached the insured cell meanwhile was made void there.
        assert (await paying.paid(far.here, first, "pay-again"))["order"]["phase"] == "ORDER_PHASE_PAID"
        assert await stas(far.here, first, far.resident) == PAID
        await agree(far)
        # Without routing at all they are told at once, and others notice nothing.
        assert hanging.routing is not None
        await hanging.routing.stop(0.1)
        begun, token = time.monotonic(), f"u{THERE}{'0' * 33}"
        shown = paying.fees(far.here, far.resident, "", ecToken=token)
        assert await far.here.refused("6201", {"data": shown}) == "ROUTING_UNAVAILABLE"
        assert time.monotonic() - begun < AT_ONCE_S
        # Who asked it in vain asks it no more for a while, and others notice nothing.
        for _ in range(circuits.FAILURES):
            again = paying.fees(far.here, far.resident, "", ecToken=token)
            assert await far.here.refused("6201", {"data": again}) == "ROUTING_UNAVAILABLE"
        asked = [
            each.attributes for each in far.mesh.traces().all_spans() if each.attributes.get("yibao.peer") == "routing"
        ]
        assert "open" in {each.get("yibao.circuit") for each in asked}
        mine, _ = await placed(far, far.local)
        assert (await paying.paid(far.here, mine))["order"]["phase"] == "ORDER_PHASE_PAID"


async def test_a_mixed_order_of_wechat_is_settled_by_both_sides(
    street: tuple[Two, Street], residents: Newcomers
) -> None:
    (two, wechat), who = street, await residents.one()
    auth = await paying.authorised(two.there, who)
    saved, split, paid = await wechat.mixed(who, auth=auth)
    assert paid["order"]["phase"] == "ORDER_PHASE_WAITING"
    await wechat.desk.door("pay", out_trade_no=paid["order"]["chargeNo"])
    await wechat.phase(saved, who, PAID)
    await two.here.done("6203", {"data": paying.refund_of(saved, split, "R1")})
    await wechat.phase(saved, who, "7")
    await agree(two)


async def as_routing(two: Two, method: str, request: Any) -> None:
    """A step in the insured cell of which nobody else hears."""
    insured, contract = in_cell(two.mesh, THERE), two.mesh.contract.method(f"yibao.settlement.v1.OrderService.{method}")
    token = two.mesh.tokens.signer("routing").sign(ROUTING, "settlement", cell=THERE)
    await insured.send(contract, request.SerializeToString(), ((CALLER_KEY, token),), 30.0)


async def test_cash_of_an_order_that_the_insured_cell_let_go_is_given_back(
    street: tuple[Two, Street], residents: Newcomers
) -> None:
    (two, wechat), who = street, await residents.one()
    auth = await paying.authorised(two.there, who)
    saved, _, paid = await wechat.mixed(who, auth=auth)
    order_no = f"{saved['payOrdId']}-1"
    # As where it lapsed: only the cell that holds the ledgers says so.
    await as_routing(two, "Void", order_pb2.VoidRequest(request_id="gone", opener="routing", order_no=order_no))
    await wechat.desk.door("pay", out_trade_no=paid["order"]["chargeNo"])
    await wechat.phase(saved, who, "15")
    here = await rest(two.here, "/v1/orders:get", {"orderNo": order_no})
    assert here["order"]["phase"] == "ORDER_PHASE_VOID"
    told = str(await wechat.desk.door("order", out_trade_no=paid["order"]["chargeNo"]))
    assert "REFUND" in told
    await agree(two)


async def later(street: tuple[Two, Street], hours: int) -> None:
    """All clocks go on, the provider's too."""
    two, wechat = street
    two.mesh.clock.forward(hours=hours)  # type: ignore[attr-defined]  # the fixture's
    ahead = round((two.mesh.clock() - system_clock()).total_seconds())
    for clock in ("offset_s", "skew_s"):
        await wechat.desk.door("clock", **{clock: ahead})


async def test_cash_that_comes_after_the_insured_cell_let_the_order_lapse_by_its_clock_is_given_back(
    street: tuple[Two, Street], residents: Newcomers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person pays in time, and nobody hears of it until the settlement's time is over in the insured cell."""
    (two, wechat), who = street, await residents.one()
    monkeypatch.setattr(steps, "TOLD_LOOKS_S", (30,))
    saved, _ = await placed(two, who)
    order_no = f"{saved['payOrdId']}-1"
    paid = await paying.paid(two.here, saved, **WECHAT, payForm="PAY_FORM_NATIVE")
    assert (await rest(two.here, "/v1/orders:get", {"orderNo": order_no}))["order"]["phase"] == "ORDER_PHASE_PENDING"
    await wechat.desk.door("faults", fault="NOTIFY_LOST")
    await wechat.desk.door("pay", out_trade_no=paid["order"]["chargeNo"])
    await later(street, 1)
    await wechat.phase(saved, who, "15")
    here, there = [
        (await rest(hospital, "/v1/orders:get", {"orderNo": order_no}))["order"] for hospital in (two.here, two.there)
    ]
    assert (here["phase"], there["phase"], there["cause"]) == (
        "ORDER_PHASE_VOID",
        "ORDER_PHASE_VOID",
        "VOID_CAUSE_LAPSED",
    )
    assert "REFUND" in str(await wechat.desk.door("order", out_trade_no=paid["order"]["chargeNo"]))
    await agree(two)


async def reconciled(two: Two, day: dict[str, int]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How a day's comparison ended, and what differs."""
    await rest(two.here, "/v1/reconciliations", {"requestId": f"recon-{two.here.next_msgid()}", "billDay": day})
    async with asyncio.timeout(20):
        while True:
            told = (await rest(two.here, "/v1/reconciliations:get", {"billDay": day}))["reconciliation"]
            if told["state"] != "RECONCILIATION_STATE_RUNNING":
                break
            await asyncio.sleep(0.05)
    found = await rest(
        two.here, "/v1/reconciliations/differences:list", {"billDay": day, "state": "DIFFERENCE_STATE_OPEN"}
    )
    return told, found.get("differences", [])


async def test_the_day_is_reconciled_with_the_books_of_the_insured_cell_too(
    street: tuple[Two, Street], residents: Newcomers
) -> None:
    """The last one: clocks go on by days. What that cell has taken back, of which nobody here knows, is found; and what the
    institution has found itself (3202) is of the day on which it did.
    """
    (two, _), who = street, await residents.one()
    saved, _ = await placed(two, who)
    await paying.paid(two.here, saved)
    today = beijing_day(two.mesh.clock())
    day = {"year": today.year, "month": today.month, "day": today.day}
    unknown = {"setl_id": "S404", "mdtrt_id": "M404", "psn_no": who.psn_no, "clr_type": "", "clr_optins": ""}
    unknown |= {"medfee_sumamt": "1.00", "fund_pay_sumamt": "0.40", "acct_pay": "0.10"}
    kept = await statements.uploaded(two.here, [(unknown, "0")])
    result = await statements.compared(two.here, kept, statements.totals_of(unknown, 1), 1)
    await later(street, 48)
    told, differences = await reconciled(two, day)
    assert (told["state"], told["unaskedOrderCount"], told["statementCount"]) == ("RECONCILIATION_STATE_DONE", "0", "1")
    (listed,) = differences
    assert (listed["kind"], listed["tradeNo"], listed["there"], listed["thereFen"]) == (
        "DIFFERENCE_KIND_STATEMENT",
        result["file_qury_no"],
        "1 there alone",
        "100",
    )
    assert listed["number"] == f"{two.here.code} 2000-01-01..2099-12-31"
    back = order_pb2.ReverseOrderRequest(request_id="behind", opener="routing", order_no=f"{saved['payOrdId']}-1")
    back.desk.fixmedins_code = two.here.code
    await as_routing(two, "ReverseOrder", back)
    _, differences = await reconciled(two, day)
    assert [(each["kind"], each["payOrdId"]) for each in differences] == [
        ("DIFFERENCE_KIND_STATEMENT", ""),
        ("DIFFERENCE_KIND_SETTLEMENT_REVERSED", saved["payOrdId"]),
    ]
