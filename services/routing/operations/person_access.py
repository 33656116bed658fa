"""The names under which national members keep things of persons whom they do not know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.routing.domain.hashes import Hasher


@dataclass(frozen=True, slots=True)
class PersonAccess:
    """What PersonAccessService does. `keyed` gives the key of persons' keys."""

    keyed: Callable[[], Hasher]

    def keys(self, psn_nos: Sequence[str]) -> list[bytes]:
        """16 bytes for each number, in the order given."""
        hasher = self.keyed()
        return [hasher.person_key(each) for each in psn_nos]
