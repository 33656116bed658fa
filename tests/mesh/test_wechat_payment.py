"""Mobile payment through the twin of WeChat Pay: mixed orders that both sides settle, a scanned code, what is never paid; what
the channel was told of it, and its traces.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio
import yaml

from services.kernel.clock import beijing_day, system_clock
from services.runtime.trace_store import Node
from tests.mesh import paying
from tests.mesh.harness import OPERATOR_KEY
from tests.mesh.hospital import rest
from tests.mesh.world import Sandbox, sandbox
from tests.payment.wechat_counter import account_of
from tests.twins.wechat_desk import Desk, opened
from tools.played.messages import Patient
from tools.running import free_ports
from tools.sandbox_keys import key_of

WECHAT = {"channel": "CHANNEL_KIND_WECHAT"}
KEY = "sandbox-channel-WECHAT"


@dataclass(frozen=True, slots=True)
class Street:
    """A mesh whose hospital has a contract with WeChat, and the twin beside it."""

    town: Sandbox
    desk: Desk

    async def mixed(
        self, who: Patient, auth: str = "", **changes: Any
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """A mixed order that waits for the person: what 6201, 6202 and paying were answered."""
        hospital = self.town.hospital
        auth = auth or await paying.authorised(hospital, who)
        saved, split = await paying.placed_by(hospital, who, auth)
        how = {
            "payForm": "PAY_FORM_MIXED",
            "userNo": "oTestPayer",
            "payAuthNo": auth,
            "location": "102.682296,25.054260",
        }
        payer = {"name": who.name, "certNo": who.certno, "certType": "01"}
        return saved, split, await paying.paid(hospital, saved, **WECHAT, **how, payer=payer, **changes)

    async def phase(self, saved: dict[str, Any], who: Patient, wanted: str) -> dict[str, Any]:
        """The order once it has come there."""
        hospital, query = self.town.hospital, {"data": paying.named(self.town.hospital, saved, who)}
        async with asyncio.timeout(20):
            while True:
                found = dict((await hospital.done("6301", query)).output["data"])
                if found["ordStas"] == wanted:
                    return found
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def street(tmp_path_factory: Any) -> AsyncIterator[Street]:
    folder: Path = tmp_path_factory.mktemp("wechat")
    (port,) = free_ports(1)
    async with opened(bureau_url=f"http://127.0.0.1:{port}", bureau_key=KEY) as desk:
        write_merchants(folder, desk, port)
        overrides = {"YIBAO_MERCHANTS": str(folder / "merchants.yaml"), "YIBAO_GATEWAY_PORT": str(port)}
        async with sandbox(folder / "mesh", overrides) as town:
            asked = {"requestId": "wechat-key", "role": "ROLE_CHANNEL", "subject": "WECHAT", "apiKey": KEY}
            await rest(town.hospital, "/v1/api-keys", asked)
            # Signatures hold for minutes by the machine's clock.
            town.clock.set(system_clock())
            yield Street(town, desk)


def write_merchants(folder: Path, desk: Desk, port: int) -> None:
    """The file of merchants with its keys beside it."""
    account = account_of(desk)
    (number, provider), *_ = account.provider_keys.items()
    (folder / "own.pem").write_text(account.private_key)
    (folder / "provider.pem").write_text(provider)
    (folder / "secret").write_text(account.secret)
    told = {
        name: getattr(account, name) for name in ("channel", "merchant_no", "address", "app_no", "city_no", "serial_no")
    }
    row = told | {
        "fixmedins_code": "H99010000001",
        "fixmedins_name": "试验医院",
        "notify_address": f"http://127.0.0.1:{port}/v1/channels",
        "private_key_file": "own.pem",
        "secret_file": "secret",
        "provider_keys": {number: "provider.pem"},
    }
    (folder / "merchants.yaml").write_text(yaml.safe_dump({"accounts": [row]}, default_style='"'))


async def test_a_mixed_order_is_paid_once_both_halves_are_done_and_goes_back_by_both(street: Street) -> None:
    hospital, who = street.town.hospital, await street.town.newcomers.one()
    saved, split, paid = await street.mixed(who)
    order = paid["order"]
    assert (order["phase"], paid["front"]["mix_trade_no"]) == ("ORDER_PHASE_WAITING", order["mixTradeNo"])
    await street.desk.door("pay", out_trade_no=order["chargeNo"])
    found = await street.phase(saved, who, "6")
    assert found["setlType"] == "ALL"
    await paying.given_back(hospital, saved, split, "R1")
    await street.phase(saved, who, "7")
    told = await street.desk.door("order", out_trade_no=order["chargeNo"])
    assert "MIX_PAY_REFUND" in str(told)
    assert await street.town.ledger_findings() == []


async def test_a_code_that_the_clerk_scans_is_charged_at_once(street: Street) -> None:
    hospital, who = street.town.hospital, await street.town.newcomers.one()
    saved, _ = await paying.placed(hospital, who)
    paid = await paying.paid(hospital, saved, **WECHAT, payForm="PAY_FORM_CODE", code="130000000000000001")
    assert paid["order"]["phase"] == "ORDER_PHASE_PAID"
    assert paid["order"]["tradeNo"]


async def test_an_order_that_is_revoked_before_the_person_pays_is_closed_at_the_channel(street: Street) -> None:
    hospital, who = street.town.hospital, await street.town.newcomers.one()
    saved, _ = await paying.placed(hospital, who)
    paid = await paying.paid(hospital, saved, **WECHAT, payForm="PAY_FORM_NATIVE")
    assert paid["front"]["code_url"].startswith("weixin://")
    await hospital.done("6401", {"data": paying.named(hospital, saved, who)})
    await street.phase(saved, who, "12")
    assert await street.town.ledger_findings() == []


async def returned(street: Street, who: Patient) -> tuple[dict[str, Any], dict[str, Any]]:
    """A mixed order that is paid and goes back whole: what 6201 and paying answered."""
    saved, split, paid = await street.mixed(who)
    await street.desk.door("pay", out_trade_no=paid["order"]["chargeNo"])
    await street.phase(saved, who, "6")
    await paying.given_back(street.town.hospital, saved, split, "R1")
    await street.phase(saved, who, "7")
    return saved, paid


async def test_an_operator_sees_what_the_channel_was_told_and_not_who_it_was(street: Street) -> None:
    hospital, who = street.town.hospital, await street.town.newcomers.one()
    saved, paid = await returned(street, who)
    asked = {"payOrdId": saved["payOrdId"]}
    answer = await rest(hospital, "/v1/pay-orders/egress:list", asked, OPERATOR_KEY)
    steps = {each["step"].removeprefix("EGRESS_STEP_") for each in answer["told"]}
    assert {"PLACE", "LOOK_REFUND", "REFUND", "TELL_RETURNED"} <= steps
    contents = [json.loads(each["content"]) for each in answer["told"]]
    (mixed,) = (each["content"] for each in contents if "mix_pay_type" in each.get("content", {}))
    assert mixed["payer"] == {"name": "‹payer.name›", "id_digest": "‹sealed›", "card_type": "ID_CARD"}
    assert (mixed["pay_order_id"], mixed["total_fee"]) == (saved["payOrdId"], 600_000)
    whole = json.dumps(answer, ensure_ascii=False)
    assert [value for value in (who.name, who.certno, who.psn_no, "oTestPayer", "102.682296") if value in whole] == []
    (charge,) = answer["charges"]
    assert (charge["charge"]["chargeNo"], charge["charge"]["userNo"]) == (paid["order"]["chargeNo"], "")
    await refused(street, asked, key_of("institution", hospital.code))


async def refused(street: Street, asked: dict[str, Any], key: str) -> None:
    """Only operators ask that."""
    answer = await street.town.hospital.http.post(
        "/v1/pay-orders/egress:list", json=asked, headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 403


async def test_legs_that_come_back_later_are_found_in_the_trace_of_the_payment_and_by_any_number(
    street: Street,
) -> None:
    saved, paid = await returned(street, await street.town.newcomers.one())
    store, order = street.town.mesh.traces(), paid["order"]
    (begun,) = (
        each
        for each in store.find(saved["payOrdId"])
        if any(span.name == "yibao.payment.v1.PayOrderService.Pay" for span in store.spans(each))
    )
    legs = {each.span.name for root in store.tree(begun) for each in every(root) if each.linked}
    assert {
        "pay order goes on",
        "yibao.payment.v1.NotifyService.Hear",
        "yibao.payment.v1.BureauService.SettleInsuredPart",
        "yibao.payment.v1.PayOrderService.RefundOrder",
    } <= legs
    found = await rest(
        street.town.hospital, "/v1/pay-orders/egress:list", {"payOrdId": saved["payOrdId"]}, OPERATOR_KEY
    )
    refund_no = next(each["number"] for each in found["told"] if each["step"] == "EGRESS_STEP_REFUND")
    told = (span.attributes for span in store.all_spans() if "yibao.trade_no" in span.attributes)
    trade_no = next(each["yibao.trade_no"] for each in told if each["yibao.charge_no"] == order["chargeNo"])
    (made,) = [each["medOrgOrd"] for each in (charge["charge"] for charge in found["charges"])]
    for number in (
        made,
        saved["payOrdId"],
        order["chargeNo"],
        order["mixTradeNo"],
        order["setlId"],
        refund_no,
        trade_no,
    ):
        assert begun in {*store.find(number), *store.joined(number)}, number


def every(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield node
    for child in node.children:
        yield from every(child)


async def test_the_day_is_reconciled_with_the_bill_of_the_provider_and_nothing_differs(street: Street) -> None:
    """The last one: both clocks go on by two days, as bills are ready on the next one."""
    hospital, who = street.town.hospital, await street.town.newcomers.one()
    saved, _ = await paying.placed(hospital, who)
    await paying.paid(hospital, saved, **WECHAT, payForm="PAY_FORM_CODE", code="130000000000000002")
    today = beijing_day(street.town.clock())
    street.town.clock.forward(days=2, hours=12)
    for clock in ("offset_s", "skew_s"):
        await street.desk.door("clock", **{clock: 60 * 3600})
    counted = 0
    for number, day in enumerate((today, today + timedelta(days=1))):
        bill_day = {"year": day.year, "month": day.month, "day": day.day}
        await rest(hospital, "/v1/reconciliations", {"requestId": f"recon-{number}", "billDay": bill_day})
        async with asyncio.timeout(20):
            while True:
                told = (await rest(hospital, "/v1/reconciliations:get", {"billDay": bill_day}))["reconciliation"]
                if told["state"] != "RECONCILIATION_STATE_RUNNING":
                    break
                await asyncio.sleep(0.05)
        assert (told["state"], told.get("unreadAccounts", [])) == ("RECONCILIATION_STATE_DONE", [])
        counted += int(told.get("lineCount", 0))
    differences = await rest(hospital, "/v1/reconciliations/differences:list", {})
    assert differences.get("differences", []) == []
    assert counted >= 4
