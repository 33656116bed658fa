"""From a division upward: which regions' rules hold for a place that has none of its own. It knows no names.

A 医保区划 code is province, city, county; `xxyy99` is a city's own pool, `xx9900` a province's.
"""

from __future__ import annotations

NATION = "000000"


def region_ladder(admdvs: str) -> tuple[str, ...]:
    """The regions to ask, nearest first: the division, its city and the city's pool, its province and the province's
    pool, the nation (the order is our decision; regional manuals ask city, city pool, province pool)."""
    province, city = admdvs[:2], admdvs[2:4]
    steps = [admdvs]
    if city not in ("00", "99"):
        steps += [f"{province}{city}00", f"{province}{city}99"]
    if province != NATION[:2]:
        steps += [f"{province}0000", f"{province}9900"]
    return tuple(dict.fromkeys((*steps, NATION)))
