"""What recognition is judged by: which item says as much as another, which part holds which, how old a result may be, and which
provinces recognise each other's. All of it counts between days. Pure.

No such table is public as a whole, so that what is shipped is our decision; a province puts its own in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar

T = TypeVar("T")

INSURANCE: Final = ""
"""Code system of an item that names none: codes of the insurance catalogue (med_list_codg; our decision)."""
LEFT, RIGHT, BOTH, UNPAIRED = "L", "R", "B", "U"
"""Sides as (0020,0060) has them."""

_APART: Final = re.compile(r"[、,，;；+/|\s]+|及|和|与")
_SIDES: Final = {"左": LEFT, "右": RIGHT, "双": BOTH}
_TAIL: Final = re.compile(r"(?:CT|MRI?|DR|X线)?(?:平扫|增强|扫描|检查|正侧位|正位|侧位)*$")
_MUNICIPALITIES: Final = frozenset(("11", "12", "31", "50"))
_RULED_BY_PROVINCE: Final = "90"
_MOST_STEPS: Final = 8


@dataclass(frozen=True, slots=True)
class DayRange:
    """From a day to a day, both within; without an end where that is not known."""

    first: date
    last: date | None = None

    def hold(self, day: date) -> bool:
        """Whether a day is within."""
        return self.first <= day and (self.last is None or day <= self.last)


Item = tuple[str, str]
"""Code system and code."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What the first says is told by the second as well: items, or parts of the body. Of parts, for these modalities; elsewhere
    the broader picture may not do."""

    of: str
    by: str
    days: DayRange
    modalities: frozenset[str] = frozenset()
    of_system: str = INSURANCE
    by_system: str = INSURANCE


@dataclass(frozen=True, slots=True)
class Validity:
    """For how many days a result holds: of a modality, a part and an item, "" for any, and of disease that is acute or is not."""

    modality: str
    part: str
    item: str
    acute: bool
    most_days: int
    days: DayRange
    system: str = INSURANCE


@dataclass(frozen=True, slots=True)
class Site:
    """A part of the body by its term in DICOM, and its side: L, R, B for both, or "" where none is told."""

    part: str
    side: str = ""


@dataclass(frozen=True, slots=True)
class Sites:
    """The parts that a text names; `whole` where every word of it is known."""

    known: frozenset[Site] = frozenset()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Region:
    """A province whose region recognises results together."""

    name: str
    province: str
    days: DayRange


@dataclass(frozen=True, slots=True)
class RecognitionTables:
    """All of it. `items` are the modalities of known items, `words` what parts and modalities are called; `paired` parts have
    sides."""

    items: Mapping[Item, str] = field(default_factory=dict)
    item_covers: tuple[Cover, ...] = ()
    parts: frozenset[str] = frozenset()
    paired: frozenset[str] = frozenset()
    part_covers: tuple[Cover, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    alike: Mapping[str, str] = field(default_factory=dict)
    validities: tuple[Validity, ...] = ()
    regions: tuple[Region, ...] = ()

    def modality_of(self, text: str) -> str:
        """A modality's term out of what it is called, of those that are alike one: DR is DX, and CR too."""
        term = self.words.get(text.strip().upper(), text.strip().upper())
        return self.alike.get(term, term)

    def sites_of(self, text: str) -> Sites:
        """The parts of `CHEST`, `左膝关节` or `胸部、腹部`."""
        words = [each for each in _APART.split(text.strip()) if each]
        found = [self._site(each) for each in words]
        return Sites(frozenset(each for each in found if each is not None), bool(found) and None not in found)

    def _site(self, word: str) -> Site | None:
        side = _SIDES.get(word[0], "")
        for text in (word, word[1:] if side else word):
            for name in (text, _TAIL.sub("", text)):
                term = self.words.get(name.upper(), name.upper())
                if term in self.parts:
                    return Site(term, side if term in self.paired else "")
        return None

    def covers_item(self, wanted: Item, told: Item, day: date) -> bool:
        """Whether an item says all that another one does: itself, or one that is broader, over several steps."""
        pairs = (
            ((each.of_system, each.of), (each.by_system, each.by)) for each in self.item_covers if each.days.hold(day)
        )
        return told in _reached(wanted, pairs)

    def knows_item(self, item: Item, day: date) -> bool:
        """Whether anything is known of an item."""
        ends = ((each.of_system, each.of, each.by_system, each.by) for each in self.item_covers if each.days.hold(day))
        return item in self.items or any(item in ((one, two), (three, four)) for one, two, three, four in ends)

    def broader_parts(self, part: str, modality: str, day: date) -> frozenset[str]:
        """Parts whose picture of a modality shows a part as well as its own does; itself among them."""
        pairs = ((each.of, each.by) for each in self.part_covers if each.days.hold(day) and modality in each.modalities)
        return _reached(part, pairs)

    def around(self, part: str, day: date) -> frozenset[str]:
        """Parts that a part lies in, whatever the modality; itself among them."""
        return _reached(part, ((each.of, each.by) for each in self.part_covers if each.days.hold(day)))

    def most_days(self, modality: str, part: str, item: Item, day: date, *, acute: bool) -> int | None:
        """For how many days a result holds, by the row that says most about it: of the item before of the part before of the
        modality, of two that say as much the shorter one; None where none does. A row of a part is of all that lies in it."""
        around = self.around(part, day) if part else frozenset()
        fitting = [
            each
            for each in self.validities
            if each.acute == acute
            and each.days.hold(day)
            and each.modality in ("", modality)
            and (not each.part or each.part in around)
            and (not each.item or (each.system, each.item) == item)
        ]
        best = max(
            fitting,
            key=lambda each: (
                bool(each.item),
                each.part == part,
                bool(each.part),
                bool(each.modality),
                -each.most_days,
            ),
            default=None,
        )
        return None if best is None else best.most_days

    @property
    def longest_days(self) -> int:
        """For how many days any result holds at most."""
        return max((each.most_days for each in self.validities), default=0)

    def same_region(self, one: str, other: str, day: date) -> bool:
        """Whether the provinces of two divisions recognise results together."""
        named = [
            {each.name for each in self.regions if each.province == code[:2] and each.days.hold(day)}
            for code in (one, other)
        ]
        return not named[0].isdisjoint(named[1])


def division_of(fixmedins_code: str) -> str:
    """The division in an institution's code: the six digits behind its letter (our decision)."""
    return fixmedins_code[1:7]


def city_of(division: str) -> str:
    """What tells a division's city: its province's digits in the four municipalities, all digits of a county that its province
    rules itself, else four."""
    if division[:2] in _MUNICIPALITIES:
        return division[:2]
    return division if division[2:4] == _RULED_BY_PROVINCE else division[:4]


def _reached(start: T, pairs: Iterable[tuple[T, T]]) -> frozenset[T]:
    """Whatever steps lead to from a start, itself among them."""
    steps: dict[T, set[T]] = {}
    for one, other in pairs:
        steps.setdefault(one, set()).add(other)
    found, edge = {start}, {start}
    for _ in range(_MOST_STEPS):
        edge = {other for one in edge for other in steps.get(one, ())} - found
        if not edge:
            break
        found |= edge
    return frozenset(found)
