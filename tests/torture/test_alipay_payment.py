"""Mobile payment through the twin of Alipay: mixed orders that both sides settle, a scanned code, what is never paid."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml

from services.kernel.clock import system_clock
from tests.mesh import paying
from tests.mesh.hospital import rest
from tests.mesh.world import Sandbox, sandbox
from tests.twins import doors
from tools.played.messages import Patient
from tools.running import free_ports
from tools.twins.alipay.provider import NAME, twin
from tools.twins.twin import Settings, Twin

pytestmark = pytest.mark.torture
ALIPAY = {"channel": "CHANNEL_KIND_ALIPAY"}
KEY = "sandbox-channel-ALIPAY"


@dataclass(frozen=True, slots=True)
class Street:
    """A mesh whose hospital has a contract with Alipay, and the twin beside it."""

    town: Sandbox
    client: httpx.AsyncClient

    async def mixed(self, who: Patient) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """A mixed order that waits for the person: what 6201, 6202 and paying were answered."""
        hospital = self.town.hospital
        auth = await paying.authorised(hospital, who)
        saved, split = await paying.placed_by(hospital, who, auth)
        how = {"payForm": "PAY_FORM_MIXED", "userNo": "2088000000000001", "payAuthNo": auth, "location": "102.68,25.05"}
        payer = {"name": who.name, "certNo": who.certno, "certType": "01"}
        return saved, split, await paying.paid(hospital, saved, **ALIPAY, **how, payer=payer)

    async def phase(self, saved: dict[str, Any], who: Patient, wanted: str) -> dict[str, Any]:
        """The order once it has come there."""
        hospital, query = self.town.hospital, {"data": paying.named(self.town.hospital, saved, who)}
        for wait_s in repeat(0.05, 400):
            found = dict((await hospital.done("6301", query)).output["data"])
            if found["ordStas"] == wanted:
                return found
            await asyncio.sleep(wait_s)
        raise AssertionError(f"the order never came to {wanted}")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def street(tmp_path_factory: Any) -> AsyncIterator[Street]:
    folder: Path = tmp_path_factory.mktemp("alipay")
    (port,) = free_ports(1)
    running = twin(Settings(time_scale=0.01, bureau_url=f"http://127.0.0.1:{port}", bureau_key=KEY))
    await running.start()
    write_merchants(folder, running, port)
    overrides = {"YIBAO_MERCHANTS": str(folder / "merchants.yaml"), "YIBAO_GATEWAY_PORT": str(port)}
    try:
        async with (
            httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=30.0) as client,
            sandbox(folder / "mesh", overrides) as town,
        ):
            asked = {"requestId": "alipay-key", "role": "ROLE_CHANNEL", "subject": NAME, "apiKey": KEY}
            await rest(town.hospital, "/v1/api-keys", asked)
            town.clock.set(system_clock())
            yield Street(town, client)
    finally:
        await running.stop()


def write_merchants(folder: Path, running: Twin, port: int) -> None:
    """The file of merchants with its keys beside it."""
    keys = running.provider.keys()
    (folder / "own.pem").write_text(keys["app_private_key"])
    (folder / "provider.pem").write_text(keys["alipay_public_key"])
    row = {
        "channel": "alipay",
        "merchant_no": keys["app_id"],
        "address": running.url,
        "fixmedins_code": "H99010000001",
        "fixmedins_name": "试验医院",
        "notify_address": f"http://127.0.0.1:{port}/v1/channels",
        "private_key_file": "own.pem",
        "provider_keys": {"1": "provider.pem"},
    }
    (folder / "merchants.yaml").write_text(yaml.safe_dump({"accounts": [row]}, default_style='"'))


async def test_a_mixed_order_is_paid_once_both_halves_are_done_and_goes_back_by_both(street: Street) -> None:
    hospital, who = street.town.hospital, await street.town.newcomers.one()
    saved, split, paid = await street.mixed(who)
    order = paid["order"]
    assert (order["phase"], order["mixTradeNo"] in paid["front"]["pay_url"]) == ("ORDER_PHASE_WAITING", True)
    told = await doors.told(street.client, "pay", out_trade_no=order["chargeNo"])
    assert (told["own_pay_status"], told["medical_pay_status"]) == ("TRADE_SUCCESS", "TRADE_SUCCESS")
    found = await street.phase(saved, who, "6")
    assert found["setlType"] == "ALL"
    await hospital.done("6203", {"data": paying.refund_of(saved, split, "R1")})
    await street.phase(saved, who, "7")
    told = await doors.told(street.client, "trade", out_trade_no=order["chargeNo"])
    assert (told["own_pay_status"], told["refunded"]) == ("TRADE_CLOSED", told["real_amount"])
    assert await street.town.ledger_findings() == []


async def test_a_code_that_the_clerk_scans_is_charged_at_once(street: Street) -> None:
    hospital, who = street.town.hospital, await street.town.newcomers.one()
    saved, _ = await paying.placed(hospital, who)
    paid = await paying.paid(hospital, saved, **ALIPAY, payForm="PAY_FORM_CODE", code="280000000000000001")
    assert paid["order"]["phase"] == "ORDER_PHASE_PAID"
    assert paid["order"]["tradeNo"]


async def test_an_order_whose_code_nobody_scanned_is_closed_at_the_channel_when_it_is_revoked(street: Street) -> None:
    hospital, who = street.town.hospital, await street.town.newcomers.one()
    saved, _ = await paying.placed(hospital, who)
    paid = await paying.paid(hospital, saved, **ALIPAY, payForm="PAY_FORM_NATIVE")
    assert paid["front"]["code_url"].startswith("https://qr.alipay.com/")
    await hospital.done("6401", {"data": paying.named(hospital, saved, who)})
    await street.phase(saved, who, "12")
    told = await doors.told(street.client, "trade", number=paid["front"]["code_url"])
    assert told["trade_status"] == "TRADE_CLOSED"
    assert await street.town.ledger_findings() == []
