"""What a settlement tells: its sums, who paid what and how each layer came about. Values only; messages are made elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from services.kernel.codes import FUND_NAMES, HOSPITAL_FUND, account_fund, fund_pay_type, pooling_area
from services.kernel.money import yuan_text
from services.settlement.domain.benefits.outcome import LayerOutcome, Settlement, fund_shares
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.decision import Decision, PreparedBill
from services.settlement.domain.care.bill import BilledEncounter, Desk
from services.settlement.domain.care.catalogue import Institution
from services.settlement.domain.care.insured import Enrolment, Insured

BY_ITEM = "1"
"""clr_way: cleared by item (按项目)."""

_HERE, _SAME_PROVINCE, _OTHER_PROVINCE = "2", "3", "4"


class SettlementAnswer(NamedTuple):
    """A settlement with all that its answer names. `setl_id` and `benefit_year` are empty in a trial."""

    setl_id: str
    request: BillRequest
    encounter: BilledEncounter
    insured: Insured
    enrolment: Enrolment
    institution: Institution
    med_type: str
    benefit_year: str
    settlement: Settlement
    local_med_type: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """One payer's row of the fund detail."""

    fund_pay_type: str
    fund_pay_type_name: str
    fund_payamt_fen: int
    inscp_scp_fen: int
    crt_payb_lmt_fen: int
    setl_proc_info: str


@dataclass(frozen=True, slots=True)
class Reversal:
    """What a counter-entry's answer says beside the negated sums of the original."""

    setl_id: str
    desk: Desk
    setl_at: datetime
    balc_fen: int
    of_stay: bool = False


def answer_of(item: PreparedBill, decision: Decision, setl_id: str) -> SettlementAnswer:
    """What the settlement of a prepared bill tells."""
    return SettlementAnswer(
        setl_id=setl_id,
        request=item.request,
        encounter=item.encounter,
        insured=item.insured,
        enrolment=item.enrolment,
        institution=item.institution,
        med_type=item.med_type,
        benefit_year=item.key.benefit_year,
        settlement=decision.settlement,
        local_med_type=item.local_med_type,
    )


def shares(settlement: Settlement, insutype: str, texts: Iterable[str]) -> list[Share]:
    """The rows of every fund whose layers applied, then account and hospital where they bear something.

    Their sum is fund_pay_sumamt + acct_pay + hosp_part_amt. `texts` are the derivations of the layers, in order.
    """
    told: dict[str, list[str]] = {}
    for layer, text in zip(settlement.layers, texts, strict=True):
        told.setdefault(layer.fund, []).append(text)
    components = settlement.components
    rows = []
    for share in fund_shares(settlement.layers):
        code = fund_pay_type(share.fund, insutype)
        limit = share.crt_payb_lmt_fen or 0
        how = "；".join(told[share.fund])
        rows.append(Share(code, FUND_NAMES[code], share.fund_payamt_fen, share.inscp_scp_fen, limit, how))
    if components.acct_pay_fen:
        code = account_fund(insutype)
        how = f"本人账户{yuan_text(settlement.account.own_fen)}，家庭共济{yuan_text(settlement.account.mutual_fen)}"
        rows.append(Share(code, FUND_NAMES[code], components.acct_pay_fen, 0, 0, how))
    if components.hosp_part_amt_fen:
        rows.append(Share(HOSPITAL_FUND, FUND_NAMES[HOSPITAL_FUND], components.hosp_part_amt_fen, 0, 0, "医院负担"))
    return rows


def derivation(layer: LayerOutcome) -> str:
    """How a layer came to its payment, in Chinese: deductible, bands with their ratios, payment, what lies above the cap."""
    parts = []
    if layer.standard_fen:
        parts.append(f"起付线{yuan_text(layer.standard_fen)}，本次{yuan_text(layer.deductible_fen)}")
    for low, high, numerator in layer.pieces:
        parts.append(f"{yuan_text(low)}至{yuan_text(high)}按{percent(numerator, layer.denominator)}")
    parts.append(f"支付{yuan_text(layer.paid_fen)}")
    if layer.over_fen:
        parts.append(f"超封顶线{yuan_text(layer.over_fen)}")
    return "，".join(parts)


def percent(numerator: int, denominator: int) -> str:
    """A ratio as a percentage with at most four decimals, `72.25%`."""
    whole, rest = divmod(numerator * 1_000_000 // denominator, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0") + "%" if rest else f"{whole}%"


def pay_loc(insuplc_admdvs: str, care_admdvs: str) -> str:
    """Dictionary pay_loc: "2" at the institution, "3" elsewhere in the province, "4" in another province."""
    if pooling_area(insuplc_admdvs) == pooling_area(care_admdvs):
        return _HERE
    return _SAME_PROVINCE if insuplc_admdvs[:2] == care_admdvs[:2] else _OTHER_PROVINCE
