"""Bills of care given here for persons whom another cell insures, as that cell has decided them.

Its ledgers have moved; here the bill, its answer and what each side owes are kept, and nothing is computed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.kernel.errors import invalid
from services.settlement.domain.benefits.outcome import FUND_FIELDS, MONEY_FIELDS, Components
from services.settlement.domain.care.lines import BillTotals

_FUNDS: Final = tuple(f"{name}_fen" for name in FUND_FIELDS)


@dataclass(frozen=True, slots=True)
class BookedCare:
    """What the insured cell has answered: number, moment (microseconds), expiry and benefit year of its settlement, the
    components, and answer and record as opaque bytes. `care_hash` names the lines on which it was decided.
    """

    insured_cell: str
    care_hash: str
    setl_id: str
    setl_at: int
    lapses_at: int
    benefit_year: str
    med_type: str
    components: Components
    response: bytes
    record: bytes

    @property
    def preselfpay_in_base(self) -> bool:
        """Whether a layer has paid for advance self-pay too: the sums say so where they would not add up otherwise."""
        parts = self.components
        outside = parts.fulamt_ownpay_amt_fen + parts.overlmt_selfpay_fen + parts.preselfpay_amt_fen
        return parts.psn_part_amt_fen + parts.hosp_part_amt_fen < outside

    def check_of(self, totals: BillTotals) -> None:
        """INVALID (BILL_UNBALANCED) unless its parts add up and are those of the lines here: the remote adjustment moves cost
        from the scope to the advance self-pay, and nothing else."""
        parts = self.components
        outside = parts.fulamt_ownpay_amt_fen + parts.overlmt_selfpay_fen
        borne = parts.psn_part_amt_fen + parts.hosp_part_amt_fen
        agree = (
            parts.medfee_sumamt_fen == totals.medfee_fen,
            parts.fulamt_ownpay_amt_fen == totals.fulamt_ownpay_fen,
            parts.overlmt_selfpay_fen == totals.overlmt_fen,
            parts.preselfpay_amt_fen >= totals.preselfpay_fen,
            parts.hosp_part_amt_fen == totals.hosp_part_fen,
            parts.medfee_sumamt_fen == outside + parts.preselfpay_amt_fen + parts.inscp_scp_amt_fen,
            parts.medfee_sumamt_fen == parts.fund_pay_sumamt_fen + borne,
            parts.fund_pay_sumamt_fen == sum(getattr(parts, name) for name in _FUNDS),
            parts.psn_part_amt_fen == parts.acct_pay_fen + parts.psn_cash_pay_fen,
            parts.acct_mulaid_pay_fen <= parts.acct_pay_fen,
            borne >= outside,
            all(getattr(parts, name) >= 0 for name in MONEY_FIELDS),
        )
        if not all(agree):
            raise invalid("booked.opened.settlement", "totals.sum", "the parts are the bill", reason="BILL_UNBALANCED")
