"""`yibao held`: payments that rest until people decide, each with its reason and the next step; `yibao held NUMBER --decide …`
decides about one, and `yibao held --decided` tells what was decided by whom.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import uuid4

from services.kernel.clock import BEIJING
from services.kernel.money import yuan_text
from services.runtime.wire import moment_of
from tools.cli.language import ENGLISH, Words
from tools.cli.mesh_client import MeshClient, pages
from yibao.payment.v1 import channel_pb2, held_pb2, pay_order_state_pb2

_SERVICE: Final = "yibao.payment.v1.HeldService"
DECISIONS: Final = tuple(
    name.removeprefix("HELD_DECISION_").lower().replace("_", "-") for name in held_pb2.HeldDecision.keys()[1:]
)
"""Decisions as they are typed."""


def listed(client: MeshClient, words: Words = ENGLISH) -> int:
    """Prints what rests; ends with 1 while something does."""
    count = 0
    for each in _all(client):
        count += 1
        chinese = words.language == "zh"
        channel = (
            channel_pb2.ChannelKind.Name(each.channel).removeprefix("CHANNEL_KIND_").lower() if each.channel else "6302"
        )
        print(f"{each.held_no}  {each.fixmedins_code}  {channel}  {each.reason} {each.channel_code}".rstrip())
        print("    " + (each.text_zh if chinese else each.text_en))
        for line in _amounts(each, words):
            print("    " + line)
        print("    " + words("next: {step}", step=each.next_zh if chinese else each.next_en))
        safe = " ".join(_word(decision) for decision in each.decisions)
        print("    " + words("decisions: {safe}", safe=safe))
    print(words("{count} payments rest until people decide", count=count))
    return 1 if count else 0


def decide(client: MeshClient, number: str, decision: str, memo: str, proof: str, words: Words = ENGLISH) -> int:
    """Decides about one and prints where its order stands then; ends with 1 where it is held again."""
    asked = held_pb2.DecideHeldRequest(
        request_id=f"held-{uuid4().hex}",
        held_no=number,
        decision=held_pb2.HeldDecision.Value(f"HELD_DECISION_{decision.upper().replace('-', '_')}"),
        memo=memo,
        proof_no=proof,
    )
    done = client.call(f"{_SERVICE}.DecideHeld", asked)
    phase = pay_order_state_pb2.OrderPhase.Name(done.phase).removeprefix("ORDER_PHASE_").lower()
    told = {"decision_no": done.decided.decision_no, "order": done.decided.pay_ord_id, "phase": phase}
    print(words("{decision_no} is kept; the order {order} is {phase} now", **told))
    return 1 if done.phase == pay_order_state_pb2.ORDER_PHASE_HELD else 0


def decided(client: MeshClient, pay_ord_id: str, words: Words = ENGLISH) -> int:
    """Prints what was decided, the latest first."""
    print(words("decision\twhen\tby\tnumber\treason\tdecided\tproof\twhy"))
    request = held_pb2.ListHeldDecisionsRequest(pay_ord_id=pay_ord_id)
    for page in pages(client, f"{_SERVICE}.ListHeldDecisions", request):
        for each in page.decisions:
            moment = f"{moment_of(each.decided_time).astimezone(BEIJING):%Y-%m-%d %H:%M}"
            cells = (each.decision_no, moment, each.decided_by, each.held_no, each.reason, _word(each.decision))
            print("\t".join((*cells, each.proof_no, each.memo)))
    return 0


def _all(client: MeshClient) -> Iterator[held_pb2.HeldPayment]:
    for page in pages(client, f"{_SERVICE}.ListHeld", held_pb2.ListHeldRequest()):
        yield from page.held


def _amounts(each: held_pb2.HeldPayment, words: Words) -> Iterator[str]:
    """Amounts as both sides say them, in yuan; a notice has none."""
    if each.kind == held_pb2.HELD_KIND_NOTICE:
        return
    ours, theirs = yuan_text(each.charge_fen), yuan_text(each.charged_fen)
    yield words("asked for {ours} yuan, collected as the channel says: {theirs}", ours=ours, theirs=theirs)
    if each.HasField("channel_total_fen"):
        ours, theirs = yuan_text(each.total_fen), yuan_text(each.channel_total_fen)
        yield words("the whole order is {ours} yuan, as the channel says: {theirs}", ours=ours, theirs=theirs)
    if each.refund_no:
        ours, theirs = yuan_text(each.return_fen), yuan_text(each.returned_fen)
        told = {"number": each.refund_no, "ours": ours, "theirs": theirs}
        yield words("to be given back by {number}: {ours} yuan, given back as the channel says: {theirs}", **told)


def _word(decision: held_pb2.HeldDecision.ValueType) -> str:
    return held_pb2.HeldDecision.Name(decision).removeprefix("HELD_DECISION_").lower().replace("_", "-")
