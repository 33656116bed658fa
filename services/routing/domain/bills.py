"""Bills of care in one cell for a person whom another cell insures, as routing carries them between the two. Pure.

What the cells say to each other goes through as it came: routing reads of it only what stands here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Any, Final

from services.kernel.errors import Fault

VISIT: Final = "visit"
STAY: Final = "stay"
MESSAGE: Final = "message"
"""What a message of an institution is about; of a trial `visit` or `stay` too."""

_BELOW: Final = (
    *("booked.visit.", "booked.stay.", "visit_trial.", "stay_trial.", "visit.", "stay.", "message."),
    *("admission.", "discharge.", "undo_discharge.", "cancel_admission."),
)
_CARRIED: Final = "carried."


@dataclass(frozen=True, slots=True)
class BegunBill:
    """Of whom the bill is, where care is given, and on which day it began."""

    psn_no: str
    care_admdvs: str
    day: date


@dataclass(frozen=True, slots=True)
class FoundBill:
    """A bill at the place of care, one of four: to be carried, of the cell's own, settled already, or being settled in an order,
    and then `pending` is what it is booked as.

    `begun` stands with the first two, `care_hash` with the first.
    """

    insured_cell: str
    carried: Any = None
    own: bool = False
    settled: Any = None
    pending_order_no: str = ""
    pending: Any = None
    begun: BegunBill | None = None
    care_hash: str = ""


class Stands(Enum):
    """Where a bill stands at the place of care."""

    PENDING = "pending"
    STANDING = "standing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class MeantBill:
    """What an institution means that takes something back: an order's bill, or the stay to which the message admitted."""

    insured_cell: str
    order_no: str
    setl_id: str
    stands: Stands
    mdtrt_id: str = ""


@dataclass(frozen=True, slots=True)
class PendingBill:
    """A bill that a place of care has booked and that waits for its end."""

    order_no: str
    insured_cell: str
    fixmedins_code: str


@dataclass(frozen=True, slots=True)
class OrderAt:
    """An order as a cell tells it: pending, void, or standing."""

    void: bool
    setl_id: str
    counter_setl_id: str
    pending: bool = False


def as_sent(fault: Fault) -> Fault:
    """A refusal with paths as the institution's message has them: what it is carried in is routing's own."""
    broken = [replace(each, path=_path(each.path)) for each in fault.violations]
    return Fault(fault.kind, fault.reason, fault.metadata, violations=broken, retry_after_s=fault.retry_after_s)


def _path(path: str) -> str:
    if path.startswith(_CARRIED):
        return "data." + path.removeprefix(_CARRIED)
    return next((path.removeprefix(each) for each in _BELOW if path.startswith(each)), path)
