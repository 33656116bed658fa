"""Who clears with whom. Our decision: provinces clear with each other, and pooling areas inside one province.

A circle is a round of parties whose positions sum to 0: the nation, or one province. Payment orders stay inside it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from services.kernel.codes import pooling_area
from services.kernel.errors import invalid

NATION: Final = "000000"
"""The circle of the provinces."""


class Pair(NamedTuple):
    """Whose insured were treated where: the debtor's region and the creditor's, in their circle."""

    circle: str
    insured_region: str
    care_region: str


@lru_cache(maxsize=1 << 16)
def pair_of(insured_area: str, care_area: str) -> Pair:
    """The parties of care; both are pooling areas or divisions in them.

    INVALID CLEARING_NOT_REMOTE where both lie in one pooling area: nothing is to be cleared then.
    """
    insured, care = pooling_area(insured_area), pooling_area(care_area)
    if insured == care:
        raise invalid(
            "care_area", "clearing.not_remote", "another pooling area", reason="CLEARING_NOT_REMOTE", area=care
        )
    province = insured[:2]
    if province == care[:2]:
        return Pair(_province(province), insured, care)
    return Pair(NATION, _province(province), _province(care[:2]))


def _province(digits: str) -> str:
    return f"{digits}0000"
