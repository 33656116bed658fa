"""`yibao replay SETL_ID`: what would come of it if a settlement had never been, as a table; with `--do MEMO` it is made so.

It asks the cell that holds the person's ledgers. The same command again prints the same: it is done once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.kernel.clock import beijing_day
from services.kernel.money import yuan_text
from services.runtime.wire import moment_of
from tools.cli.language import ENGLISH, Words
from tools.cli.mesh_client import MeshClient
from yibao.settlement.v1 import replay_pb2

_SERVICE: Final = "yibao.settlement.v1.ReplayService"


def run(client: MeshClient, setl_id: str, words: Words = ENGLISH, *, memo: str = "") -> int:
    """Plans a replay, or makes it where a memo says why; prints every settlement with what it leaves."""
    settlements: Sequence[replay_pb2.ReplayedSettlement]
    if memo:
        asked = replay_pb2.ReplayRequest(request_id=f"replay:{setl_id}", setl_id=setl_id, memo=memo)
        done = client.call(f"{_SERVICE}.Replay", asked)
        settlements = done.settlements
        print(words("Replay {number} is made; amounts in yuan, of each payer before and after", number=done.replay_no))
    else:
        planned = client.call(f"{_SERVICE}.PlanReplay", replay_pb2.PlanReplayRequest(setl_id=setl_id))
        settlements = planned.settlements
        print(words("A plan: nothing is changed; amounts in yuan, of each payer before and after"))
    rows = [_row(each, words) for each in settlements]
    heads = [words(head) for head in ("settlement", "day", "place", "funds", "accounts", "cash", "in its place")]
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    for row in (heads, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    cash = [each.difference.cash_fen for each in settlements]
    collect, give_back = sum(fen for fen in cash if fen > 0), -sum(fen for fen in cash if fen < 0)
    said = "in cash {collect} yuan to be collected from the person, {back} yuan to be given back"
    print(words(said, collect=yuan_text(collect), back=yuan_text(give_back)))
    return 0


def _row(each: replay_pb2.ReplayedSettlement, words: Words) -> list[str]:
    after = each.after if each.HasField("after") else replay_pb2.ReplaySums()
    parts = [
        f"{yuan_text(getattr(each.before, name))} → {yuan_text(getattr(after, name))}"
        for name in ("fund_pay_sumamt_fen", "acct_pay_fen", "psn_cash_pay_fen")
    ]
    stands = each.replayed_by or ("" if each.HasField("after") else words("taken out"))
    return [each.setl_id, f"{beijing_day(moment_of(each.setl_time))}", each.mdtrtarea_admvs, *parts, stands]
