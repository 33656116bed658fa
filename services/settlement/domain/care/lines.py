"""The split of a fee line at the catalogue of the place of care, and the totals of a bill: whole numbers only.

A line is split once, when it is uploaded; settlement works on totals. Prices have six decimals of yuan and counts four
(the national interface), so a limit times a count is exact before its one rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from services.kernel.errors import Fault, FaultKind, Violation, invalid
from services.kernel.money import round_quotient

NO_LIMIT_E6 = 999_999_000_000
"""`pric_uplmt_amt` 999999 says "no limit", as an absent one does."""

MOST_FEN = 10**13
"""No amount, sum of an upload or bill is beyond 100 billion yuan, as the contract says of every amount (our decision)."""

_PRICE_TIMES_COUNT = 10**8
"""Yuan over 10**6 times a count over 10**4, brought to fen."""


@dataclass(frozen=True, slots=True)
class LineInput:
    """One fee line as the split needs it.

    `count_e4` is over 10,000, `selfpay_prop_e4` over 10,000, `price_limit_e6` yuan over 10**6 (None: no limit).
    `chrg_class` is A, B or C (甲乙丙). `restricted` is the item's use limit (`lmt_used_flag`), `approval` is
    `hosp_appr_flag`. `tags` are `name=value` flags that policies may exempt, such as `bas_medn_flag=1`. `hosp_bear` says that
    what is over the limit is borne by the hospital (支付标准 of a centrally purchased item).
    """

    amount_fen: int
    count_e4: int
    chrg_class: str
    selfpay_prop_e4: int = 0
    price_limit_e6: int | None = None
    restricted: bool = False
    approval: str = "1"
    tags: frozenset[str] = frozenset()
    hosp_bear: bool = False


class LineSplit(NamedTuple):
    """The four parts of a line; they add up to `amount_fen`. `hosp_part_fen` is what the hospital bears of `overlmt_fen`."""

    amount_fen: int
    fulamt_ownpay_fen: int
    overlmt_fen: int
    preselfpay_fen: int
    inscp_fen: int
    hosp_part_fen: int = 0


class BillTotals(NamedTuple):
    """The sums over a bill's lines. `exempt_inscp_by_tag` holds the in-scope sum of the lines that carry each tag.

    `hosp_part_fen` is no fifth part: `overlmt_fen` holds it.
    """

    medfee_fen: int
    fulamt_ownpay_fen: int
    overlmt_fen: int
    preselfpay_fen: int
    inscp_fen: int
    exempt_inscp_by_tag: Mapping[str, int] = MappingProxyType({})
    hosp_part_fen: int = 0


def sums_of(totals: BillTotals) -> dict[str, int]:
    """The sums of a bill that may not be below zero, in fen by their national names, the whole first."""
    return {
        "medfee_sumamt": totals.medfee_fen,
        "fulamt_ownpay_amt": totals.fulamt_ownpay_fen,
        "overlmt_selfpay": totals.overlmt_fen,
        "preselfpay_amt": totals.preselfpay_fen,
        "inscp_scp_amt": totals.inscp_fen,
        "hosp_part_amt": totals.hosp_part_fen,
    }


def use_not_approved(restricted: bool, approval: str) -> bool:
    """Whether the person bears the line in full: a limited item is reimbursable only when approved (1), an unlimited one
    unless refused (2); flag `hosp_appr_flag` of the national interface."""
    return approval != "1" if restricted else approval == "2"


def check_line(line: LineInput, path: str = "") -> None:
    """Refuses (LINE_INVALID) a class, ratio, limit or approval that no rule knows, with every violation."""
    found = []
    if line.chrg_class not in ("A", "B", "C"):
        found.append(Violation(f"{path}chrg_class", "choice", "A, B or C", {"allowed": "A, B, C"}))
    if not 0 <= line.selfpay_prop_e4 <= 10_000:
        found.append(Violation(f"{path}selfpay_prop", "share.range", "from 0 to 1"))
    if line.price_limit_e6 is not None and line.price_limit_e6 < 0:
        found.append(Violation(f"{path}price_limit", "not_negative", "not negative"))
    if line.approval not in ("0", "1", "2"):
        found.append(Violation(f"{path}approval", "choice", "0, 1 or 2", {"allowed": "0, 1, 2"}))
    if found:
        raise Fault(FaultKind.INVALID, "LINE_INVALID", violations=found)


def split_line(line: LineInput) -> LineSplit:
    """Full self-pay, else over limit, advance self-pay, in scope, in this order; the rest is in scope, so it always adds up.

    Over limit goes before advance self-pay, and halves go away from zero (our decisions). A negative line (a charge-back
    within the bill) is split by the same rule with its sign carried through. What is over the limit stays over the limit
    where the hospital bears it. Raises INVALID (LINE_INVALID).
    """
    amount = line.amount_fen
    kind = line.chrg_class
    if line.restricted or line.approval != "1" or kind not in ("A", "B") or not 0 <= line.selfpay_prop_e4 <= 10_000:
        check_line(line)
        if kind == "C" or use_not_approved(line.restricted, line.approval):
            return LineSplit(amount, amount, 0, 0, 0)
    over = 0
    limit = line.price_limit_e6
    if limit is not None and limit < NO_LIMIT_E6:
        if limit < 0:
            check_line(line)
        excess = abs(amount) - round_quotient(limit * abs(line.count_e4), _PRICE_TIMES_COUNT)
        if excess > 0:
            over = excess if amount >= 0 else -excess
    presel = 0
    if kind == "B" and line.selfpay_prop_e4:
        presel = round_quotient((amount - over) * line.selfpay_prop_e4, 10_000)
    return LineSplit(amount, 0, over, presel, amount - over - presel, over if line.hosp_bear else 0)


def totals_of(splits: Iterable[LineSplit], tags: Iterable[frozenset[str]] = ()) -> BillTotals:
    """The totals of a bill; `tags` are those of the lines, in the same order, or nothing where no line carries any."""
    medfee = fulamt = over = presel = inscp = hosp = 0
    parts = list(splits)
    for amount, full, beyond, advance, scope, borne in parts:
        medfee += amount
        fulamt += full
        over += beyond
        presel += advance
        inscp += scope
        hosp += borne
    by_tag: dict[str, int] = {}
    marked = list(tags)
    if marked:
        if len(marked) != len(parts):
            raise invalid("tags", "length", "one set of tags for each line")
        for part, own in zip(parts, marked, strict=True):
            for tag in own:
                by_tag[tag] = by_tag.get(tag, 0) + part.inscp_fen
    return BillTotals(medfee, fulamt, over, presel, inscp, by_tag, hosp)
