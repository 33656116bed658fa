"""Encounters (visits and stays) with their states, and the entry that every accepted write to them leaves behind.

What an encounter tells 5201 travels as opaque bytes: nothing here reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from services.kernel.clock import beijing_day
from services.kernel.elsewhere import insured_elsewhere
from services.kernel.errors import not_found, precondition
from services.kernel.requests import Regions, RequestStamp
from services.settlement.domain.care.kinds import KindOfCare

OPEN = "open"
DISCHARGED = "discharged"
CANCELLED = "cancelled"
VOID = "void"
# Kinds of the entries that writes leave.
REGISTER = "register"
DESCRIBE = "describe"
ADMIT = "admit"
DISCHARGE = "discharge"
UNDO_DISCHARGE = "undo_discharge"
UPLOAD_FEES = "upload"
OUTPATIENT = "11"
"""med_type 普通门诊: a visit's until 2203 tells another, as 2201 registers out-patient visits (our decision)."""

MAX_LISTED = 200


@dataclass(frozen=True, slots=True)
class Encounter:
    """A visit or a stay (`kind`). `med_type` is the national code, empty before 2203, and `local_med_type` the code of a
    province that came in its place; `end_at` stands after discharge.

    `ec_token_digest` is that of the ecToken shown at registration, if one was. `insured_cell` is the other cell that insures
    the person, empty where this one does; it never changes.
    """

    mdtrt_id: str
    fixmedins_code: str
    psn_no: str
    insutype: str
    kind: str
    ipt_otp_no: str
    state: str
    med_type: str
    begin_at: datetime
    end_at: datetime | None
    insuplc_admdvs: str
    mdtrtarea_admvs: str
    mdtrt_cert_type: str
    dise_codg: str
    dise_name: str
    exp_content: str
    details: bytes
    created_at: datetime
    ec_token_digest: str | None = None
    local_med_type: str = ""
    insured_cell: str = ""

    @property
    def care(self) -> KindOfCare:
        """The kind of care, also as it came."""
        return KindOfCare(self.med_type, self.local_med_type)

    @property
    def regions(self) -> Regions:
        """The places that a message about it resolves to where it leaves them out."""
        return Regions(self.insuplc_admdvs, self.mdtrtarea_admvs)

    @property
    def told_med_type(self) -> str:
        """The med_type that queries tell."""
        return self.med_type or OUTPATIENT


@dataclass(frozen=True, slots=True)
class EncounterName:
    """An encounter as a request names it: all of it must fit; an empty kind means either."""

    kind: str
    mdtrt_id: str
    fixmedins_code: str
    psn_no: str


@dataclass(frozen=True, slots=True)
class EncounterFilter:
    """Which encounters of a person at an institution: begun in a range of time; empty texts ask for nothing.

    A national kind is also that of encounters whose local kind counts as it.
    """

    fixmedins_code: str
    psn_no: str
    begin: datetime
    end: datetime
    med_type: str = ""
    mdtrt_id: str = ""
    local_med_type: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An accepted write with the answer it got; of kind `void` where 2601 took the message back before it came."""

    entry_id: str
    stamp: RequestStamp
    response: bytes
    mdtrt_id: str | None
    kind: str
    created_at: datetime

    @property
    def voided(self) -> bool:
        """Whether the message was taken back before it came."""
        return self.kind == VOID

    def is_of(self, stamp: RequestStamp) -> bool:
        """Whether this same request left it."""
        kept = self.stamp
        return stamp.repeats(kept.content_hash, kept.hash_version, kept.regions)


@dataclass(frozen=True, slots=True)
class FeePresence:
    """What stands on an encounter: unsettled fee lines, and a settlement that took some (empty: none)."""

    unsettled: bool
    setl_id: str


class OpenStay(NamedTuple):
    """Where somebody lies in a hospital; `care_cell` is "" in this cell."""

    mdtrt_id: str
    fixmedins_code: str
    care_cell: str


@dataclass(frozen=True, slots=True)
class Since:
    """What has happened since to what a stored answer tells; it travels beside the answer, never in it.

    `cancelled` and `discharged` are the encounter, `undone` is the discharge that was answered, `cancelled_lines` are the
    lines of an upload that do not stand any more as they were answered.
    """

    cancelled: bool = False
    undone: bool = False
    discharged: bool = False
    cancelled_lines: int = 0


NOTHING_SINCE: Final = Since()


def named_encounter(name: EncounterName, encounter: Encounter | None) -> Encounter:
    """The encounter if it is the one named; NOT_FOUND (ENCOUNTER_NOT_FOUND) whatever does not fit."""
    if encounter is None or name != EncounterName(
        name.kind and encounter.kind, encounter.mdtrt_id, encounter.fixmedins_code, encounter.psn_no
    ):
        raise not_found("ENCOUNTER_NOT_FOUND", mdtrt_id=name.mdtrt_id)
    return encounter


def require_state(encounter: Encounter, *states: str) -> None:
    """PRECONDITION (ENCOUNTER_STATE) unless the encounter is in one of the states."""
    if encounter.state not in states:
        raise precondition("ENCOUNTER_STATE", mdtrt_id=encounter.mdtrt_id, state=encounter.state)


def check_visit_cancellable(encounter: Encounter, fees: FeePresence) -> None:
    """A visit is cancelled only when open, with nothing settled and no line left: 2208, then 2205, then 2202."""
    require_state(encounter, OPEN)
    if fees.setl_id:
        raise precondition("FEES_SETTLED", mdtrt_id=encounter.mdtrt_id, setl_id=fees.setl_id)
    if fees.unsettled:
        raise precondition("FEES_PRESENT", mdtrt_id=encounter.mdtrt_id)


def check_admission_cancellable(encounter: Encounter, fees: FeePresence) -> None:
    """An admission is undone only when the stay is open and has no fees at all: 2305, then 2302, then 2404."""
    require_state(encounter, OPEN)
    if fees.setl_id:
        raise precondition("FEES_SETTLED", mdtrt_id=encounter.mdtrt_id, setl_id=fees.setl_id)
    if fees.unsettled:
        raise precondition("FEES_PRESENT", mdtrt_id=encounter.mdtrt_id)


def check_insured_here(stay: Encounter, *, by_routing: bool) -> None:
    """PRECONDITION (INSURED_ELSEWHERE) where another cell holds the person to this stay, unless routing asks, which tells it."""
    if stay.insured_cell and not by_routing:
        raise insured_elsewhere(stay.insured_cell)


def check_taken_back(entry: Entry, stay: Encounter | None, psn_no: str) -> None:
    """PRECONDITION (NOT_REVERSIBLE) unless the entry is an admission, of that person where one is named, or a void."""
    fits = entry.kind == ADMIT and stay is not None and psn_no in ("", stay.psn_no)
    if not fits and entry.kind != VOID:
        raise precondition("NOT_REVERSIBLE", oinfno="2401")


def check_no_open_stay(open_stay: OpenStay | None, fixmedins_code: str, care_cell: str = "") -> None:
    """PRECONDITION (STAY_OPEN) where the person lies in a hospital already; its number is told to that hospital only, in the cell
    where it is."""
    if open_stay is not None:
        own = (open_stay.fixmedins_code, open_stay.care_cell) == (fixmedins_code, care_cell)
        known = open_stay.mdtrt_id if own else ""
        raise precondition("STAY_OPEN", mdtrt_id=known)


def check_same_cover(open_visit: Encounter | None, insutype: str, insured_cell: str) -> None:
    """PRECONDITION (VISIT_OPEN) where the visit open under the number was registered under another insurance type, or insured
    in another cell: neither changes."""
    if open_visit is not None and (open_visit.insutype, open_visit.insured_cell) != (insutype, insured_cell):
        raise precondition("VISIT_OPEN", mdtrt_id=open_visit.mdtrt_id, insutype=open_visit.insutype)


def days_in_hospital(begin: datetime, end: datetime) -> int:
    """Days of a stay: the nights, and one for a stay that ends on the day it began (our decision)."""
    return max(1, (beijing_day(end) - beijing_day(begin)).days)


def check_not_settled(encounter: Encounter, setl_id: str) -> None:
    """PRECONDITION (ENCOUNTER_STATE) for a stay that `setl_id` settled after its discharge: 2305 comes before 2405."""
    if setl_id:
        raise precondition("ENCOUNTER_STATE", mdtrt_id=encounter.mdtrt_id, state="settled", setl_id=setl_id)
