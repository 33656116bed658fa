"""Ratio bands in whole-number arithmetic: what a stretch of cost earns, and where a given sum is reached."""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm

from services.kernel.money import round_quotient
from services.kernel.policy.document import Band
from services.settlement.domain.care.lines import MOST_FEN

NO_UPPER_FEN = MOST_FEN * 10**5
"""Stands for a band without end: out of reach of a year of bills, each of which is MOST_FEN at most."""


@dataclass(frozen=True, slots=True)
class BandSet:
    """Bands `(low_fen, high_fen, numerator)` that touch each other, from 0 up, with one denominator for all ratios."""

    denominator: int
    parts: tuple[tuple[int, int, int], ...]


def band_set(bands: tuple[Band, ...]) -> BandSet:
    """The bands of a document over their common denominator."""
    denominator = lcm(*(band.ratio.denominator for band in bands))
    parts = []
    low = 0
    for band in bands:
        high = NO_UPPER_FEN if band.upto_fen is None else band.upto_fen
        parts.append((low, high, int(band.ratio * denominator)))
        low = high
    return BandSet(denominator, tuple(parts))


def earned(bands: BandSet, start_fen: int, end_fen: int) -> int:
    """The sum of overlap times ratio between two positions, over the denominator."""
    total = 0
    if end_fen <= start_fen:
        return total
    for low, high, numerator in bands.parts:
        if high > start_fen:
            if low >= end_fen:
                break
            total += ((end_fen if end_fen < high else high) - (start_fen if start_fen > low else low)) * numerator
    return total


def reached_at(bands: BandSet, start_fen: int, sum_numerator: int) -> int:
    """The first position, rounded to a fen, at which the bands from `start_fen` on have earned a sum (over the denominator).

    The piecewise-linear function is inverted exactly and rounded once; a sum that is never reached gives the very end.
    """
    left = sum_numerator
    if left <= 0:
        return start_fen
    for low, high, numerator in bands.parts:
        if high <= start_fen or not numerator:
            continue
        begin = start_fen if start_fen > low else low
        here = (high - begin) * numerator
        if left <= here:
            return round_quotient(begin * numerator + left, numerator)
        left -= here
    return NO_UPPER_FEN


def uses(bands: BandSet, start_fen: int, end_fen: int) -> tuple[tuple[int, int, int], ...]:
    """The pieces `(from_fen, to_fen, numerator)` of a stretch, band by band: what an explanation prints."""
    return tuple(
        (max(low, start_fen), min(high, end_fen), numerator)
        for low, high, numerator in bands.parts
        if high > start_fen and low < end_fen
    )
