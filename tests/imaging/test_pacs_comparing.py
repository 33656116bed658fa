"""What a province node compares with the index, what it tells again, and what it hears of conflicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from tests.imaging.pacs_desk import PlayedIndex
from tests.imaging.test_pacs_feeding import Site, index, of_person, site
from tools.pacs_node.feeding import comparisons
from tools.pacs_node.index import Comparison, Contested, KnownStudy
from tools.pacs_node.outbox import DayDigest

__all__ = ("index", "site")


async def test_the_daily_digest_tells_count_and_sum_of_a_day_and_only_what_differs_is_told_again(
    site: Site, index: PlayedIndex
) -> None:
    for number in (1, 2, 3):
        site.keep(*of_person(number))
    await site.settle()
    same, other, _ = (KnownStudy(each["studyInstanceUid"], 1, each["entryHash"]) for each in index.entries.values())
    hashes = [int(each["entryHash"], 16) for each in index.entries.values()]

    assert await site.feeder.compare() == 0
    assert index.compared[0] == Comparison(
        [{"day": "20260525", "count": 3, "digest": f"{sum(hashes) % 2**128:032x}"}], "18950101", "99991231", 3
    )
    index.differing = ["20260525"]
    index.has = {"20260525": [same, replace(other, version=7, entry_hash="0" * 32), KnownStudy("2.25.9", 4, "1" * 32)]}
    assert await site.feeder.compare() == 3
    await site.settle()

    told = sorted(index.entries.items())[3:]
    assert [(each["operation"], each["version"]) for _, each in told] == [
        ("OPERATION_WITHDRAW", 5),
        ("OPERATION_UPSERT", 8),
        ("OPERATION_UPSERT", 2),
    ]
    assert (told[0][1]["studyInstanceUid"], same.uid in {each["studyInstanceUid"] for _, each in told}) == (
        "2.25.9",
        False,
    )
    site.close()


async def test_nothing_is_compared_while_entries_are_under_way(site: Site, index: PlayedIndex) -> None:
    site.keep(*of_person(1))
    site.clock.now += 4
    site.outbox.make()
    assert await site.feeder.compare() is None
    assert index.compared == []
    site.close()


def test_all_days_are_compared_by_ranges_without_gaps_and_counted_anew_every_four_weeks() -> None:
    days = [f"{date(2020, 1, 1) + timedelta(each):%Y%m%d}" for each in range(1500)]
    digests = [DayDigest(each, 1, "0" * 32) for each in days]
    counted: list[str] = []
    for turn in range(28):
        asked = list(comparisons(digests, 7, date(2026, 12, 1) + timedelta(turn)))
        assert [(each.first, each.last, len(each.days)) for each in asked if not each.recount] == [
            ("18950101", days[999], 1000),
            (days[1000], "99991231", 500),
        ]
        counted += [each["day"] for one in asked if one.recount for each in one.days]
        assert max(len(each.days) for each in asked if each.recount) <= 31
    assert sorted(counted) == days
    assert list(comparisons([], 0, date(2026, 12, 1))) == [Comparison([], "18950101", "99991231", 0)]


async def test_a_node_says_once_which_studies_another_node_tells_of_another_person(
    site: Site, index: PlayedIndex
) -> None:
    index.contested = [Contested("2.25.1", wrong=False)]
    await site.feeder.beat(retrieving=True)
    await site.feeder.beat(retrieving=True)
    index.contested = [Contested("2.25.1", wrong=True)]
    await site.feeder.beat(retrieving=True)
    assert index.said == [
        "study 2.25.1: another node tells it of another person; an operator will decide",
        "study 2.25.1: another node tells it of another person; an operator decided that this node is wrong",
    ]
    site.close()
