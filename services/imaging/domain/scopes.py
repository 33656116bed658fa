"""What a reader may see of a person's studies, and one study out of the copies of it that nodes hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from services.imaging.domain.studies import Availability, KeptStudy, State, Study

_RANK: Final = {
    Availability.ONLINE: 0,
    Availability.NEARLINE: 1,
    Availability.UNKNOWN: 2,
    Availability.OFFLINE: 3,
    Availability.UNAVAILABLE: 4,
}


ToldAs = tuple[bytes, str, str]
"""Key of a person, institution and UID: as whose a node tells a study of the person."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a decision of the person's cell lets a reader see: no modalities, or no study, named are all; what is hidden wins. The
    grant holds until just before `until`."""

    modalities: frozenset[str] = frozenset()
    study_uid: str = ""
    hidden_studies: frozenset[str] = frozenset()
    hidden_institutions: frozenset[str] = frozenset()
    until: datetime | None = None

    def shows(self, uid: str, study: Study) -> bool:
        """Whether a study is within it. One that has a series of another kind as well is: a picture is not read without it."""
        if uid in self.hidden_studies or study.fixmedins_code in self.hidden_institutions:
            return False
        if self.study_uid and uid != self.study_uid:
            return False
        return not self.modalities or not self.modalities.isdisjoint(study.modalities)


@dataclass(frozen=True, slots=True)
class DecidedScopes:
    """What the persons' cells let a reader see now: a scope by grant, none of one that holds no longer. `away` are cells that do
    not answer: nobody of theirs is shown, and an answer says so.
    """

    scopes: Mapping[str, Scope] = field(default_factory=dict)
    away: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a copy of a study lies: its node, whether studies are fetched from it now, and the address from which they are.

    Of a node that is `behind`, heard last at `heard_at`, something may not be in the index yet.
    """

    node_ref: int
    node_no: str
    up: bool
    root: str
    behind: bool = False
    heard_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a study at a place."""

    kept: KeptStudy
    study: Study
    place: Place

    @property
    def availability(self) -> Availability:
        """How fast it can be fetched: a node that does not answer overrules what it told."""
        return self.study.availability if self.place.up else Availability.UNAVAILABLE


def copies_of(found: Iterable[KeptStudy], places: Mapping[int, Place], own: str = "") -> list[Copy]:
    """Those that may be found, at places that are known; those in conflict only by the institution `own`, whose they are."""
    return [
        Copy(each, each.study, places[each.node_ref])
        for each in found
        if each.study is not None
        and each.node_ref in places
        and (each.state is State.ACTIVE or (own and each.study.fixmedins_code == own))
    ]


def of_hidden_institutions(told: Iterable[ToldAs], scopes: Mapping[bytes, Iterable[Scope]]) -> frozenset[str]:
    """UIDs of studies of which one copy is told as of an institution that its person hides, by scopes of the persons' keys.
    Another node may tell the same study as another institution's, or of another day: what is hidden wins (our decision)."""
    return frozenset(
        uid for key, code, uid in told if any(code in scope.hidden_institutions for scope in scopes.get(key, ()))
    )


def best_of(copies: Iterable[Copy]) -> list[Copy]:
    """One copy of each study: the one that is fetched soonest, of those the one with the highest version (I§6.8: a study at two
    nodes is one study). The latest study first; those of one minute by UID, so that the order stays.
    """
    best: dict[str, Copy] = {}
    for each in copies:
        other = best.get(each.kept.uid)
        if other is None or rank(each) < rank(other):
            best[each.kept.uid] = each
    return sorted(best.values(), key=lambda one: (-one.study.started, one.kept.uid))


def rank(copy: Copy) -> tuple[int, int, int]:
    """By what the better one of two copies is told: the lower."""
    return _RANK[copy.availability], -copy.kept.version, copy.place.node_ref
