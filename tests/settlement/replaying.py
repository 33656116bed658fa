"""Replays at the small world's settlement: asked by an operator, and what must be true after one."""

from __future__ import annotations

from typing import Any

from services.kernel.requests import RequestStamp
from services.settlement.operations.books.replays import ReplayTarget
from services.settlement.servicer import replays
from services.settlement.servicer.replays import ReplayServicer
from tests.settlement.world import World
from yibao.settlement.v1 import replay_pb2

MEMO = "定点机构误结算"


async def replayed(world: World, settled: Any, request: str = "R1", memo: str = MEMO) -> replay_pb2.ReplayResponse:
    """Takes a settlement out; raises its refusal."""
    setl_id = settled if isinstance(settled, str) else settled.setlinfo.setl_id
    stamp = RequestStamp("operator:test", request, "Replay", f"{setl_id} {memo}")
    answer = await world.replaying.run(stamp, ReplayTarget(setl_id, memo), world.clock(), replays._response)
    return replay_pb2.ReplayResponse.FromString(answer)


async def planned(world: World, settled: Any) -> replay_pb2.PlanReplayResponse:
    """What that would come to."""
    request = replay_pb2.PlanReplayRequest(setl_id=settled.setlinfo.setl_id)
    return await ReplayServicer(world.replaying).PlanReplay(request, None)


async def adjustments(world: World, psn_no: str = "", hospital: str = "") -> list[replay_pb2.Adjustment]:
    """All adjustments, of whom is named, read in pages of two."""
    servicer, token = ReplayServicer(world.replaying), ""
    found: list[replay_pb2.Adjustment] = []
    while True:
        page = await servicer.ListAdjustments(
            replay_pb2.ListAdjustmentsRequest(psn_no=psn_no, fixmedins_code=hospital, page_size=2, page_token=token),
            None,
        )
        found += page.adjustments
        token = page.next_page_token
        if not token:
            return found


def left(settlement: Any) -> tuple[int, int, int, int]:
    """What one leaves: of funds, own account, family account and in cash."""
    part = settlement.difference
    return part.fund_fen, part.account_fen, part.family_fen, part.cash_fen


def paid(sums: replay_pb2.ReplaySums) -> tuple[int, int, int]:
    """Who pays: funds, accounts, cash."""
    return sums.fund_pay_sumamt_fen, sums.acct_pay_fen, sums.psn_cash_pay_fen


def told(info: Any) -> tuple[int, int, int]:
    """The same of an answer."""
    return info.fund_pay_sumamt_fen, info.acct_pay_fen, info.psn_cash_pay_fen
