"""What `yibao held` asks and prints."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tools.cli import held, main
from tools.cli.language import Words
from tools.cli.mesh_client import MeshClient
from yibao.payment.v1 import channel_pb2, held_pb2, pay_order_state_pb2


class Mesh:
    """One payment that rests; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def call(self, method: str, request: Any, **_: Any) -> Any:
        """The answer of a method."""
        self.asked.append(request)
        decided = held_pb2.DecidedHeld(
            decision_no="D1", held_no="ORD1", pay_ord_id="ORD1", reason="RETURN_ABNORMAL", decided_by="op1"
        )
        if method.endswith(".DecideHeld"):
            return held_pb2.DecideHeldResponse(decided=decided, phase=pay_order_state_pb2.ORDER_PHASE_FAILED)
        if method.endswith(".ListHeldDecisions"):
            return held_pb2.ListHeldDecisionsResponse(decisions=[decided])
        one = held_pb2.HeldPayment(
            held_no="ORD1",
            fixmedins_code="H11010000001",
            reason="RETURN_ABNORMAL",
            channel_code="CARD_CLOSED",
            channel=channel_pb2.CHANNEL_KIND_WECHAT,
            text_zh="退不回",
            text_en="it will not go back",
            next_zh="再试",
            next_en="try again",
            decisions=[held_pb2.HELD_DECISION_ASK_AGAIN, held_pb2.HELD_DECISION_TAKEN_AS_GIVEN_BACK],
            charge_fen=3_000,
            charged_fen=3_000,
            refund_no="BC1",
            return_fen=3_000,
        )
        return held_pb2.ListHeldResponse(held=[one])


def test_the_list_says_why_how_much_and_what_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert held.listed(cast("MeshClient", Mesh())) == 1
    told = capsys.readouterr().out
    assert "ORD1  H11010000001  wechat  RETURN_ABNORMAL CARD_CLOSED" in told
    assert "to be given back by BC1: 30.00 yuan, given back as the channel says: 0.00" in told
    assert "next: try again" in told
    assert "decisions: ask-again taken-as-given-back" in told
    held.listed(cast("MeshClient", Mesh()), Words("zh"))
    assert "下一步：再试" in capsys.readouterr().out


def test_a_decision_is_asked_for_as_it_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    mesh = Mesh()
    assert held.decide(cast("MeshClient", mesh), "ORD1", "taken-as-given-back", "why", "P1") == 0
    (asked,) = mesh.asked
    assert (asked.held_no, asked.decision) == ("ORD1", held_pb2.HELD_DECISION_TAKEN_AS_GIVEN_BACK)
    assert (asked.memo, asked.proof_no) == ("why", "P1")
    assert held.decided(cast("MeshClient", mesh), "ORD1") == 0
    assert capsys.readouterr().out.splitlines()[0] == "D1 is kept; the order ORD1 is failed now"


@pytest.mark.parametrize(
    "half", [("ORD1", "--decide", "ask-again"), ("ORD1",), ("--decide", "ask-again"), ("--memo", "why")]
)
def test_a_decision_needs_number_decision_and_why(capsys: pytest.CaptureFixture[str], half: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        main.main(["--language", "en", "held", *half, "--url", "http://127.0.0.1:9", "--key", "k"])
    assert "name NUMBER, --decide and --memo" in capsys.readouterr().err
