"""Whether a prior examination may stand for a planned one (检查检验结果互认), and why. Pure.

Seven aspects are looked at, each by itself: what does not hold in one is not recognisable, what is not known in one leaves it to
the doctor. It is advice: the judgement of the receiving doctor is the standard (notice of seven departments, November 2024).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Final

from services.imaging.domain.recognition_tables import (
    BOTH,
    INSURANCE,
    LEFT,
    RIGHT,
    UNPAIRED,
    Item,
    RecognitionTables,
    Site,
    Sites,
    city_of,
    division_of,
)
from services.imaging.domain.studies import Availability, Recognition


class Verdict(IntEnum):
    """What becomes of a prior examination."""

    RECOGNISABLE = 1
    # Something is not told; the doctor looks.
    UNKNOWN = 2
    NOT_RECOGNISABLE = 3


class AspectFinding(IntEnum):
    """What was found in one aspect."""

    HOLDS = 1
    NOT_KNOWN = 2
    FAILS = 3


class Ground(IntEnum):
    """Why: tens are the aspect, and of each what holds comes before what is not known and what does not hold."""

    ITEM_EQUAL = 10
    ITEM_BROADER = 11
    ITEM_NOT_TOLD = 12
    ITEM_NOT_MAPPED = 13
    ITEM_OTHER = 14
    PART_EQUAL = 20
    PART_BROADER = 21
    # A broader picture, of a modality that needs one of the part by itself.
    PART_COARSER = 22
    PART_NOT_TOLD = 23
    SIDE_NOT_TOLD = 24
    PART_OTHER = 25
    SIDE_OTHER = 26
    MODALITY_EQUAL = 30
    MODALITY_NOT_TOLD = 31
    MODALITY_OTHER = 32
    AGE_WITHIN = 40
    AGE_NO_RULE = 41
    AGE_OVER = 42
    # It was made after the planned day.
    AGE_LATER = 43
    RANGE_OWN = 50
    RANGE_COVERS = 51
    RANGE_NOT_TOLD = 52
    RANGE_SHORT = 53
    RANGE_NO_MARK = 54
    IMAGE_READY = 60
    IMAGE_NOT_TOLD = 61
    # Only by asking the institution.
    IMAGE_OFFLINE = 62
    # The node that keeps it does not answer at the moment.
    IMAGE_AWAY = 63
    IMAGE_GONE = 64
    QUALITY_PASSED = 70
    # The mark is for items that passed quality control (our decision).
    QUALITY_BY_MARK = 71
    QUALITY_NOT_TOLD = 72
    QUALITY_FAILED = 73


_NO_ITEM: Final[Item] = (INSURANCE, "")
_FAILS: Final = frozenset(
    (
        *(Ground.ITEM_OTHER, Ground.PART_OTHER, Ground.SIDE_OTHER, Ground.MODALITY_OTHER, Ground.AGE_OVER),
        *(Ground.AGE_LATER, Ground.RANGE_SHORT, Ground.RANGE_NO_MARK, Ground.IMAGE_GONE, Ground.QUALITY_FAILED),
    )
)
_NOT_KNOWN: Final = frozenset(
    (
        *(Ground.ITEM_NOT_TOLD, Ground.ITEM_NOT_MAPPED, Ground.PART_COARSER, Ground.PART_NOT_TOLD),
        *(Ground.SIDE_NOT_TOLD, Ground.MODALITY_NOT_TOLD, Ground.AGE_NO_RULE, Ground.RANGE_NOT_TOLD),
        *(Ground.IMAGE_NOT_TOLD, Ground.IMAGE_OFFLINE, Ground.IMAGE_AWAY, Ground.QUALITY_NOT_TOLD),
    )
)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a doctor wants to have made. What is empty is not asked, and no aspect of the judgement; `acute` of disease that
    changes fast."""

    fixmedins_code: str
    day: date
    item_code: str = ""
    item_system: str = INSURANCE
    body_part: str = ""
    modality: str = ""
    acute: bool = False


@dataclass(frozen=True, slots=True)
class Prior:
    """An examination that was made. `marked` is the range of its mark HR, `passed` whether the institution had passed quality
    control that day, both None where nobody told; `away` says that its node does not answer."""

    fixmedins_code: str
    day: date
    items: tuple[Item, ...] = ()
    body_part: str = ""
    sides: frozenset[str] = frozenset()
    modalities: tuple[str, ...] = ()
    marked: Recognition | None = None
    availability: Availability = Availability.UNKNOWN
    away: bool = False
    passed: bool | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and what was found in each aspect that was looked at."""

    verdict: Verdict
    grounds: tuple[Ground, ...]

    @property
    def stands(self) -> bool:
        """Whether nothing speaks against it."""
        return self.verdict is not Verdict.NOT_RECOGNISABLE


def finding(ground: Ground) -> AspectFinding:
    """What a ground says of its aspect."""
    if ground in _FAILS:
        return AspectFinding.FAILS
    return AspectFinding.NOT_KNOWN if ground in _NOT_KNOWN else AspectFinding.HOLDS


def judge(planned: Planned, prior: Prior, tables: RecognitionTables) -> Judgement:
    """Looks at all aspects, and adds them up: the worst finding decides."""
    grounds = tuple(_grounds(planned, prior, tables))
    worst = max(finding(each) for each in grounds)
    return Judgement(Verdict(worst), grounds)


def wanted_modality(planned: Planned, tables: RecognitionTables) -> str:
    """The modality that is planned, or that of the planned item; "" where neither says one."""
    return tables.modality_of(planned.modality) or tables.modality_of(tables.items.get(_wanted_item(planned), ""))


def _wanted_item(planned: Planned) -> Item:
    return planned.item_system, planned.item_code


def _grounds(planned: Planned, prior: Prior, tables: RecognitionTables) -> Iterator[Ground]:
    modality = wanted_modality(planned, tables)
    if planned.item_code:
        yield _best([_item(planned, each, tables) for each in prior.items] or [Ground.ITEM_NOT_TOLD])
    if planned.body_part:
        yield _part(planned, prior, tables, modality)
    if modality:
        yield _modality(modality, prior, tables)
    yield _age(planned, prior, tables, modality)
    yield _range(planned, prior, tables)
    yield _image(prior)
    yield _quality(planned, prior)


def _best(grounds: Sequence[Ground]) -> Ground:
    return min(grounds, key=lambda each: (finding(each), each))


def _item(planned: Planned, told: Item, tables: RecognitionTables) -> Ground:
    wanted = _wanted_item(planned)
    if told == wanted:
        return Ground.ITEM_EQUAL
    if tables.covers_item(wanted, told, planned.day):
        return Ground.ITEM_BROADER
    known = all(tables.knows_item(each, planned.day) for each in (wanted, told))
    # Two codes of one list are two items, whatever else is known of them; of two lists they may mean the same.
    return Ground.ITEM_OTHER if known or wanted[0] == told[0] else Ground.ITEM_NOT_MAPPED


def _part(planned: Planned, prior: Prior, tables: RecognitionTables, modality: str) -> Ground:
    wanted, told = tables.sites_of(planned.body_part), tables.sites_of(prior.body_part)
    if not wanted.whole:
        return Ground.PART_NOT_TOLD
    grounds = [_site(each, told, prior.sides, tables, modality, planned.day) for each in wanted.known]
    # Of several parts the one that stands worst counts.
    return max(grounds, key=lambda each: (finding(each), each))


def _site(
    wanted: Site, told: Sites, sides: frozenset[str], tables: RecognitionTables, modality: str, day: date
) -> Ground:
    broader = tables.broader_parts(wanted.part, modality, day)
    fitting = [_shown(wanted, each, sides, tables) for each in told.known if each.part in broader]
    if fitting:
        return _best(fitting)
    if not told.whole:
        return Ground.PART_NOT_TOLD
    around = tables.around(wanted.part, day)
    return Ground.PART_COARSER if any(each.part in around for each in told.known) else Ground.PART_OTHER


def _shown(wanted: Site, told: Site, sides: frozenset[str], tables: RecognitionTables) -> Ground:
    """Whether a part that was told shows the wanted side; one that has no sides shows both. `sides` are those of the series."""
    fits = Ground.PART_EQUAL if told.part == wanted.part else Ground.PART_BROADER
    if not wanted.side or told.part not in tables.paired:
        return fits
    shown = {told.side} if told.side else sides - {UNPAIRED}
    if not shown:
        return Ground.SIDE_NOT_TOLD
    whole = BOTH in shown or {LEFT, RIGHT} <= shown
    return fits if whole or wanted.side in shown else Ground.SIDE_OTHER


def _modality(wanted: str, prior: Prior, tables: RecognitionTables) -> Ground:
    if not prior.modalities:
        return Ground.MODALITY_NOT_TOLD
    told = {tables.modality_of(each) for each in prior.modalities}
    return Ground.MODALITY_EQUAL if wanted in told else Ground.MODALITY_OTHER


def _age(planned: Planned, prior: Prior, tables: RecognitionTables, modality: str) -> Ground:
    """By the item, part and modality that are planned; what is not asked, as the prior one has it. The shortest counts."""
    age = (planned.day - prior.day).days
    if age < 0:
        return Ground.AGE_LATER
    items = (_wanted_item(planned),) if planned.item_code else prior.items
    modalities = [modality] if modality else [tables.modality_of(each) for each in prior.modalities]
    sites = tables.sites_of(planned.body_part or prior.body_part).known
    found = [
        tables.most_days(each, part, item, planned.day, acute=planned.acute)
        for item in items or (_NO_ITEM,)
        for each in modalities or [""]
        for part in sorted({site.part for site in sites}) or [""]
    ]
    most = _shortest(found)
    if most is None:
        return Ground.AGE_NO_RULE
    return Ground.AGE_WITHIN if age <= most else Ground.AGE_OVER


def _shortest(found: Sequence[int | None]) -> int | None:
    known = [each for each in found if each is not None]
    return min(known) if len(known) == len(found) else None


def _range(planned: Planned, prior: Prior, tables: RecognitionTables) -> Ground:
    if planned.fixmedins_code == prior.fixmedins_code:
        return Ground.RANGE_OWN
    if prior.marked is None:
        return Ground.RANGE_NOT_TOLD
    if prior.marked is Recognition.NONE:
        return Ground.RANGE_NO_MARK
    one, other = division_of(planned.fixmedins_code), division_of(prior.fixmedins_code)
    covers = {
        Recognition.CITY: city_of(one) == city_of(other),
        Recognition.PROVINCE: one[:2] == other[:2],
        Recognition.REGION: one[:2] == other[:2] or tables.same_region(one, other, planned.day),
        Recognition.NATION: True,
    }
    return Ground.RANGE_COVERS if covers[prior.marked] else Ground.RANGE_SHORT


def _image(prior: Prior) -> Ground:
    match prior.availability:
        case Availability.UNAVAILABLE:
            return Ground.IMAGE_GONE
        case Availability.OFFLINE:
            return Ground.IMAGE_OFFLINE
        case _ if prior.away:
            return Ground.IMAGE_AWAY
        case Availability.UNKNOWN:
            return Ground.IMAGE_NOT_TOLD
        case _:
            return Ground.IMAGE_READY


def _quality(planned: Planned, prior: Prior) -> Ground:
    if prior.passed is not None:
        return Ground.QUALITY_PASSED if prior.passed else Ground.QUALITY_FAILED
    # An institution answers for its own results.
    if prior.marked or planned.fixmedins_code == prior.fixmedins_code:
        return Ground.QUALITY_BY_MARK
    return Ground.QUALITY_NOT_TOLD
