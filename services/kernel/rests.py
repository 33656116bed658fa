"""How long who tried in vain rests before the next attempt: the longer the oftener, up to a bound (our decision).

With these bounds all is at rest soon after everybody answers again.
"""

from __future__ import annotations

from typing import Final

FIRST_REST_S: Final = 1
LONGEST_REST_S: Final = 15
_MOST_DOUBLINGS: Final = 8


def rest_s(attempts: int) -> int:
    """Seconds to rest after so many attempts in vain before this one: 1, 2, 4, 8, then 15."""
    return min(LONGEST_REST_S, FIRST_REST_S << min(attempts, _MOST_DOUBLINGS))
