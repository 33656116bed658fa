"""What a node's day comes to: how many studies stand, and a digest of them in which their order is of no account. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from services.imaging.domain.studies import KeptStudy

_MODULUS: Final = 1 << 128
_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class DayDigest:
    """Studies of one examination day: their number, and the sum of their entry hashes modulo 2^128."""

    count: int = 0
    total: int = 0

    def plus(self, other: DayDigest) -> DayDigest:
        """Both together."""
        return DayDigest(self.count + other.count, (self.total + other.total) % _MODULUS)

    @property
    def digest(self) -> bytes:
        """The sum, 16 bytes."""
        return self.total.to_bytes(_BYTES, "big")


def digest_of(count: int, digest: bytes) -> DayDigest:
    """Of what a store keeps."""
    return DayDigest(count, int.from_bytes(digest, "big"))


def changes(pairs: Iterable[tuple[KeptStudy | None, KeptStudy]]) -> Mapping[int, DayDigest]:
    """What is to be added to each day for studies that stood so and stand otherwise now; days of which nothing changes are
    left out."""
    days: dict[int, DayDigest] = {}
    for before, after in pairs:
        for study, sign in ((before, -1), (after, 1)):
            if study is None or study.entry_hash is None:
                continue
            one = DayDigest(sign, sign * int.from_bytes(study.entry_hash, "big") % _MODULUS)
            days[study.day] = days.get(study.day, DayDigest()).plus(one)
    return {day: change for day, change in days.items() if change != DayDigest()}
