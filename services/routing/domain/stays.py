"""Stays of persons whom another cell insures, as routing carries them between the two cells. Pure.

What the cells say to each other goes through as it came: routing reads of it only what stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.routing.domain.sagas import Saga, State

ADMIT: Final = "admit"
DISCHARGE: Final = "discharge"
UNDO_DISCHARGE: Final = "undo_discharge"
CANCEL_ADMISSION: Final = "cancel_admission"
MESSAGE: Final = "message"
"""What a message of an institution does with a stay; the last takes back a message that admitted."""


@dataclass(frozen=True, slots=True)
class Covered:
    """Who is admitted, as the cell that insures them tells it to the place of care."""

    cell: str
    psn_no: str
    told: Any


@dataclass(frozen=True, slots=True)
class Admitted:
    """What the message of an admission is answered, and the stay that it names: a repeat has the one of before."""

    answer: Any
    mdtrt_id: str


@dataclass(frozen=True, slots=True)
class BegunStay:
    """A stay as the place of care has it; `insured_cell` is empty where that cell insures the person itself."""

    begin_at: datetime
    insured_cell: str


@dataclass(frozen=True, slots=True)
class Held:
    """A stay to which the insured cell holds a person."""

    mdtrt_id: str
    psn_no: str
    fixmedins_code: str
    care_cell: str
    begin_at: datetime


@dataclass(frozen=True, slots=True)
class Changed:
    """What the message of a change is answered, and whether the person lies there now."""

    answer: Any
    lies: bool


def without_person(saga: Saga) -> State:
    """To what a change comes where the person does not lie in the stay: an end of it is done once the insured cell lets go, what
    would have put the person back gives up what it has reserved.
    """
    return State.REVOKED if saga.act == UNDO_DISCHARGE else State.COMMITTED


def reservation_of(saga: Saga) -> str:
    """Request id under which the saga holds the person, in the insured cell."""
    return f"{saga.order_no}:reserve"


def release_of(saga: Saga) -> str:
    """Request id under which the saga lets go: a saga does so for one reason only."""
    return f"{saga.order_no}:release"
