"""Why the engine refuses a bill, told to the institution that sent it: by fields it can send, kinds of care and places.

Policies and layers are the engine's own names: an institution knows none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from services.kernel.errors import Fault, Violation, precondition
from services.settlement.domain.care.bill import ALL_BATCHES, VISIT, Bill, BilledBatch, totals_of_batches
from services.settlement.domain.care.kinds import KindOfCare
from services.settlement.domain.care.lines import sums_of

_SUM: Final = "data.medfee_sumamt_fen"
# Who can mend a missing fact, and by which field of a bill: path and rule. What is not here stands in the enrolment.
_FACTS: Final[Mapping[str, tuple[str, str]]] = {
    "disease": ("data.mdtrt_id", "fact.disease"),
    "chronic_class": ("data.mdtrt_id", "fact.disease"),
    "hosp_lv": ("desk.fixmedins_code", "fact.institution"),
    "own_current_year_balance": ("data.acct_used_flag", "fact.balance"),
}
_ENROLMENT: Final = ("data.psn_no", "fact.enrolment")


def not_covered(care: KindOfCare, insuplc_admdvs: str) -> Fault:
    """PRECONDITION (NOT_COVERED_BY_POLICY): the policies of the insured place have no rule for this care."""
    told = care.local or care.national
    return precondition("NOT_COVERED_BY_POLICY", insuplc_admdvs=insuplc_admdvs, med_type=told, kind=care.national)


def told_refusal(
    fault: Fault,
    bill: Bill,
    care: KindOfCare,
    insuplc_admdvs: str,
    chosen: Sequence[BilledBatch],
    all_: Sequence[BilledBatch],
) -> Fault:
    """The refusal as the institution can act on it; `chosen` are the batches of the bill, `all_` those of its encounter.

    A kind of care that was told and that no policy reads is not missing: NOT_COVERED_BY_POLICY.
    """
    if fault.reason == "NOT_COVERED_BY_POLICY":
        return not_covered(care, insuplc_admdvs)
    if fault.reason == "FACT_MISSING":
        names = fault.metadata["facts"].split(",")
        return not_covered(care, insuplc_admdvs) if "med_type" in names else _missing(fault, names, bill)
    if fault.reason == "BILL_NEGATIVE":
        return _negative(fault, bill, chosen, all_)
    return fault


def _missing(fault: Fault, names: Sequence[str], bill: Bill) -> Fault:
    by = "2203" if bill.kind == VISIT else "2401"
    found: dict[tuple[str, str], Violation] = {}
    for name in names:
        path, rule = _FACTS.get(name, _ENROLMENT)
        found.setdefault((path, rule), Violation(path, rule, values={"fact": name, "by": by}))
    return Fault(fault.kind, fault.reason, {"facts": ",".join(names)}, violations=found.values())


def _negative(fault: Fault, bill: Bill, chosen: Sequence[BilledBatch], all_: Sequence[BilledBatch]) -> Fault:
    """By what would help: a bill of all that is open, the settlement that took the charges undone, or neither."""
    unsettled = [batch for batch in all_ if batch.setl_id is None]
    settled = next((batch.setl_id for batch in reversed(all_) if batch.setl_id is not None), "")
    if len(unsettled) > len(chosen) and _is_bill(unsettled):
        violation = Violation(_SUM, "bill.other_batches", values={"all": ALL_BATCHES})
    elif settled and _is_bill(all_):
        rule = "bill.settled_of_visit" if bill.kind == VISIT else "bill.settled_of_stay"
        violation = Violation(_SUM, rule, values={"setl_id": settled})
    else:
        violation = Violation(_SUM, "bill.returns_beyond")
    return Fault(fault.kind, fault.reason, fault.metadata, violations=[violation])


def _is_bill(batches: Sequence[BilledBatch]) -> bool:
    return min(sums_of(totals_of_batches(batches)).values()) >= 0
