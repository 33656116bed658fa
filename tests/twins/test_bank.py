"""The bank's twin as a terminal sees it: every transaction, what refuses it, what ends a reversal, batches, days, and a kill."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.twins.doors import told
from tests.twins.hand_terminal import HandTerminal, des, terminal
from tools.twins.bank.cards import EMPTY, EXPIRED, LIMITED, LOST, MASTER, NO_REFUND, PLAIN, STATEMENT_SECRET, WITH_PIN
from tools.twins.bank.cards import FULL_FEN as FULL
from tools.twins.bank.provider import Bank, twin
from tools.twins.twin import Settings, Twin


class Desk:
    """A twin, its control door and a terminal that has signed on."""

    def __init__(self, bank: Twin, pos: HandTerminal, client: httpx.AsyncClient) -> None:
        self.bank, self.pos, self.client = bank, pos, client

    @property
    def line(self) -> str:
        """Where the bank's line is."""
        assert isinstance(self.bank.provider, Bank)
        return self.bank.provider.line

    async def told(self, verb: str, **body: object) -> Any:
        """What the control door answers."""
        return await told(self.client, verb, **body)

    async def balance(self, card: str = PLAIN) -> int:
        """What the account has."""
        return int((await self.told("account", card=card))["balance_fen"])


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    bank = twin(Settings(hang_s=0.0, record=tmp_path / "record.jsonl"))
    await bank.start()
    assert isinstance(bank.provider, Bank)
    try:
        async with (
            terminal(bank.provider.line) as pos,
            httpx.AsyncClient(base_url=bank.url, trust_env=False, verify=False, timeout=5.0) as client,
        ):
            await pos.sign_on(MASTER)
            yield Desk(bank, pos, client)
    finally:
        await bank.stop()


async def test_a_purchase_takes_from_the_account_and_the_balance_tells_it(desk: Desk) -> None:
    bought = await desk.pos.buy(PLAIN, 12_345)
    assert (bought[0], bought[39], bought[4], bought[11]) == ("0210", "00", "000000012345", "000002")
    assert len(bought[37]) == 12
    assert (await desk.pos.balance(PLAIN))[54] == f"1002156C{FULL - 12_345:012d}"


@pytest.mark.parametrize(
    ("card", "fen", "code"),
    [
        (EMPTY, 1, "51"),
        (LIMITED, 10_001, "61"),
        (LOST, 1, "41"),
        (EXPIRED, 1, "54"),
        (WITH_PIN, 1, "55"),
        ("9000000000000000001", 1, "14"),
        (PLAIN, 0, "13"),
        *((PLAIN, 9_100 + digits, str(digits)) for digits in (51, 55, 61, 68, 91, 94, 96, 98)),
        (PLAIN, 9_103, "96"),
        (PLAIN, 9_104, "05"),
    ],
)
async def test_a_refused_purchase_says_why_and_takes_nothing(desk: Desk, card: str, fen: int, code: str) -> None:
    refused = await desk.pos.buy(card, fen)
    assert (refused[39], 37 in refused) == (code, False)
    assert (await desk.told("trades"))["trades"] == []


async def test_a_pin_under_the_terminals_key_opens_its_account(desk: Desk) -> None:
    clear = int("06123456FFFFFFFF", 16) ^ int(WITH_PIN[-13:-1], 16)
    block = des(desk.pos.pin_key, clear.to_bytes(8, "big")).hex()
    assert (await desk.pos.buy(WITH_PIN, 100, f52=block))[39] == "00"
    assert (await desk.pos.buy(WITH_PIN, 100, f52=block[:-1] + "0" if block[-1] != "0" else block[:-1] + "1"))[
        39
    ] == "55"


async def test_a_void_gives_the_whole_of_a_purchase_back_once(desk: Desk) -> None:
    bought = await desk.pos.buy(PLAIN, 500)
    assert (await desk.pos.void(bought, 499))[39] == "64"
    assert (await desk.pos.void({**bought, 37: "000000000000"}, 500))[39] == "25"
    assert (await desk.pos.void(bought, 500, f2=NO_REFUND))[39] == "25"
    voided = await desk.pos.void(bought, 500)
    assert voided[39] == "00"
    assert voided[37] != bought[37]
    assert (await desk.pos.void(bought, 500))[39] == "12"
    assert (await desk.pos.refund(bought, 500))[39] == "12"
    assert await desk.balance() == FULL


async def test_refunds_are_partial_and_several_and_never_more_than_was_paid(desk: Desk) -> None:
    bought = await desk.pos.buy(PLAIN, 1_000)
    assert [(await desk.pos.refund(bought, fen))[39] for fen in (300, 300, 401, 400, 1)] == [
        "00",
        "00",
        "64",
        "00",
        "64",
    ]
    assert (await desk.pos.void(bought, 1_000))[39] == "12"
    assert await desk.balance() == FULL
    other = await desk.pos.buy(NO_REFUND, 1_000)
    assert (await desk.pos.refund(other, 1_000))[39] == "57"


async def test_a_trace_is_good_once(desk: Desk) -> None:
    await desk.pos.buy(PLAIN, 500)
    again = await desk.pos.buy(PLAIN, 500, f11=f"{desk.pos.trace:06d}")
    assert again[39] == "94"
    assert await desk.balance() == FULL - 500


async def test_a_reversal_undoes_a_purchase_and_is_the_same_when_it_comes_again(desk: Desk) -> None:
    await desk.pos.buy(PLAIN, 500)
    trace = desk.pos.trace
    assert [(await desk.pos.reverse("22", trace, 500))[39] for _ in range(2)] == ["00", "00"]
    assert await desk.balance() == FULL


async def test_a_reversal_of_what_never_came_ends_and_a_late_request_has_no_effect(desk: Desk) -> None:
    assert (await desk.pos.reverse("22", 77, 500))[39] == "25"
    assert (await desk.pos.buy(PLAIN, 500, f11="000077"))[39] == "94"
    assert await desk.balance() == FULL


async def test_a_reversed_void_leaves_the_purchase_paid(desk: Desk) -> None:
    bought = await desk.pos.buy(PLAIN, 500)
    await desk.pos.void(bought, 500)
    assert (await desk.pos.reverse("23", desk.pos.trace, 500, "200000"))[39] == "00"
    assert await desk.balance() == FULL - 500
    assert (await desk.pos.void(bought, 500))[39] == "00"


async def test_what_was_returned_or_settled_is_reversed_no_more(desk: Desk) -> None:
    bought = await desk.pos.buy(PLAIN, 500)
    trace = desk.pos.trace
    await desk.pos.refund(bought, 100)
    assert (await desk.pos.reverse("25", desk.pos.trace, 100, "200000"))[39] == "40"
    assert (await desk.pos.reverse("22", trace, 500))[39] == "12"


async def test_a_wrong_seal_is_a0_and_without_effect(desk: Desk) -> None:
    fields = {2: PLAIN, 3: "000000", 4: "000000000500", 22: "021", 25: "00", 49: "156", 60: "22000001000"}
    assert (await desk.pos.ask("0200", fields, spoil=True))[39] == "A0"
    assert await desk.balance() == FULL


async def test_who_has_not_signed_on_or_is_nobody_is_told_so(desk: Desk) -> None:
    for number, merchant, code in (
        ("10000002", "900000000000001", "77"),
        ("30000001", "900000000000001", "97"),
        ("10000001", "900000000000002", "03"),
        ("10000009", "800000000000002", "03"),
    ):
        async with terminal(desk.line, number, merchant) as other:
            assert (await other.buy(PLAIN, 1))[39] == code
    await desk.pos.ask("0820", {60: f"00{desk.pos.batch}002"})
    assert (await desk.pos.buy(PLAIN, 1))[39] == "77"


async def test_an_unknown_transaction_is_not_served(desk: Desk) -> None:
    fields = {2: PLAIN, 3: "030000", 4: "000000000500", 25: "06", 49: "156", 60: "10000001000"}
    assert (await desk.pos.ask("0200", fields))[39] == "40"
    assert (await desk.pos.ask("0100", fields))[39] == "40"
    assert (await desk.pos.ask("0200", {**fields, 60: "10"}))[39] == "30"


async def test_equal_totals_close_the_batch_and_the_next_one_begins_with_a_sign_on(desk: Desk) -> None:
    bought = await desk.pos.buy(PLAIN, 1_000)
    await desk.pos.buy(PLAIN, 500)
    await desk.pos.reverse("22", desk.pos.trace, 500)
    await desk.pos.refund(bought, 200)
    settled = await desk.pos.settle("000000001000" + "001" + "000000000200" + "001" + "0")
    assert settled[48][30] == "1"
    assert (await desk.pos.buy(PLAIN, 1))[39] == "77"
    await desk.pos.sign_on(MASTER)
    assert desk.pos.batch == "000002"
    assert (await desk.pos.void(bought, 1_000))[39] == "12"
    assert (await desk.pos.refund(bought, 800))[39] == "00"


async def test_other_totals_are_answered_with_the_banks_and_an_upload_names_what_differs(desk: Desk) -> None:
    await desk.pos.buy(PLAIN, 1_000)
    trace = desk.pos.trace
    settled = await desk.pos.settle("000000000900" + "001" + "0" * 12 + "000" + "0")
    assert (settled[48][:15], settled[48][30]) == ("000000001000001", "2")
    line = f"00{trace:06d}{PLAIN:0>20}{900:012d}"
    route = f"00{desk.pos.batch}"
    assert (await desk.pos.ask("0320", {48: f"01{line}", 60: f"{route}201"}))[39] == "00"
    assert (await desk.pos.ask("0320", {48: "0001", 60: f"{route}202"}))[39] == "00"
    (difference,) = (await desk.told("differences"))["differences"]
    assert (difference["bank_fen"], difference["terminal_fen"]) == (1_000, 900)
    assert (await desk.pos.sign_on(MASTER))[60][2:8] == "000002"


@pytest.mark.parametrize(("digits", "taken"), [(9_101, 0), (9_102, 9_102)])
async def test_an_amount_chooses_a_lost_answer_before_or_after_the_effect_once(
    desk: Desk, digits: int, taken: int
) -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await desk.pos.buy(PLAIN, digits)
    assert await desk.balance() == FULL - taken
    async with terminal(desk.line) as again:
        again.batch, again.mac_key, again.trace = desk.pos.batch, desk.pos.mac_key, desk.pos.trace
        assert (await again.reverse("22", again.trace, digits))[39] == ("00" if taken else "25")
        assert await desk.balance() == FULL
        assert (await again.buy(PLAIN, digits))[39] == "00"


async def test_an_armed_fault_meets_the_transaction_that_it_names(desk: Desk) -> None:
    await desk.told("faults", fault="TIMEOUT_AFTER", method="0200", path="/void")
    bought = await desk.pos.buy(PLAIN, 500)
    with pytest.raises(asyncio.IncompleteReadError):
        await desk.pos.void(bought, 500)
    assert await desk.balance() == FULL


async def test_a_day_that_is_over_has_a_sealed_statement_and_its_money_arrives_on_the_next(desk: Desk) -> None:
    await desk.told("clock", at="2026-11-30T23:50:00+08:00")
    bought = await desk.pos.buy(PLAIN, 1_000, "CHARGE0001")
    await desk.pos.refund(bought, 300, f63="01 REFUND0001")
    assert (await desk.client.get("/statements/900000000000001/2026-11-30")).status_code == 404
    assert (await desk.told("arrivals", merchant="900000000000001"))["arrivals"] == []
    await desk.told("next_day")
    text = (await desk.client.get("/statements/900000000000001/2026-11-30")).text
    *lines, totals, seal = text.splitlines()
    assert [line.split("|")[2::5] for line in lines] == [["PURCHASE", "CHARGE0001"], ["REFUND", "REFUND0001"]]
    assert totals == "TOTAL|900000000000001|2026-11-30|1|1000|1|300"
    body = text[: text.index("SEAL|")]
    assert seal == f"SEAL|{hmac.digest(STATEMENT_SECRET.encode(), body.encode(), hashlib.sha256).hex()}"
    assert (await desk.told("arrivals", merchant="900000000000001"))["arrivals"] == [
        {"merchant": "900000000000001", "day": "2026-11-30", "amount_fen": 700, "on": "2026-12-01"}
    ]
    assert (await desk.client.get("/statements/900000000000001/yesterday")).status_code == 400


async def test_no_record_has_the_number_of_a_card(desk: Desk, tmp_path: Path) -> None:
    await desk.pos.buy(PLAIN, 500, f35=f"{PLAIN}D4912000000000000")
    record = (tmp_path / "record.jsonl").read_text()
    told = (await desk.client.get("/_twin/received")).text + json.dumps(await desk.told("trades"))
    assert '\\"4\\":\\"000000000500\\"' in record
    sent = [json.loads(line)["body"] for line in record.splitlines() if "body" in json.loads(line)]
    assert all(PLAIN not in base64.b64decode(body).hex() for body in sent)
    assert PLAIN not in record + told


async def test_a_line_that_speaks_something_else_just_ends(desk: Desk) -> None:
    host, _, port = desk.line.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await reader.read() == b""
    writer.close()
    assert (await desk.pos.balance(PLAIN))[39] == "00"


async def test_a_killed_bank_goes_on_with_its_accounts_keys_and_batches(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.twins", "bank", "--state", str(tmp_path / "bank.db"), "--print-keys"]
    trace, mac_key = 0, b""
    for round_no, left in enumerate((FULL - 500, FULL - 1_000)):
        process = await asyncio.to_thread(subprocess.Popen, command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        told = b""
        while not told.endswith(b"\n}\n"):
            line = await asyncio.to_thread(process.stdout.readline)
            assert line, "it ended"
            told += line
        keys = json.loads(told[told.index(b"{") :])
        async with terminal(keys["line"]) as pos:
            if round_no == 0:
                await pos.sign_on(MASTER)
                mac_key = pos.mac_key
            pos.mac_key, pos.trace = mac_key, pos.trace + trace
            assert (await pos.buy(PLAIN, 500))[39] == "00"
            trace = pos.trace
            assert (await pos.balance(PLAIN))[54].endswith(f"{left:012d}")
        process.kill()
        await asyncio.to_thread(process.wait)
        process.stdout.close()
