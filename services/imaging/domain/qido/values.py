"""What a value asked looks like, and which values answer it, by value representation (DICOM PS3.4 C.2.2.2, PS3.5 table 6.2-1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from services.imaging.domain.dicom_forms import day_holds, time_holds, uid_holds
from services.imaging.domain.qido import names
from services.imaging.domain.qido.wildcards import is_wild, pattern_of

Matcher = Callable[[tuple[str, ...]], bool]
"""Whether the values of an attribute, none where it has none, answer."""

Range = tuple[str, str]
"""First and last of a range in the full form of its kind, both within."""

MOST_UIDS: Final = 1_000
"""UIDs of one list."""
LONGEST: Final = 1_024

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,12}")
_LISTED: Final = re.compile(r"[,\\]")
_FIRST_DATE, _LAST_DATE = "00000000", "99999999"
_FIRST_TIME, _LAST_TIME = "000000.000000", "235960.999999"
_TIME_FORM: Final = len(_FIRST_TIME)


class WrongValue(ValueError):
    """A value asked that is none of its attribute; `rule` says what is expected."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def uids_of(text: str) -> frozenset[str]:
    """The UIDs of a list, parted by commas or backslashes; WrongValue."""
    found = frozenset(each.strip() for each in _LISTED.split(text))
    if not all(uid_holds(each) for each in found):
        raise WrongValue("dicom.uid")
    if len(found) > MOST_UIDS:
        raise WrongValue("dicom.uids")
    return found


def dates_of(text: str) -> Range:
    """The range of dates that a text names, of one where it is one; WrongValue."""
    first, last = _ends(text, day_holds, "dicom.date")
    return first or _FIRST_DATE, last or _LAST_DATE


def times_of(text: str, *, any_order: bool = False) -> Range:
    """The range of times that a text names, in any order where days stand beside it; `10` is the hour from 10 on; WrongValue."""
    first, last = _ends(text, time_holds, "dicom.time", any_order=any_order)
    return _padded(first or _FIRST_TIME, _FIRST_TIME), _padded(last or _LAST_TIME, _LAST_TIME)


def moment_of(text: str) -> str:
    """A time as DICOM writes it in the form in which times are compared: the parts that are missing are zero."""
    return _padded(text, _FIRST_TIME)


def matcher(vr: str, text: str, fuzzy: bool, readings: Callable[[str], str]) -> Matcher:
    """What values a value asked is answered by; WrongValue. `readings` tells how ideographs are read, for loose comparison."""
    if vr == "UI":
        uids = uids_of(text)
        return lambda values: any(each in uids for each in values)
    if vr == "DA":
        first, last = dates_of(text)
        return lambda values: any(first <= each <= last for each in values)
    if vr == "TM":
        begin, end = times_of(text)
        return lambda values: any(begin <= moment_of(each) <= end for each in values)
    if vr == "IS":
        if _NUMBER.fullmatch(text) is None:
            raise WrongValue("dicom.number")
        number = int(text)
        return lambda values: any(int(each) == number for each in values)
    if vr == "PN":
        return _of_names(text, fuzzy, readings)
    return _of_texts(text, listed=vr == "CS")


def _once_each(matches: Matcher) -> Matcher:
    """The same, of which each value is compared once in a search: a person's name stands in all of the person's studies."""
    known: dict[tuple[str, ...], bool] = {}

    def remembered(values: tuple[str, ...]) -> bool:
        holds = known.get(values)
        if holds is None:
            holds = known[values] = matches(values)
        return holds

    return remembered


def _of_names(text: str, fuzzy: bool, readings: Callable[[str], str]) -> Matcher:
    asked = names.folded(text)
    if not fuzzy:
        return _once_each(lambda values: any(names.matches(asked, names.folded(each)) for each in values))

    def loose(values: tuple[str, ...]) -> bool:
        told = [names.folded(each) for each in values]
        return any(
            names.matches(asked, each) or names.resembles(asked, names.words_of(each, names.folded(readings(each))))
            for each in told
        )

    return _once_each(loose)


def _of_texts(text: str, *, listed: bool) -> Matcher:
    asked = [each.strip() for each in (_LISTED.split(text) if listed else [text])]
    if not any(is_wild(each) for each in asked):
        wanted = frozenset(asked)
        return lambda values: any(each in wanted for each in values)
    patterns = [pattern_of(each) for each in asked]
    return _once_each(lambda values: any(pattern.fullmatch(each) for pattern in patterns for each in values))


def _ends(text: str, one: Callable[[str], bool], rule: str, *, any_order: bool = False) -> Range:
    first, dash, last = text.partition("-")
    first, last = first.strip(), last.strip()
    if not dash:
        last = first
    if (not first and not last) or not all(one(each) for each in (first, last) if each):
        raise WrongValue(rule)
    if not any_order and first and last and _padded(first, _FIRST_TIME) > _padded(last, _LAST_TIME):
        raise WrongValue("dicom.range")
    return first, last


def _padded(text: str, form: str) -> str:
    return text + form[len(text) :] if len(text) < _TIME_FORM else text
