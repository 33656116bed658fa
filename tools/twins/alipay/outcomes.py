"""Which fault meets a trade: one that was armed at the control door, else the one that its amount names."""

from __future__ import annotations

from typing import Final

from tools.twins.alipay.trades import Trade
from tools.twins.faults import OF_REQUESTS, Fault, Faults, of_amount
from tools.twins.shelf import Shelf

_SPENT: Final = "fault_spent"


def named(fen: int) -> str:
    """The fault that a trade of this cash part carries; empty for none."""
    return of_amount(fen) or ""


def follows(faults: Faults, trade: Trade, *wanted: Fault) -> Fault | None:
    """What goes wrong of `wanted` at this step of the trade."""
    armed = faults.of_event(*wanted)
    if armed is not None:
        return armed
    return next((each for each in wanted if each == trade.fault), None)


def of_first_request(shelf: Shelf, key: str, fen: int) -> Fault | None:
    """The fault by which an amount ends the first request for an order; the order's key makes it the first."""
    fault = of_amount(fen)
    if fault not in OF_REQUESTS or shelf.get(_SPENT, key) is not None:
        return None
    shelf.put(_SPENT, key, {"fault": fault})
    return fault
