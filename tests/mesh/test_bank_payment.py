"""Mobile payment through a bank's POS and the national app: charged at once, pushed, undone, given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml

from tests.mesh import paying
from tests.mesh.hospital import Patient
from tests.mesh.world import Sandbox, sandbox
from tests.twins.doors import told
from tools.running import free_ports
from tools.twins.bank import provider as bank
from tools.twins.bank.cards import EMPTY, FULL_FEN, PLAIN, STATEMENT_SECRET
from tools.twins.national import provider as national
from tools.twins.twin import Settings, Twin

pytestmark = pytest.mark.torture
CODE = "H99010000001"
BY_CARD = {"channel": "CHANNEL_KIND_BANK", "payForm": "PAY_FORM_CODE", "code": f"{PLAIN}=4912"}
BY_APP = {"channel": "CHANNEL_KIND_NATIONAL_APP", "payForm": "PAY_FORM_APP", "userNo": "USER1"}


@dataclass(frozen=True, slots=True)
class Square:
    """A mesh whose hospital has a POS and pushes orders to the national app."""

    town: Sandbox
    bank: httpx.AsyncClient
    app: httpx.AsyncClient

    async def balance(self) -> int:
        """What the card's account has."""
        return int((await told(self.bank, "account", card=PLAIN))["balance_fen"])

    async def comes_to(self, saved: dict[str, Any], who: Patient, wanted: str) -> dict[str, Any]:
        """The order once it has that ordStas."""
        hospital, query = self.town.hospital, {"data": paying.named(self.town.hospital, saved, who)}
        async with asyncio.timeout(30):
            while True:
                found = dict((await hospital.done("6301", query)).output["data"])
                if found["ordStas"] == wanted:
                    return found
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def square(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Square]:
    folder = tmp_path_factory.mktemp("square")
    (port,) = free_ports(1)
    twins = bank.twin(Settings(hang_s=0.0)), national.twin(Settings(hang_s=0.0, time_scale=0.01))
    for each in twins:
        await each.start()
    try:
        write_merchants(folder, *twins, port)
        overrides = {"YIBAO_MERCHANTS": str(folder / "merchants.yaml"), "YIBAO_GATEWAY_PORT": str(port)}
        async with (
            httpx.AsyncClient(base_url=twins[0].url, trust_env=False, verify=False) as bank_door,
            httpx.AsyncClient(base_url=twins[1].url, trust_env=False, verify=False) as app_door,
            sandbox(folder / "mesh", overrides) as town,
        ):
            for door in (bank_door, app_door):
                await told(door, "clock", at=town.clock().isoformat())
            yield Square(town, bank_door, app_door)
    finally:
        for each in twins:
            await each.stop()


def write_merchants(folder: Path, pos: Twin, app: Twin, port: int) -> None:
    """The file of merchants with its keys beside it."""
    line, keys = pos.provider.keys(), app.provider.keys()
    for name, text in {
        "master": line["master_key"],
        "statement": STATEMENT_SECRET,
        "own": keys["private_key"],
        "provider": keys["provider_key"],
        "secret": keys["secret"],
    }.items():
        (folder / name).write_text(f"{text}\n")
    rows = [
        {
            "channel": "bank",
            "merchant_no": line["merchant_no"],
            "app_no": "10000001",
            "address": line["line"],
            "files_address": pos.url,
            "secret_file": "master",
            "provider_keys": {"statement": "statement"},
        },
        {
            "channel": "national",
            "merchant_no": keys["merchant_no"],
            "app_no": keys["app_id"],
            "address": app.url,
            "notify_address": f"http://127.0.0.1:{port}/v1/channels",
            "private_key_file": "own",
            "secret_file": "secret",
            "provider_keys": {"1": "provider"},
        },
    ]
    accounts = [row | {"fixmedins_code": CODE, "fixmedins_name": "试验医院"} for row in rows]
    (folder / "merchants.yaml").write_text(yaml.safe_dump({"accounts": accounts}, default_style='"'))


async def test_a_card_is_charged_at_once_and_all_of_it_goes_back(square: Square) -> None:
    hospital, who = square.town.hospital, await square.town.newcomers.one()
    saved, split = await paying.placed(hospital, who)
    paid = await paying.paid(hospital, saved, **BY_CARD)
    cash_fen = round(float(split["ownPayAmt"]) * 100)
    assert (paid["order"]["phase"], await square.balance()) == ("ORDER_PHASE_PAID", FULL_FEN - cash_fen)
    await hospital.done("6203", {"data": paying.refund_of(saved, split, "R1")})
    await square.comes_to(saved, who, "7")
    assert await square.balance() == FULL_FEN
    assert await square.town.ledger_findings() == []


async def test_a_card_without_money_leaves_nothing_behind(square: Square) -> None:
    hospital, who = square.town.hospital, await square.town.newcomers.one()
    saved, _ = await paying.placed(hospital, who)
    with pytest.raises(AssertionError, match="CHANNEL_REFUSED"):
        await paying.paid(hospital, saved, **BY_CARD | {"code": f"{EMPTY}=4912"})
    assert await square.town.ledger_findings() == []


async def test_a_charge_whose_answer_is_lost_is_undone_at_the_bank_and_here(square: Square) -> None:
    hospital, who = square.town.hospital, await square.town.newcomers.one()
    before = await square.balance()
    assert before == FULL_FEN
    saved, _ = await paying.placed(hospital, who)
    await told(square.bank, "faults", fault="TIMEOUT_AFTER", method="0200", path="/purchase")
    with pytest.raises(AssertionError):
        await paying.paid(hospital, saved, **BY_CARD)
    async with asyncio.timeout(30):
        while await square.balance() != before:  # noqa: ASYNC110  # a bank tells nobody when it has undone something
            await asyncio.sleep(0.05)
    assert await square.town.ledger_findings() == []


async def test_an_order_is_pushed_to_the_national_app_and_paid_there(square: Square) -> None:
    hospital, who = square.town.hospital, await square.town.newcomers.one()
    saved, split = await paying.placed(hospital, who)
    paid = await paying.paid(hospital, saved, **BY_APP)
    assert paid["front"]["pay_url"].startswith("nhsa://")
    await told(square.app, "pay", outTradeNo=paid["order"]["chargeNo"])
    await square.comes_to(saved, who, "6")
    await hospital.done("6203", {"data": paying.refund_of(saved, split, "R2")})
    await square.comes_to(saved, who, "7")
    assert await square.town.ledger_findings() == []
