"""Refusals of care across cells, which settlement, routing and gateway share."""

from __future__ import annotations

from collections.abc import Set

from services.kernel.errors import AWAY, Fault, FaultKind, conflict, precondition

LATER_S = 5.0
"""When an outcome that is not known yet is worth another look (our decision)."""


INSURED_ELSEWHERE = "INSURED_ELSEWHERE"
"""A refusal with which a message goes on to routing; what comes of it is told by whoever sent it there."""


def insured_elsewhere(cell: str) -> Fault:
    """PRECONDITION INSURED_ELSEWHERE: the encounter or settlement is of a person whom that cell insures."""
    return precondition(INSURED_ELSEWHERE, cell=cell)


def bill_changed(mdtrt_id: str) -> Fault:
    """CONFLICT BILL_CHANGED: the lines are not those that the insured cell decided on."""
    return conflict("BILL_CHANGED", mdtrt_id=mdtrt_id)


def outcome_unknown(order_no: str) -> Fault:
    """UNAVAILABLE OUTCOME_UNKNOWN: something may stand, and what does is found out without anybody's doing."""
    return Fault(FaultKind.UNAVAILABLE, "OUTCOME_UNKNOWN", {"order_no": order_no}, retry_after_s=LATER_S)


STILL_UNDER_WAY = "STILL_UNDER_WAY"
"""Of an item of a list whose answer does not hold up the others'; who sent it asks again, alone."""


def still_under_way() -> Fault:
    """UNAVAILABLE STILL_UNDER_WAY: it goes on, and who asks for it alone waits for it."""
    return Fault(FaultKind.UNAVAILABLE, "STILL_UNDER_WAY")


def family_elsewhere() -> Fault:
    """PRECONDITION FAMILY_ELSEWHERE: the family account is in another cell."""
    return precondition("FAMILY_ELSEWHERE")


CELL_UNAVAILABLE = "CELL_UNAVAILABLE"
"""Of what was to be written: nothing stands, and nothing will."""

ROUTING_UNAVAILABLE = "ROUTING_UNAVAILABLE"
"""Of what only routing knows or can do."""


def told_of_routing(fault: Fault, refused: Fault, on: Set[str]) -> Fault:
    """What is told where routing refuses: the own cell's refusal, one of `on`, where nobody else knows the person either;
    UNAVAILABLE ROUTING_UNAVAILABLE where routing does not answer."""
    if fault.reason in on:
        return refused
    return routing_unavailable() if fault.reason in AWAY else fault


def routing_unavailable() -> Fault:
    """UNAVAILABLE ROUTING_UNAVAILABLE: routing, which serves people of other cells, does not answer."""
    return Fault(FaultKind.UNAVAILABLE, ROUTING_UNAVAILABLE, retry_after_s=LATER_S)


def cell_unavailable(cell: str, **told: str) -> Fault:
    """UNAVAILABLE CELL_UNAVAILABLE: that cell does not answer; nothing stands of what was asked, and nothing will."""
    return Fault(FaultKind.UNAVAILABLE, CELL_UNAVAILABLE, {"cell": cell, **told}, retry_after_s=LATER_S)
