"""What is asked of the catalogue's rows, and the rows that come back together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.catalogue.domain.records import PolicyStack, PolicyVersion


@dataclass(frozen=True, slots=True)
class StackRows:
    """The catalogue's head, stacks of some regions, and the versions that their policies have; read at one moment."""

    head: str
    stacks: Sequence[PolicyStack]
    versions: Sequence[PolicyVersion]


@dataclass(frozen=True, slots=True)
class PolicyPlace:
    """A place in the list of policies: that of its last entry."""

    policy_id: str
    from_day: date
    version: str


@dataclass(frozen=True, slots=True)
class InstitutionFilter:
    """What institutions are searched by; empty parts do not count, and the name may be a part of the name."""

    fixmedins_type: str
    fixmedins_name: str
    fixmedins_code: str
