"""The ratio that a case of facts meets: table value, transforms in order, then the change for remote care, then the clip.

One reading of the rule for the engine's compiler and for the lints; exact fractions, slow on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from services.kernel.policy.conditions import holds
from services.kernel.policy.document import Band, FactValue, Layer, RemoteRule, Transform
from services.kernel.policy.layers import POOL_STAGE


def transformed(
    bands: tuple[Band, ...], transforms: tuple[Transform, ...], facts: Mapping[str, FactValue]
) -> tuple[Band, ...]:
    """The bands after every transform whose condition holds; not clipped yet, a bonus may pass 100 %."""
    for change in transforms:
        if holds(change.when, facts):
            bands = tuple(Band(band.upto_fen, _changed(band.ratio, change)) for band in bands)
    return bands


def _changed(ratio: Fraction, change: Transform) -> Fraction:
    if change.op == "add":
        return ratio + change.value
    if change.op == "multiply":
        return ratio * change.value
    return 1 - (1 - ratio) * change.value


def after_remote(bands: tuple[Band, ...], layer: Layer, rule: RemoteRule | None) -> tuple[Band, ...]:
    """The bands after the remote change, which touches the basic pool only, and after the clip to 0..1."""
    if rule is None or layer.stage != POOL_STAGE:
        return tuple(Band(band.upto_fen, _clipped(band.ratio)) for band in bands)
    if rule.method == "ratio_points":
        return tuple(Band(band.upto_fen, _clipped(band.ratio + rule.value)) for band in bands)
    if rule.method == "ratio_factor":
        return tuple(Band(band.upto_fen, _clipped(band.ratio * rule.value)) for band in bands)
    return tuple(Band(band.upto_fen, _clipped(band.ratio)) for band in bands)


def _clipped(ratio: Fraction) -> Fraction:
    return min(max(ratio, Fraction(0)), Fraction(1))


def ratio_at(bands: tuple[Band, ...], position_fen: int) -> Fraction:
    """The ratio just above a position."""
    return next(band.ratio for band in bands if band.upto_fen is None or position_fen < band.upto_fen)
