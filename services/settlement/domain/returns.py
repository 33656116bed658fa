"""Returns that name the line they take back: the same goods at the same price, no more than is left, and of each part of
the line the share that is taken back.

A line that is taken back whole leaves nothing, however many returns it took, and whatever the catalogue says meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from services.kernel.errors import Fault, FaultKind, Violation, Violations
from services.kernel.money import round_quotient, scaled_of, scaled_text, yuan_text
from services.settlement.domain.lines import LineSplit
from services.settlement.domain.pricing import SentLine


class Goods(NamedTuple):
    """What a line charges: the code of the catalogue, the institution's own (empty where it was not told), the price."""

    med_list_codg: str
    medins_list_codg: str
    pric: str


@dataclass(slots=True)
class LineLeft:
    """A line of the encounter, and what is left of it behind the returns that stand: `cnt_e4` and `left`.

    `goods` is None for a line that takes something back itself.
    """

    split: LineSplit
    goods: Goods | None
    cnt_e4: int
    left: LineSplit

    def take(self, cnt_e4: int, split: LineSplit) -> None:
        """Takes a return (negative) off what is left."""
        self.cnt_e4 += cnt_e4
        self.left = LineSplit(*(mine + its for mine, its in zip(self.left, split, strict=True)))


def line_left(split: LineSplit, goods: Goods | None, cnt: str) -> LineLeft:
    """A line of which nothing was taken back."""
    return LineLeft(split, goods, scaled_of(cnt, 4), split)


def goods_of(line: SentLine) -> Goods:
    """What a line charges."""
    return Goods(line.med_list_codg, line.medins_list_codg, line.pric)


def split_returns(
    lines: Sequence[SentLine], places: Iterable[int], known: Mapping[str, LineLeft]
) -> dict[int, LineSplit]:
    """The split of each return, by its place; `known` are the lines of the encounter by number, and it is used up.

    NOT_FOUND FEE_LINE_NOT_FOUND for a line that does not stand here, INVALID RETURN_MISMATCH for other goods, another price
    or a line that is a return itself, PRECONDITION RETURN_EXCEEDS_LINE for more than is left; each names all its fields.
    """
    lost, other, beyond = _Refused(lines), _Refused(lines), _Refused(lines)
    splits: dict[int, LineSplit] = {}
    for place in places:
        line = lines[place]
        origin = known.get(line.init_feedetl_sn)
        if origin is None:
            lost.add(place, "standing_line", "init_feedetl_sn")
        elif origin.goods is None:
            other.add(place, "return.of_return", "init_feedetl_sn")
        elif differing := _differing(goods_of(line), origin.goods):
            for name, rule in differing:
                other.add(place, rule, name, origin=line.init_feedetl_sn)
        elif origin.cnt_e4 + line.count_e4 < 0:
            beyond.add(place, "return.count_left", "cnt", left=scaled_text(origin.cnt_e4, 4))
        elif origin.left.amount_fen + line.amount_fen < 0:
            left = yuan_text(origin.left.amount_fen)
            beyond.add(place, "return.amount_left", "det_item_fee_sumamt_fen", left=left)
        else:
            splits[place] = _share(origin.split, origin.left, line.amount_fen)
            origin.take(line.count_e4, splits[place])
    lost.raise_if_any(FaultKind.NOT_FOUND, "FEE_LINE_NOT_FOUND")
    other.raise_if_any(FaultKind.INVALID, "RETURN_MISMATCH")
    beyond.raise_if_any(FaultKind.PRECONDITION, "RETURN_EXCEEDS_LINE")
    return splits


def _differing(goods: Goods, origin: Goods) -> list[tuple[str, str]]:
    """The fields in which a return is not of its line. An own code that one of them does not tell says nothing."""
    found = []
    if goods.med_list_codg != origin.med_list_codg:
        found.append(("med_list_codg", "return.same_item"))
    if goods.medins_list_codg and origin.medins_list_codg and goods.medins_list_codg != origin.medins_list_codg:
        found.append(("medins_list_codg", "return.same_own_item"))
    if scaled_of(goods.pric, 6) != scaled_of(origin.pric, 6):
        found.append(("pric", "return.same_price"))
    return found


def _share(whole: LineSplit, left: LineSplit, amount_fen: int) -> LineSplit:
    """What a return of `amount_fen` (negative) takes off each part: what is left then is what the rest of the line keeps.

    Each part keeps its share of the money that is left. The sums of the first part, of the first two and so on are
    rounded, not the parts, so that no part is ever below zero and they always add up (our decision).
    """
    rest = left.amount_fen + amount_fen
    ends, end = [0], 0
    for part in whole[1:5]:
        end += part
        ends.append(end - round_quotient(end * (whole.amount_fen - rest), whole.amount_fen) if end else 0)
    full, over, presel, scope = (high - low for low, high in pairwise(ends))
    hosp = over if whole.hosp_part_fen else 0
    kept = LineSplit(rest, full, over, presel, scope, hosp)
    return LineSplit(*(after - before for after, before in zip(kept, left, strict=True)))


class _Refused:
    """Returns that break one kind of rule."""

    def __init__(self, lines: Sequence[SentLine]) -> None:
        self._lines = lines
        self._places: dict[int, None] = {}
        self._violations = Violations()

    def add(self, place: int, rule: str, name: str, **values: str) -> None:
        self._places[place] = None
        self._violations.add(Violation(f"feedetail[{place}].{name}", rule, values=values))

    def raise_if_any(self, kind: FaultKind, reason: str) -> None:
        if self._places:
            first = self._lines[next(iter(self._places))].feedetl_sn
            told = {"feedetl_sn": first, "lines": str(len(self._places))}
            raise Fault(kind, reason, told, violations=self._violations)
