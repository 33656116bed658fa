"""What a settlement answers: the components of the national answer in fen, and layer by layer how each came about.

Only values and their identities; how they are computed stands in `settle`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import NamedTuple

FUND_FIELDS = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay")


@dataclass(frozen=True, slots=True)
class Components:
    """The components of a settlement (all at least 0) or of a refund (all at most 0, the ratio excepted).

    Names are the national ones with their unit. `acct_pay` contains `acct_mulaid_pay`. The national name
    `pool_prop_selfpay` means a ratio in answers (`pool_prop_selfpay_e4`, over 10,000) and an amount in the central
    tables: `pool_prop_selfpay_amt_fen` is what the person bears of the pool's base above the deductible (our decision).
    """

    medfee_sumamt_fen: int
    fulamt_ownpay_amt_fen: int
    overlmt_selfpay_fen: int
    preselfpay_amt_fen: int
    inscp_scp_amt_fen: int
    act_pay_dedc_fen: int
    hifp_pay_fen: int
    cvlserv_pay_fen: int
    hifes_pay_fen: int
    hifmi_pay_fen: int
    hifob_pay_fen: int
    maf_pay_fen: int
    oth_pay_fen: int
    fund_pay_sumamt_fen: int
    psn_part_amt_fen: int
    acct_pay_fen: int
    acct_mulaid_pay_fen: int
    psn_cash_pay_fen: int
    hosp_part_amt_fen: int
    pool_prop_selfpay_amt_fen: int
    pool_prop_selfpay_e4: int


MONEY_FIELDS = tuple(part.name for part in fields(Components) if part.name.endswith("_fen"))


class AccountUse(NamedTuple):
    """The account money of a settlement. `own_fen` contains `first_fen`, what went before the deductible; of it
    `current_year_fen` came from this year's part. `balc_fen` is the own balance afterwards. `at_bank` says that a bank keeps the
    own account: it owes `own_fen`, and no ledger here moves."""

    first_fen: int
    own_fen: int
    current_year_fen: int
    mutual_fen: int
    balc_fen: int
    at_bank: bool = False


@dataclass(frozen=True, slots=True)
class BandUse:
    """A stretch of cost and the ratio that it earned."""

    from_fen: int
    to_fen: int
    ratio: Fraction


@dataclass(frozen=True, slots=True)
class CapUse:
    """A ceiling as it was met; `room_fen` is what was left of it before this settlement."""

    key: str
    on_fund: bool
    ceiling_fen: int
    room_fen: int


class LayerOutcome(NamedTuple):
    """One layer's part: deductible + covered + over = base, and paid is what its fund bears of the covered cost.

    `standard_fen` is the nominal deductible (0 where there is none). `pieces` are `(from_fen, to_fen, numerator)` over
    `denominator`, by position on the band scale (of the bill or of the year). `caps` name only ceilings that are set.
    """

    policy: str
    layer: str
    stage: int
    fund: str
    base_kind: str
    base_fen: int
    standard_fen: int
    deductible_fen: int
    covered_fen: int
    over_fen: int
    paid_fen: int
    pieces: tuple[tuple[int, int, int], ...]
    denominator: int
    caps: tuple[CapUse, ...]

    @property
    def bands(self) -> tuple[BandUse, ...]:
        """The stretches with their exact ratios."""
        return tuple(BandUse(low, high, Fraction(part, self.denominator)) for low, high, part in self.pieces)

    @property
    def room_fen(self) -> int | None:
        """The smallest room that a ceiling left, None without one."""
        return min((cap.room_fen for cap in self.caps), default=None)


class Settlement(NamedTuple):
    """The answer of `settle`: nothing was written yet. `accumulator_deltas` holds the keys that move, resolved."""

    components: Components
    account: AccountUse
    remote_selfpay_fen: int
    accumulator_deltas: Mapping[str, int]
    layers: tuple[LayerOutcome, ...]
    policies: tuple[str, ...]

    @property
    def preselfpay_in_base(self) -> bool:
        """Whether a layer pays for advance self-pay too."""
        return any(layer.base_kind == "personal_inscp_plus_presel" for layer in self.layers)


@dataclass(frozen=True, slots=True)
class FundShare:
    """One fund's row of the fund detail (`setldetail`); `crt_payb_lmt_fen` is None where no ceiling is set."""

    fund: str
    fund_payamt_fen: int
    inscp_scp_fen: int
    crt_payb_lmt_fen: int | None


def fund_shares(layers: Iterable[LayerOutcome]) -> tuple[FundShare, ...]:
    """The rows of the fund detail, one for each fund whose layers applied; their sum is `fund_pay_sumamt`.

    Account and hospital rows are not funds; the servicer adds them. Where several layers pay from one fund the base is
    the widest and the ceiling the largest (our decision).
    """
    rows: dict[str, FundShare] = {}
    for part in layers:
        known = rows.get(part.fund)
        room = part.room_fen
        if known is None:
            rows[part.fund] = FundShare(part.fund, part.paid_fen, part.base_fen, room)
            continue
        limit = None if room is None or known.crt_payb_lmt_fen is None else max(room, known.crt_payb_lmt_fen)
        paid, base = known.fund_payamt_fen + part.paid_fen, max(known.inscp_scp_fen, part.base_fen)
        rows[part.fund] = FundShare(part.fund, paid, base, limit)
    return tuple(rows.values())


def national_components(components: Components) -> dict[str, int]:
    """The money components by their national names, in fen, without the central tables' second meaning of a name."""
    return {
        name.removesuffix("_fen"): getattr(components, name)
        for name in MONEY_FIELDS
        if name != "pool_prop_selfpay_amt_fen"
    }
