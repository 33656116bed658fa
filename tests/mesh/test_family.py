"""A relative's account pays for a visit and for a stay alike, after the own one or alone, and gets back what it paid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.mesh.hospital import DRUG, Hospital, Settled, fen, rest
from tests.mesh.test_own_books import key_for
from tests.mesh.world import Sandbox
from tools.played.messages import Patient, Row
from yibao.settlement.v1 import ledger_pb2

ROWS: Final = (Row(DRUG, 1, 500_000),)
OWN_FEN, OWNERS_FEN, THIS_YEARS_FEN = 30_000, 1_000_000, 50_000
OWN_FIRST, FAMILY_ALONE, NEITHER = "1", "2", "0"


async def accounts(hospital: Hospital, *people: Patient) -> list[tuple[int, int]]:
    """Balance and this year's part of the account of each."""
    found = []
    for who in people:
        account = await rest(hospital, "/v1/accounts:get", {"psnNo": who.psn_no, "insutype": who.insutype})
        found.append((int(account.get("balanceFen", 0)), int(account.get("currentYearFen", 0))))
    return found


async def of_a_stay(hospital: Hospital, who: Patient, flag: str) -> tuple[Mapping[str, Any], Settled]:
    """A stay of 5,000.00 yuan: what its trial told, and its settlement."""
    mdtrt_id = await hospital.admit(who)
    await hospital.done("2301", hospital.lines(who, mdtrt_id, ROWS))
    await hospital.discharge(who, mdtrt_id)
    bill = hospital.bill(who, mdtrt_id, ROWS, acct_used_flag=flag)
    tried = await hospital.done("2303", {"data": bill})
    return tried.output["setlinfo"], await hospital.settle(bill, "2304")


async def of_a_visit(hospital: Hospital, who: Patient, flag: str) -> tuple[Mapping[str, Any], Settled]:
    """The same of a visit."""
    bill = await hospital.open_visit(who, ROWS, acct_used_flag=flag)
    tried = await hospital.done("2206", {"data": bill})
    return tried.output["setlinfo"], await hospital.settle(bill)


@pytest.mark.parametrize(("cared", "back"), [(of_a_visit, "2208"), (of_a_stay, "2305")], ids=["visit", "stay"])
@pytest.mark.parametrize("flag", [OWN_FIRST, FAMILY_ALONE, NEITHER])
async def test_the_family_pays_what_the_own_account_leaves_or_all_of_it_and_gets_it_back(
    town: Sandbox, cared: Any, back: str, flag: str
) -> None:
    hospital = town.hospital
    opened = ledger_pb2.LedgerOpening(
        balance_fen=OWNERS_FEN, current_year_fen=THIS_YEARS_FEN, benefit_year=f"{town.clock().year}"
    )
    who, owner = await town.newcomers.relatives(OWN_FEN, opened)
    before = [(OWN_FEN, 0), (OWNERS_FEN, THIS_YEARS_FEN)]
    assert await accounts(hospital, who, owner) == before
    tried, settled = await cared(hospital, who, flag)
    own = OWN_FEN if flag == OWN_FIRST else 0
    whole = fen(settled.info["psn_part_amt"])
    family = 0 if flag == NEITHER else whole - own
    assert OWN_FEN + THIS_YEARS_FEN < whole < OWNERS_FEN
    names = ("acct_pay", "acct_mulaid_pay", "psn_cash_pay")
    paid = [own + family, family, whole - own - family]
    for info in (tried, settled.info, (await hospital.done("5203", {"data": settled.reference})).output["setlinfo"]):
        assert [fen(info[name]) for name in names] == paid
    left = (OWNERS_FEN - family, 0 if family else THIS_YEARS_FEN)
    assert await accounts(hospital, who, owner) == [(OWN_FEN - own, 0), left]
    counter = (await hospital.done(back, {"data": settled.reference})).output["setlinfo"]
    assert [fen(counter[name]) for name in names] == [-each for each in paid]
    assert await accounts(hospital, who, owner) == before


async def test_the_owner_reads_that_the_account_paid_for_the_family_and_not_for_whom(town: Sandbox) -> None:
    hospital = town.hospital
    who, owner = await town.newcomers.relatives(OWN_FEN, ledger_pb2.LedgerOpening(balance_fen=OWNERS_FEN))
    _, settled = await of_a_stay(hospital, who, OWN_FIRST)
    key, account = await key_for(hospital, owner.psn_no), {"psnNo": owner.psn_no, "insutype": owner.insutype}
    moved = (await rest(hospital, "/v1/own/account-movements:list", account, key))["movements"]
    (paid,) = [each for each in moved if each["kind"] == "MOVEMENT_KIND_FAMILY_SETTLEMENT"]
    assert int(paid["amountFen"]) == -fen(settled.info["acct_mulaid_pay"])
    assert who.psn_no not in str(moved)
    assert not paid["setlId"]
