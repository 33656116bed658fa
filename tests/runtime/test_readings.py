"""Readings of names: each character by itself, and what is none stays."""

from __future__ import annotations

from services.runtime.readings import pinyin


def test_chinese_characters_become_their_readings_and_the_rest_stays() -> None:
    assert pinyin("欧阳^小东").split() == ["ou", "yang", "^", "xiao", "dong"]
    assert pinyin("Smith^John") == "Smith^John"
    assert pinyin("") == ""
