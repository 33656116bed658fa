"""Returns that name the line they take back: the same goods at the same price, no more than is left, and of each part of
the line the share that is taken back.

A line that is taken back whole leaves nothing, however many returns it took, and whatever the catalogue says meanwhile.
What is left of a line can always be taken back as a whole, also where rounded returns have left it more or less than its
price times its count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from services.kernel.errors import Fault, FaultKind, Violation, Violations
from services.kernel.money import scaled_of, scaled_text, yuan_text
from services.settlement.domain.care.lines import LineSplit
from services.settlement.domain.care.pricing import SentLine


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
    or a line that is a return itself, PRECONDITION RETURN_EXCEEDS_LINE for more than is left, INVALID LINE_AMOUNT_MISMATCH
    where count or amount is above zero, or price times count is not the amount and it is not all that is left (our decision);
    each names all its fields.
    """
    lost, other, beyond, uneven = _Refused(lines), _Refused(lines), _Refused(lines), _Refused(lines)
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
        elif line.count_e4 > 0 or line.amount_fen > 0:
            uneven.add(place, "return.sign", "cnt" if line.count_e4 > 0 else "det_item_fee_sumamt_fen")
        elif origin.cnt_e4 + line.count_e4 < 0:
            beyond.add(place, "return.count_left", "cnt", left=scaled_text(origin.cnt_e4, 4))
        elif origin.left.amount_fen + line.amount_fen < 0:
            left = yuan_text(origin.left.amount_fen)
            beyond.add(place, "return.amount_left", "det_item_fee_sumamt_fen", left=left)
        elif not line.adds_up and (origin.cnt_e4, origin.left.amount_fen) != (-line.count_e4, -line.amount_fen):
            uneven.add(place, "price_times_count", "det_item_fee_sumamt_fen")
        else:
            splits[place] = _share(origin.split, origin.left, line.amount_fen)
            origin.take(line.count_e4, splits[place])
    lost.raise_if_any(FaultKind.NOT_FOUND, "FEE_LINE_NOT_FOUND")
    other.raise_if_any(FaultKind.INVALID, "RETURN_MISMATCH")
    beyond.raise_if_any(FaultKind.PRECONDITION, "RETURN_EXCEEDS_LINE")
    uneven.raise_if_any(FaultKind.INVALID, "LINE_AMOUNT_MISMATCH")
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

    Each part keeps its share of the money that is left, rounded as `_shared` does, and never more than it had: no return
    gives a part anything back, whatever it takes from the others.
    """
    rest = left.amount_fen + amount_fen
    full, over, presel, scope = _shared(rest, whole[1:5], left[1:5])
    hosp = over if whole.hosp_part_fen else 0
    kept = LineSplit(rest, full, over, presel, scope, hosp)
    return LineSplit(*(after - before for after, before in zip(kept, left, strict=True)))


def _shared(rest: int, weights: Sequence[int], most: Sequence[int]) -> list[int]:
    """`rest` fen shared by weight, each share a whole number and not above its `most`; those are at least `rest` together.

    The fen that whole shares leave go one by one to the part that is furthest behind its weight (Sainte-Laguë's rule, our
    decision): as `rest` falls no share rises, and of the three parts that a line can have none is a whole fen off.
    """
    room = [max(each, 0) for each in most]
    total = sum(weights)
    shares = [min(rest * weight // total, limit) if total else 0 for weight, limit in zip(weights, room, strict=True)]
    missing = rest - sum(shares)
    while missing:
        places = [place for place, share in enumerate(shares) if share < room[place]]
        place = max(places, key=lambda each: Fraction(weights[each], 2 * shares[each] + 1))
        # One fen at a time while all have their share; more where lines of before leave room in one part alone.
        step = 1 if missing <= len(shares) else min(missing - len(shares), room[place] - shares[place])
        shares[place] += step
        missing -= step
    return shares


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
