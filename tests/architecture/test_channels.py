"""What an adapter of a channel can see: the messages whose every field has a class that a channel may be told, and nothing else.

That an adapter imports no other message and no order is a row of the import contract; that each field has such a class is one of
the contract's rules. Here stands what holds the two together: the protocol takes those messages alone, and one room fills them.
"""

from __future__ import annotations

import ast
import inspect
from datetime import date
from typing import Any, get_type_hints

import pytest

from services.payment.channels import alipay, bank, cash, desk, national, protocol, wechat
from tools.tidy import ROOT
from yibao.payment.v1 import channel_pb2

TOLD = {channel_pb2.ChannelCharge, channel_pb2.ChannelRefund, channel_pb2.Merchant, protocol.Delivery, date}
ADAPTERS = {wechat.WeChat, alipay.Alipay, bank.BankChannel, cash.Cash, national.NationalApp}
ROOM = ROOT / "services" / "payment" / "channels"
OF_AN_ORDER = {"fixmedins_code", "pay_ord_id", "med_org_ord", "order_type", "split"}
"""All that the desk reads of an order: nothing of its bill."""


def taken(of: type) -> dict[str, dict[str, Any]]:
    """What each method of the protocol takes, as a class declares it."""
    methods = [name for name, _ in inspect.getmembers(protocol.Channel, inspect.isfunction) if name[0] != "_"]
    hints = {name: get_type_hints(getattr(of, name)) for name in methods}
    return {name: {key: kind for key, kind in each.items() if key != "return"} for name, each in hints.items()}


@pytest.mark.parametrize("of", [protocol.Channel, *sorted(ADAPTERS, key=lambda each: each.__name__)])
def test_an_adapter_is_handed_messages_of_what_a_channel_may_be_told_and_nothing_else(of: type) -> None:
    assert taken(of) == taken(protocol.Channel)
    assert {kind for each in taken(of).values() for kind in each.values()} == TOLD


def test_no_adapter_knows_the_desk_which_knows_orders() -> None:
    for file in ROOM.glob("*.py"):
        if file.stem != desk.__name__.rpartition(".")[2]:
            assert "channels.desk" not in file.read_text(encoding="utf-8"), file.name


def test_the_desk_reads_nothing_of_an_order_but_its_numbers_and_its_split() -> None:
    tree = ast.parse((ROOM / "desk.py").read_text(encoding="utf-8"))
    read = {each.attr for each in ast.walk(tree) if isinstance(each, ast.Attribute) and _is_order(each.value)}
    assert read == OF_AN_ORDER


def _is_order(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "order"
