"""The searcher finds a word however it is written: what it does not find has not been told."""

from __future__ import annotations

import random

import pytest

from tests.payment.leaks.planting import planted
from tests.payment.leaks.searching import Searcher, written

WORD = "Zq001Xv腘窝囊肿"


@pytest.mark.parametrize("way", written(WORD))
def test_a_word_is_found_in_every_way_of_writing_it(way: str) -> None:
    told = b'{"before": 1, "told": "' + written(WORD)[way] + b'", "behind": 2}'
    assert Searcher([WORD, "Zq002Xv内科"]).found(told) == {WORD}


@pytest.mark.parametrize("word", ["Zq001Xv", "腘窝囊肿", "𬌗架"])
def test_words_of_one_script_alone_are_found_too(word: str) -> None:
    assert [way for way, told in written(word).items() if Searcher([word]).found(told) != {word}] == []


def test_what_does_not_stand_there_is_not_found() -> None:
    told = (
        random.Random(7).randbytes(20_000)
        + b'{"description":"\\u533b\\u7597\\u8d39\\u7528"}'
        + "医疗费用".encode("gbk")
    )
    assert Searcher(planted()[1]).found(told) == set()
