"""What `yibao egress` asks and prints."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from tools.cli import egress
from tools.cli.language import Words
from tools.cli.mesh_client import MeshClient
from yibao.payment.v1 import channel_pb2, egress_pb2


class Mesh:
    """An order with two charges, of one of which no request is recorded; a page holds one request."""

    def call(self, method: str, request: Any, **_: Any) -> Any:
        """The answer."""
        number = 2 if request.page_token else 1
        told = egress_pb2.ToldRequest(
            channel=channel_pb2.CHANNEL_KIND_WECHAT,
            step=egress_pb2.EGRESS_STEP_PLACE if number == 1 else egress_pb2.EGRESS_STEP_LOOK,
            number="C1",
            verb="POST",
            target="http://127.0.0.1/v3/pay",
            content='{"content":{"payer":"‹user_no›"}}',
            times=number,
        )
        told.first_time.FromSeconds(1_900_000_000)
        told.last_time.FromSeconds(1_900_000_001)
        charges = [egress_pb2.ToldCharge(channel=channel_pb2.CHANNEL_KIND_WECHAT) for _ in range(3)]
        for place, charge in enumerate(charges, 1):
            charge.charge.charge_no = f"C{place}"
        for charge in charges[:2]:
            charge.asked_time.FromSeconds(1_900_000_000)
        return egress_pb2.ListEgressResponse(
            told=[told], charges=charges if number == 1 else [], next_page_token="more" if number == 1 else ""
        )


def test_each_request_is_told_with_its_content_and_a_charge_without_one_by_what_it_could_tell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert egress.run(cast("MeshClient", Mesh()), "ORD1") == 0
    told = capsys.readouterr().out
    assert told.startswith("2 requests to channels for ORD1")
    assert "2030-03-18 01:46:40  wechat   place  C1      1      POST http://127.0.0.1/v3/pay" in told
    assert "wechat   look   C1      2" in told
    assert '    {"content":{"payer":"‹user_no›"}}' in told
    assert "C2: wechat was to be asked at 2030-03-18 01:46:40" in told
    assert "C3" not in told
    egress.run(cast("MeshClient", Mesh()), "ORD1", Words("zh"))
    assert "告知" in capsys.readouterr().out


def test_a_document_holds_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    egress.run(cast("MeshClient", Mesh()), "ORD1", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert [each["step"] for each in told["told"]] == ["place", "look"]
    assert told["told"][0]["content"] == {"payer": "‹user_no›"}
    assert [each["charge"]["charge_no"] for each in told["charges"]] == ["C1", "C2", "C3"]
