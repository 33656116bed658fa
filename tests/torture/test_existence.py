"""Whether somebody's study exists cannot be told by how long an answer takes: of one that is not the reader's and of none the
medians of 2,000 answers differ by less than 5 %.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import pytest

from tests.imaging.pacs_desk import reason_of
from tests.imaging.sight import sighted

pytestmark = pytest.mark.torture

ANSWERS = 2_000
NONE = "2.25.78467111459673040331395583335159200399"


async def test_an_answer_about_somebody_elses_study_takes_as_long_as_one_about_none(tmp_path: Path) -> None:
    async with sighted(tmp_path) as sight:
        token, who = await sight.opened(), await sight.somebody()
        await sight.scanned(who)
        await sight.present(who, token)
        other = await sight.scanned(await sight.somebody())

        async def retrieved(uid: str) -> object:
            status, _, body = await sight.get(f"{sight.mesh.url}/dicom-web/studies/{uid}/metadata", token)
            return status, reason_of(body)

        async def searched(uid: str) -> object:
            status, _, body = await sight.search(token, f"studies?StudyInstanceUID={uid}")
            return status, body

        for ask in (retrieved, searched):
            theirs, none = await medians(ask, other, NONE)
            print(f"{ask.__name__}: somebody's {theirs * 1e3:.2f} ms, none {none * 1e3:.2f} ms")  # noqa: T201 - the figure
            assert abs(theirs - none) / none < 0.05


async def medians(ask: Callable[[str], Awaitable[object]], *uids: str) -> list[float]:
    """The median time of answers about each, asked in turns that nobody foresees; the answers are the same."""
    took: dict[str, list[float]] = {uid: [] for uid in uids}
    told = set()
    for _ in range(ANSWERS):
        for uid in random.sample(uids, len(uids)):
            begun = time.perf_counter()
            told.add(await ask(uid))
            took[uid].append(time.perf_counter() - begun)
    assert len(told) == 1
    return [median(each) for each in took.values()]
