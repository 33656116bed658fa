"""`yibao egress ORDER`: what each channel was told for an order, request by request, so that a channel or a regulator can see it.

What is secret, and who somebody is, stands in no record; marks tell where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp

from services.kernel.clock import BEIJING
from services.runtime.wire import moment_of
from tools.cli.language import ENGLISH, Words
from tools.cli.mesh_client import MeshClient, pages
from yibao.payment.v1 import channel_pb2, egress_pb2

_METHOD: Final = "yibao.payment.v1.EgressService.ListEgress"
_PAGE: Final = 200


def run(client: MeshClient, pay_ord_id: str, words: Words = ENGLISH, *, as_json: bool = False) -> int:
    """Prints a table with the content of each request below it, or one JSON document."""
    told, charges = _all(client, pay_ord_id)
    if as_json:
        document = {
            "pay_ord_id": pay_ord_id,
            "charges": [_charge(each) for each in charges],
            "told": [_told(each) for each in told],
        }
        print(json.dumps(document, ensure_ascii=False, indent=2))
        return 0
    print(
        words(
            "{count} requests to channels for {order}; ‹…› stands for what is not recorded",
            count=len(told),
            order=pay_ord_id,
        )
    )
    for line in _lines(told, charges, words):
        print(line)
    return 0


def _all(client: MeshClient, pay_ord_id: str) -> tuple[list[Any], list[Any]]:
    request = egress_pb2.ListEgressRequest(pay_ord_id=pay_ord_id, page_size=_PAGE)
    told: list[Any] = []
    charges: list[Any] = []
    for page in pages(client, _METHOD, request):
        told += page.told
        charges += page.charges
    return told, charges


def _lines(told: list[Any], charges: list[Any], words: Words) -> Iterator[str]:
    heads = [words(head) for head in ("first", "channel", "for", "number", "times", "request")]
    rows = [
        (
            _moment(each.first_time),
            _channel(each),
            _step(each),
            each.number,
            str(each.times),
            f"{each.verb} {each.target}",
        )
        for each in told
    ]
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    yield "  ".join(head.ljust(width) for head, width in zip(heads, widths, strict=True)).rstrip()
    for each, row in zip(told, rows, strict=True):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        yield f"    {each.content}"
    recorded = {each.number for each in told if each.step == egress_pb2.EGRESS_STEP_PLACE}
    for charge in charges:
        number = charge.charge.charge_no
        if not charge.HasField("asked_time") or charge.channel == channel_pb2.CHANNEL_KIND_CASH or number in recorded:
            continue
        said = (
            "{number}: {channel} was to be asked at {time}, and no request is recorded; it could be told no more than:"
        )
        yield words(said, number=number, channel=_channel(charge), time=_moment(charge.asked_time))
        yield "    " + json.dumps(MessageToDict(charge.charge), ensure_ascii=False)


def _told(told: Any) -> dict[str, Any]:
    return {
        "channel": _channel(told),
        "step": _step(told),
        "number": told.number,
        "verb": told.verb,
        "target": told.target,
        **json.loads(told.content),
        "first_time": moment_of(told.first_time).isoformat(),
        "last_time": moment_of(told.last_time).isoformat(),
        "times": told.times,
    }


def _charge(charge: Any) -> dict[str, Any]:
    asked = {"asked_time": moment_of(charge.asked_time).isoformat()} if charge.HasField("asked_time") else {}
    return {
        "channel": _channel(charge),
        **asked,
        "charge": MessageToDict(charge.charge, preserving_proto_field_name=True),
    }


def _channel(of: Any) -> str:
    return channel_pb2.ChannelKind.Name(of.channel).removeprefix("CHANNEL_KIND_").lower()


def _step(told: Any) -> str:
    return egress_pb2.EgressStep.Name(told.step).removeprefix("EGRESS_STEP_").lower()


def _moment(at: Timestamp) -> str:
    return f"{moment_of(at).astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
