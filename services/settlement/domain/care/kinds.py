"""Kinds of care as institutions name them: by the national dictionary, or by a code that their province declares.

Policies and the engine see the national kind; what came is kept and told back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from services.kernel.clock import holds_on
from services.kernel.codes import fits_setting
from services.kernel.errors import invalid
from services.settlement.domain.care.catalogue import LocalKind


class KindOfCare(NamedTuple):
    """A med_type: `national` is the dictionary's code, `local` the province's own where it came so; both empty for none."""

    national: str = ""
    local: str = ""


def check_told(kind: KindOfCare, path: str) -> None:
    """INVALID where neither code is given."""
    if not kind.national and not kind.local:
        raise invalid(path, "enum.not_in", "is required")


def counted(kind: KindOfCare, declared: Sequence[LocalKind], admdvs: str, day: date, path: str) -> KindOfCare:
    """The kind with the national one that its local code counts as on a day; `declared` are the place's, nearest first.

    INVALID: MED_TYPE_UNDECLARED, or INVALID_REQUEST where another national kind was sent beside.
    """
    found = next(
        (each for each in declared if each.code == kind.local and holds_on(day, each.from_day, each.to_day)), None
    )
    if found is None:
        told = {"med_type": kind.local, "admdvs": admdvs, "day": day.isoformat()}
        raise invalid(path, "med_type.declared", "not declared", reason="MED_TYPE_UNDECLARED", **told)
    if kind.national not in ("", found.med_type):
        raise invalid(path, "med_type.counts_as", f"{kind.local} counts as {found.med_type}")
    return KindOfCare(found.med_type, kind.local)


def check_setting(kind: KindOfCare, path: str, *, stay: bool) -> KindOfCare:
    """The kind; INVALID (MED_TYPE_MISMATCH) where a stay, or else a visit, is never of it."""
    if fits_setting(kind.national, stay=stay, local=kind.local):
        return kind
    told = {"med_type": kind.local or kind.national, "kind": kind.national, "care_setting": "stay" if stay else "visit"}
    rule = "med_type.of_stay" if stay else "med_type.of_visit"
    raise invalid(path, rule, reason="MED_TYPE_MISMATCH", **told)


def check_same(kind: KindOfCare, stay: KindOfCare) -> None:
    """INVALID unless what the rows of an upload say, if anything, is the kind of care of their stay."""
    if (kind.local and kind.local != stay.local) or (kind.national and kind.national != stay.national):
        raise invalid("med_type", "same_as_stay", "the stay is of another kind of care")
