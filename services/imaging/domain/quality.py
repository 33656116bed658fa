"""Quality control of institutions: who passed it for which modality, from which day on. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Quality:
    """A result: of an institution, for a modality or for all where that is "", from a day until the next one."""

    fixmedins_code: str
    modality: str
    from_day: date
    passed: bool


def passed(results: Iterable[Quality], fixmedins_code: str, modalities: Iterable[str], day: date) -> bool | None:
    """Whether an institution had passed on a day, for all of these modalities; None where nobody told of one. What was told of a
    modality goes before what was told of all."""
    of_it = [each for each in results if each.fixmedins_code == fixmedins_code and each.from_day <= day]
    states = {_last(of_it, each) for each in modalities} or {_last(of_it, "")}
    if False in states:
        return False
    return None if None in states else True


def _last(results: list[Quality], modality: str) -> bool | None:
    for wanted in dict.fromkeys((modality, "")):
        found = [each for each in results if each.modality == wanted]
        if found:
            return max(found, key=lambda each: each.from_day).passed
    return None
