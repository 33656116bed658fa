"""A fee line as it is sent, checked against its own arithmetic and split by the item that applies on its day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import compress
from typing import Final

from services.kernel.clock import beijing_day
from services.kernel.errors import Fault, FaultKind, Violation, invalid
from services.kernel.money import scaled_of, scaled_text, yuan_text
from services.settlement.domain.care.catalogue import ItemKey, PricedItem
from services.settlement.domain.care.lines import MOST_FEN, LineInput, LineSplit, split_line

_ONE_FEN_E10 = 10**8

_EXEMPT_TAGS: Final = {
    (essential, negotiated): frozenset((f"bas_medn_flag={essential:d}", f"hi_nego_drug_flag={negotiated:d}"))
    for essential in (False, True)
    for negotiated in (False, True)
}


@dataclass(frozen=True, slots=True)
class SentLine:
    """A line as the hospital sends it; a return has a negative count. `detail` is the whole line as opaque bytes.

    `cnt` and `pric` (yuan) are decimal texts of at most four and six digits; `hosp_appr_flag` is the dictionary's code.
    """

    feedetl_sn: str
    init_feedetl_sn: str
    chrg_bchno: str
    fee_at: datetime
    med_list_codg: str
    amount_fen: int
    cnt: str
    pric: str
    hosp_appr_flag: str
    detail: bytes
    medins_list_codg: str = ""

    @property
    def count_e4(self) -> int:
        """The count over 10,000."""
        return scaled_of(self.cnt, 4)

    @property
    def is_return(self) -> bool:
        """Whether it takes something back."""
        return self.amount_fen < 0 or self.cnt.startswith("-")

    @property
    def names_origin(self) -> bool:
        """Whether it takes back a line that it names."""
        return self.is_return and self.init_feedetl_sn != ""

    @property
    def adds_up(self) -> bool:
        """Whether price times count is the amount within 0.01 yuan."""
        return abs(scaled_of(self.pric, 6) * self.count_e4 - self.amount_fen * _ONE_FEN_E10) <= _ONE_FEN_E10


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line with the item it was split by; what a return takes back is split as the share of its line (`returns`)."""

    sent: SentLine
    item: PricedItem
    split: LineSplit
    tags: frozenset[str]


def check_amounts(lines: Sequence[SentLine]) -> None:
    """Price times count is the amount within 0.01 yuan (nhsa interface, checks of 2204), and counts have four digits.

    A return that names its line is compared with what is left of that (`returns`), when it is known.
    INVALID: INVALID_REQUEST or LINE_AMOUNT_MISMATCH, naming every line that fails; AMOUNT_INVALID where charges or returns
    together are beyond what any bill may hold.
    """
    too_fine = [place for place, line in enumerate(lines) if len(_decimals(line.cnt)) > 4]
    if too_fine:
        raise _refused("INVALID_REQUEST", lines, too_fine, "cnt", "decimal.digits_4")
    wrong = [place for place, line in enumerate(lines) if not line.names_origin and not line.adds_up]
    if wrong:
        raise _refused("LINE_AMOUNT_MISMATCH", lines, wrong, "det_item_fee_sumamt_fen", "price_times_count")
    if sum(abs(line.amount_fen) for line in lines) > MOST_FEN:
        most = yuan_text(MOST_FEN)
        raise invalid("feedetail", "amount.most", f"at most {most} yuan together", reason="AMOUNT_INVALID", most=most)


def item_key(line: SentLine, origin_days: Mapping[str, date]) -> ItemKey:
    """What to ask the catalogue for a line: its item on its own day.

    A return is split as on the day of the line it takes back, so that taking all of it back leaves nothing (our decision).
    """
    day = (origin_days.get(line.init_feedetl_sn) if line.is_return else None) or beijing_day(line.fee_at)
    return ItemKey(line.med_list_codg, day)


def check_known(lines: Sequence[SentLine], keys: Sequence[ItemKey], items: Mapping[ItemKey, PricedItem]) -> None:
    """INVALID (ITEM_UNKNOWN) naming all lines whose code is not in the catalogue."""
    unknown = [place for place, key in enumerate(keys) if key not in items]
    if unknown:
        raise _refused("ITEM_UNKNOWN", lines, unknown, "med_list_codg", "in_catalogue_on_day")


def price_line(line: SentLine, item: PricedItem) -> PricedLine:
    """A line split by its item."""
    tags = exempt_tags(item.bas_medn_flag, item.hi_nego_drug_flag)
    split = split_line(
        LineInput(
            amount_fen=line.amount_fen,
            count_e4=line.count_e4,
            chrg_class=item.chrg_class,
            selfpay_prop_e4=item.selfpay_prop_e4,
            price_limit_e6=item.price_limit_e6,
            restricted=item.lmt_used_flag,
            approval=line.hosp_appr_flag,
            tags=tags,
            hosp_bear=item.hosp_bear,
        )
    )
    return PricedLine(line, item, split, tags)


def exempt_tags(bas_medn_flag: bool, hi_nego_drug_flag: bool) -> frozenset[str]:
    """The flags by which a policy may free lines from its deductible, as 福州 does with essential drugs."""
    return _EXEMPT_TAGS[bas_medn_flag, hi_nego_drug_flag]


def exempt_sums(inscp: Sequence[int], essential: Sequence[bool], negotiated: Sequence[bool]) -> dict[str, int]:
    """What the lines that carry each of these flags have in scope, in fen: the sums of `exempt_tags`, column by column."""
    found: dict[str, int] = {}
    for name, flags in (("bas_medn_flag", essential), ("hi_nego_drug_flag", negotiated)):
        flagged = sum(compress(inscp, flags))
        if any(flags):
            found[f"{name}=1"] = flagged
        if not all(flags):
            found[f"{name}=0"] = sum(inscp) - flagged
    return found


def ratio_text_of(item: PricedItem) -> str:
    """The advance self-pay ratio as the answer of 2204 writes it, four decimals."""
    return scaled_text(item.selfpay_prop_e4, 4)


def _decimals(number: str) -> str:
    return number.partition(".")[2].rstrip("0")


def _refused(reason: str, lines: Sequence[SentLine], places: Sequence[int], field: str, rule: str) -> Fault:
    """One refusal for all lines that break a rule; the text names the first by its own number."""
    return Fault(
        FaultKind.INVALID,
        reason,
        {"feedetl_sn": lines[places[0]].feedetl_sn, "lines": str(len(places))},
        violations=[Violation(f"feedetail[{place}].{field}", rule) for place in places],
    )
