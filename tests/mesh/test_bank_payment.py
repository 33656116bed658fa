"""Mobile payment through a bank's POS and the national app: charged at once, pushed, undone, given back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml

from services.kernel.clock import BEIJING
from services.runtime.wire import day_message
from tests.mesh import paying
from tests.mesh.hospital import rest
from tests.mesh.seeds import policy_json
from tests.mesh.world import Sandbox, sandbox
from tests.twins.doors import told
from tools.played.messages import Patient, patient_of
from tools.played.people import EMPLOYEE, person, person_record
from tools.running import free_ports
from tools.sandbox_keys import key_of
from tools.twins.bank import provider as bank
from tools.twins.bank.cards import EMPTY, FULL_FEN, PLAIN, STATEMENT_SECRET
from tools.twins.national import provider as national
from tools.twins.twin import Settings, Twin
from yibao.catalogue.v1 import catalogue_pb2, records_pb2
from yibao.identity.v1 import person_pb2

pytestmark = pytest.mark.torture
CODE = "H99010000001"
REAL = "990199"
"""A division whose policy says that a bank keeps own accounts."""
CARD = f"{PLAIN}=4912"
MERCHANT = "900000000000001"
_NUMBER = count(1)
BY_CARD = {"channel": "CHANNEL_KIND_BANK", "payForm": "PAY_FORM_CODE", "code": f"{PLAIN}=4912"}
BY_APP = {"channel": "CHANNEL_KIND_NATIONAL_APP", "payForm": "PAY_FORM_APP", "userNo": "USER1"}


@dataclass(frozen=True, slots=True)
class Square:
    """A mesh whose hospital has a POS and pushes orders to the national app."""

    town: Sandbox
    bank: httpx.AsyncClient
    app: httpx.AsyncClient
    taken_fen: list[int] = field(default_factory=list)
    """What cards were charged and did not get back."""

    async def customer(self, number: int) -> Patient:
        """Somebody insured where a bank keeps own accounts."""
        who = person(number)
        record = person_record(who)
        record.enrolments[0].insuplc_admdvs = REAL
        request = person_pb2.RegisterPersonsRequest(request_id=f"customer-{number}", persons=[record])
        await self.town.mesh.call("yibao.identity.v1.PersonService.RegisterPersons", request)
        return replace(patient_of(who), home=REAL)

    async def placed(self, who: Patient, saved: dict[str, Any]) -> dict[str, Any]:
        """6202 with the card: what it answers."""
        data = paying.order_of(self.town.hospital, saved) | {"mdtrtId": saved["extData"]["mdtrtId"], "bankCard": CARD}
        request_id = f"place-{next(_NUMBER)}"
        asked = {"requestId": request_id, "desk": {"fixmedinsCode": CODE}, "data": data}
        told = await rest(self.town.hospital, "/v1/pay-orders:place", asked, key_of("institution", CODE))
        return {name: int(value) for name, value in told["data"].items() if name.endswith("Fen")}

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
            await publish_real_accounts(town)
            yield Square(town, bank_door, app_door)
    finally:
        for each in twins:
            await each.stop()


async def publish_real_accounts(town: Sandbox) -> None:
    """The same policy as next door, but for who keeps the accounts."""
    document = json.loads(policy_json())
    held = document["account"] | {"order": ["own"], "held": "bank"}
    text = json.dumps(document | {"id": "bank-employee", "account": held}, ensure_ascii=False)
    since = records_pb2.Validity(from_day=day_message(date(2023, 1, 1)))
    stack = records_pb2.PolicyStack(admdvs=REAL, insutype=EMPLOYEE, policy_ids=["bank-employee"], validity=since)
    records = [
        catalogue_pb2.Record(policy=records_pb2.PolicyDocument(document_json=text)),
        catalogue_pb2.Record(stack=stack),
    ]
    request = catalogue_pb2.PublishRequest(request_id="real-accounts", records=records)
    await town.mesh.call("yibao.catalogue.v1.CatalogueService.Publish", request)


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


async def test_the_bank_of_a_real_account_is_asked_and_pays_its_part_by_the_card(square: Square) -> None:
    hospital, who = square.town.hospital, await square.customer(9001)
    auth = await paying.authorised(hospital, who)
    bill = {"data": paying.fees(hospital, who, auth, acctUsedFlag="1")}
    saved = dict((await hospital.done("6201", bill, home=who.home)).output["data"])
    await told(square.bank, "account", card=PLAIN, balance_fen=200_000)
    split = await square.placed(who, saved)
    assert (split["bankPayFen"], split["psnAcctPayFen"]) == (200_000, 200_000)
    assert split["ownPayAmtFen"] > 0
    # Less is there by the time of the charge: nothing stands, and the bill is split anew by what is there.
    await told(square.bank, "account", card=PLAIN, balance_fen=150_000)
    with pytest.raises(AssertionError, match="BANK_BALANCE_LESS"):
        await paying.paid(hospital, saved, **BY_CARD)
    assert await square.balance() == 150_000
    await square.comes_to(saved, who, "0")
    await told(square.bank, "account", card=PLAIN, balance_fen=FULL_FEN)
    split = await square.placed(who, saved)
    assert (split["ownPayAmtFen"], split["bankPayFen"]) == (0, split["psnAcctPayFen"])
    with pytest.raises(AssertionError, match="BANK_CARD_NEEDED"):
        await paying.paid(hospital, saved, request_id="by-app", **BY_APP)
    paid = await paying.paid(hospital, saved, request_id="again", **BY_CARD)
    assert (paid["order"]["phase"], int(paid["order"]["chargedFen"])) == ("ORDER_PHASE_PAID", split["bankPayFen"])
    square.taken_fen.append(split["bankPayFen"])
    assert await square.balance() == FULL_FEN - split["bankPayFen"]
    assert await square.town.ledger_findings() == []
    arrives = date(**paid["order"]["arrivesDay"])
    assert arrives == square.town.clock().astimezone(BEIJING).date() + timedelta(days=1)


async def test_what_cards_were_charged_arrives_on_the_day_that_the_order_names_less_what_went_back(
    square: Square,
) -> None:
    hospital, who = square.town.hospital, await square.customer(9002)
    await told(square.bank, "account", card=PLAIN, balance_fen=FULL_FEN)
    auth = await paying.authorised(hospital, who)
    bill = {"data": paying.fees(hospital, who, auth, acctUsedFlag="1")}
    saved = dict((await hospital.done("6201", bill, home=who.home)).output["data"])
    split = await square.placed(who, saved)
    paid = await paying.paid(hospital, saved, **BY_CARD)
    assert await square.balance() == FULL_FEN - split["bankPayFen"]
    back = {name: split[f"{name}Fen"] / 100 for name in ("psnAcctPay", "fundPay", "ownPayAmt")}
    await hospital.done("6203", {"data": paying.refund_of(saved, back, "R9")})
    await square.comes_to(saved, who, "7")
    assert await square.balance() == FULL_FEN
    await told(square.bank, "next_day")
    arrivals = {
        each["on"]: each["amount_fen"] for each in (await told(square.bank, "arrivals", merchant=MERCHANT))["arrivals"]
    }
    assert arrivals == {f"{date(**paid['order']['arrivesDay'])}": sum(square.taken_fen)}
