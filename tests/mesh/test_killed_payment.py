"""An order whose payment dies at its worst moments, once with the channel: charged once, given back once, and the same
everywhere. The whole matrix is in `make torture`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.torture.cells.matrix import Cell, table
from tests.torture.cells.seams import AFTER, SEND, Point
from tests.torture.paying.books import Books
from tests.torture.paying.deeds import DEEDS, Counter
from tests.torture.paying.matrix import PayMatrix
from tests.torture.paying.square import PAYMENT, square
from tests.torture.victim import show

CHANNEL: Final = "national"
WORST: Final = {
    "pay": Point(SEND, f"{CHANNEL} POST /pay/order", AFTER, 1),
    "refund": Point(SEND, f"{CHANNEL} POST /pay/refund", AFTER, 1),
}
"""The channel has done what nobody here has written down."""


async def test_nobody_is_charged_twice_and_no_refund_is_lost_by_a_death_at_the_worst_moment(tmp_path: Path) -> None:
    async with square(tmp_path, (CHANNEL,)) as made:
        counter = Counter(made, made.parties[CHANNEL], Books(made.config))
        results = []
        for deed in (each for each in DEEDS if each.name in WORST):
            matrix = PayMatrix(counter, deed)
            companion = made.twins[CHANNEL] if deed.name == "pay" else None
            result = await matrix.killed(Cell(matrix.name, PAYMENT, WORST[deed.name]), companion)
            assert result is not None
            results.append(result)
        show(table(results))
        assert [each for each in results if each.wrong] == []
