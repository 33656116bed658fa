"""A bill as an institution sends it, the encounter and fee batches it settles, and the checks between them.

Amounts that were sent are compared and never used: what is settled are the totals of the stored fee batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.kernel.errors import Fault, FaultKind, Violation, conflict, invalid, not_found, precondition
from services.kernel.money import yuan_text
from services.settlement.domain.care.carried import CarriedKey, CarriedLines, Filing
from services.settlement.domain.care.lines import BillTotals

ALL_BATCHES = "0000"
"""The charge batch number that means every unsettled batch of the encounter (national interface, 2205 and 2207)."""

VISIT = "visit"
STAY = "stay"


@dataclass(frozen=True, slots=True)
class Desk:
    """The institution's counter that a request comes from."""

    fixmedins_code: str
    msgid: str
    opter: str = ""
    opter_name: str = ""
    insuplc_admdvs: str = ""
    mdtrtarea_admvs: str = ""


@dataclass(frozen=True, slots=True)
class SentParts:
    """The parts of the trial as the institution repeats them; 0 says nothing."""

    fulamt_ownpay_amt_fen: int = 0
    overlmt_selfpay_fen: int = 0
    preselfpay_amt_fen: int = 0
    inscp_scp_amt_fen: int = 0


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill of a visit (2206, 2207) or of a stay (2303, 2304).

    `use_own` and `use_family` are the person's choice of purses. `med_type` is the national code and `local_med_type` a
    province's own in its place, both empty for a stay: the stay has its own. `interim` settles a stay that goes on.
    `mdtrt_cert_no` is empty where no credential is shown again. `bank_fen` is the balance that a bank tells of a real account,
    None where it was not asked.
    """

    desk: Desk
    kind: str
    mdtrt_id: str
    psn_no: str
    insutype: str
    chrg_bchno: str
    medfee_sumamt_fen: int
    mdtrt_cert_type: str = ""
    mdtrt_cert_no: str = ""
    card_sn: str = ""
    psn_cert_type: str = ""
    certno: str = ""
    med_type: str = ""
    use_own: bool = False
    use_family: bool = False
    interim: bool = False
    invono: str = ""
    exp_content: str = ""
    sent: SentParts = SentParts()
    local_med_type: str = ""
    bank_fen: int | None = None


class BilledEncounter(NamedTuple):
    """What a settlement needs of an encounter; moments are microseconds UTC.

    `insured_cell` is the other cell that insures the person, empty where this one does.
    """

    mdtrt_id: str
    fixmedins_code: str
    psn_no: str
    kind: str
    state: str
    med_type: str
    begin_at: int
    end_at: int | None
    insuplc_admdvs: str
    mdtrtarea_admvs: str
    dise_codg: str
    dise_name: str
    exp_content: str
    insutype: str
    ec_token_digest: str | None
    local_med_type: str = ""
    insured_cell: str = ""


class BilledBatch(NamedTuple):
    """The totals of an uploaded fee batch; a cancelling batch has negative ones. `setl_id` is set where it is settled."""

    fee_batch_id: str
    mdtrt_id: str
    chrg_bchno: str
    setl_id: str | None
    medfee_fen: int
    fulamt_ownpay_fen: int
    overlmt_fen: int
    preselfpay_fen: int
    inscp_fen: int
    hosp_part_fen: int
    exempt: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class CarriedCare:
    """Care of another cell: what a bill needs to know of it, as it came along. `batch` are the totals of the lines, `care_cell`
    is empty where it was not told."""

    encounter: BilledEncounter
    batch: BilledBatch
    ipt_otp_no: str
    filing: Filing | None
    lines: CarriedLines
    care_cell: str = ""

    def keys(self) -> list[CarriedKey]:
        """Its lines."""
        known = self.encounter
        return [(known.fixmedins_code, known.mdtrt_id, number) for number in self.lines.numbers]

    def check_unsettled(self, standing: Mapping[CarriedKey, str]) -> None:
        """CONFLICT CHARGES_SETTLED where another bill holds one of its lines, so that no number of an order pays a line
        twice. `standing` are lines with the bills that hold them."""
        if not standing:
            return
        settled = next((setl_id for key in self.keys() if (setl_id := standing.get(key))), "")
        if settled:
            raise conflict("CHARGES_SETTLED", mdtrt_id=self.encounter.mdtrt_id, setl_id=settled)


def carried_batch(mdtrt_id: str, lines: CarriedLines) -> BilledBatch:
    """The lines of a carried bill as the one batch that it settles."""
    totals = lines.totals()
    return BilledBatch(
        *(f"carried:{mdtrt_id}", mdtrt_id, ALL_BATCHES, None),
        *(totals.medfee_fen, totals.fulamt_ownpay_fen, totals.overlmt_fen, totals.preselfpay_fen, totals.inscp_fen),
        totals.hosp_part_fen,
        tuple(sorted(totals.exempt_inscp_by_tag.items())),
    )


def check_encounter(bill: Bill, encounter: BilledEncounter | None) -> BilledEncounter:
    """The encounter of the bill: of this institution, person and kind, and of the insurance type it was registered under.

    Raises ENCOUNTER_NOT_FOUND, and INVALID for another insurance type.
    """
    if (
        encounter is None
        or encounter.fixmedins_code != bill.desk.fixmedins_code
        or encounter.psn_no != bill.psn_no
        or encounter.kind != bill.kind
    ):
        raise not_found("ENCOUNTER_NOT_FOUND", mdtrt_id=bill.mdtrt_id)
    if encounter.insutype != bill.insutype:
        raise invalid(
            "data.insutype",
            "encounter.insutype",
            f"the encounter was registered under {encounter.insutype}",
            insutype=encounter.insutype,
        )
    return encounter


def check_state(bill: Bill, encounter: BilledEncounter, *, trial: bool) -> None:
    """Whether the encounter may be settled as it stands; a trial of a stay may come before discharge.

    Raises ENCOUNTER_STATE for a cancelled one, NOT_DISCHARGED for a stay that goes on without an interim bill.
    """
    if encounter.state == "cancelled" or (encounter.kind == VISIT and encounter.state != "open"):
        raise precondition("ENCOUNTER_STATE", mdtrt_id=encounter.mdtrt_id, state=encounter.state)
    if encounter.kind == STAY and encounter.state == "open" and not (trial or bill.interim):
        raise precondition("NOT_DISCHARGED", mdtrt_id=encounter.mdtrt_id)


def chosen_batches(bill: Bill, batches: Iterable[BilledBatch]) -> list[BilledBatch]:
    """The unsettled batches that the bill names; a stay's bill takes all of them.

    Raises CHARGE_BATCH_NOT_FOUND and BATCH_SETTLED, naming the settlement, where the batch that it names is settled; where
    it means all that is charged, NOTHING_TO_SETTLE if nothing is and CHARGES_SETTLED if all of it is settled.
    """
    every = bill.kind == STAY or bill.chrg_bchno == ALL_BATCHES
    named = [batch for batch in batches if every or batch.chrg_bchno == bill.chrg_bchno]
    unsettled = [batch for batch in named if batch.setl_id is None]
    if unsettled:
        return unsettled
    settled = next((batch.setl_id for batch in reversed(named) if batch.setl_id is not None), None)
    if settled is not None and every:
        raise conflict("CHARGES_SETTLED", mdtrt_id=bill.mdtrt_id, setl_id=settled)
    if settled is not None:
        raise conflict("BATCH_SETTLED", chrg_bchno=bill.chrg_bchno, setl_id=settled)
    if every:
        raise precondition("NOTHING_TO_SETTLE", mdtrt_id=bill.mdtrt_id)
    raise not_found("CHARGE_BATCH_NOT_FOUND", chrg_bchno=bill.chrg_bchno, mdtrt_id=bill.mdtrt_id)


def totals_of_batches(batches: Sequence[BilledBatch]) -> BillTotals:
    """The totals of several batches."""
    if len(batches) == 1:
        only = batches[0]
        return BillTotals(*only[4:9], dict(only.exempt), only.hosp_part_fen)
    exempt: dict[str, int] = {}
    for batch in batches:
        for tag, fen in batch.exempt:
            exempt[tag] = exempt.get(tag, 0) + fen
    return BillTotals(
        sum(batch.medfee_fen for batch in batches),
        sum(batch.fulamt_ownpay_fen for batch in batches),
        sum(batch.overlmt_fen for batch in batches),
        sum(batch.preselfpay_fen for batch in batches),
        sum(batch.inscp_fen for batch in batches),
        exempt,
        sum(batch.hosp_part_fen for batch in batches),
    )


def check_sum(bill: Bill, totals: BillTotals) -> None:
    """Raises FEE_SUM_MISMATCH, naming both sums in yuan, unless the bill's total is that of its lines."""
    if bill.medfee_sumamt_fen != totals.medfee_fen:
        sent, found = yuan_text(bill.medfee_sumamt_fen), yuan_text(totals.medfee_fen)
        raise Fault(
            FaultKind.PRECONDITION,
            "FEE_SUM_MISMATCH",
            {"sent": sent, "found": found},
            violations=[Violation("data.medfee_sumamt_fen", "sum", f"{found} yuan", {"found": found})],
        )


def check_line_parts(sent: SentParts, totals: BillTotals) -> None:
    """`check_sent` as far as the lines alone tell: a policy moves cost only between scope and advance self-pay."""
    check_sent(sent, {"fulamt_ownpay_amt_fen": totals.fulamt_ownpay_fen, "overlmt_selfpay_fen": totals.overlmt_fen})


def check_sent(sent: SentParts, recomputed: Mapping[str, int]) -> None:
    """Raises SPLIT_CHANGED, naming every part sent that is neither 0 nor what was recomputed, with both values."""
    parts = ((name, getattr(sent, name), value) for name, value in recomputed.items())
    found = [(name, told, value) for name, told, value in parts if told and told != value]
    if found:
        name, value, now = found[0]
        raise Fault(
            FaultKind.PRECONDITION,
            "SPLIT_CHANGED",
            {"part": name.removesuffix("_fen"), "sent": yuan_text(value), "found": yuan_text(now)},
            violations=[_recomputed(f"data.{part}", yuan_text(was), yuan_text(is_now)) for part, was, is_now in found],
        )


def _recomputed(path: str, sent: str, found: str) -> Violation:
    values = {"sent": sent, "found": found}
    return Violation(path, "recomputed", f"sent {sent}, recomputed {found} yuan", values)
