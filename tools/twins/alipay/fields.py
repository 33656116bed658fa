"""Reads `biz_content`: texts with lengths, yuan with two decimals, moments of Beijing. What is missing or wrong is a Refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from tools.twins.alipay.refusals import invalid, missing
from tools.twins.clock import BEIJING

_YUAN: Final = re.compile(r"(\d{1,9})(?:\.(\d{1,2}))?", re.ASCII)
_NUMBER: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_DELAY: Final = re.compile(r"([1-9]\d{0,3})([mhd])", re.ASCII)
_MINUTES: Final = {"m": 1, "h": 60, "d": 1440}
_MOMENT: Final = "%Y-%m-%d %H:%M:%S"
_FEN_DIGITS: Final = 2
_FEN: Final = 100
_MOST_EACH: Final = 10


def moment(at: datetime) -> str:
    """`2026-11-30 16:00:00`, Beijing."""
    return at.astimezone(BEIJING).strftime(_MOMENT)


class Fields:
    """The fields of one `biz_content`."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    @classmethod
    def of(cls, text: str) -> Fields:
        """Of the JSON object that a request carries."""
        if not text:
            raise missing("biz_content")
        try:
            return cls(msgspec.json.decode(text, type=dict[str, Any]))
        except msgspec.MsgspecError:
            raise invalid("biz_content", "是一个JSON对象") from None

    def text(self, name: str, most: int = 64) -> str:
        """A text that may be missing: then empty. Numbers count as texts, as SDKs send both."""
        value = self._given.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise invalid(name, "是一个文本")
        text = str(value)
        if len(text) > most:
            raise invalid(name, f"最多{most}个字符")
        return text

    def needed(self, name: str, most: int = 64) -> str:
        """A text that has to be there."""
        text = self.text(name, most)
        if not text:
            raise missing(name)
        return text

    def number(self, name: str) -> str:
        """A merchant's own number: letters, digits, `_` and `-`."""
        text = self.needed(name)
        if not _NUMBER.fullmatch(text):
            raise invalid(name, "由字母、数字、下划线和连字符组成")
        return text

    def fen(self, name: str) -> int | None:
        """Yuan with at most two decimals, as fen; None where it is missing."""
        text = self.text(name, most=12)
        if not text:
            return None
        found = _YUAN.fullmatch(text)
        if found is None:
            raise invalid(name, "以元为单位，最多两位小数")
        return int(found[1]) * _FEN + int((found[2] or "").ljust(_FEN_DIGITS, "0"))

    def fen_needed(self, name: str) -> int:
        """The same, where it has to be there and be more than nothing."""
        fen = self.fen(name)
        if fen is None:
            raise missing(name)
        if fen == 0:
            raise invalid(name, "大于零")
        return fen

    def moment(self, name: str) -> datetime | None:
        """`2026-11-30 16:00:00` of Beijing; None where it is missing."""
        text = self.text(name)
        try:
            return datetime.strptime(text, _MOMENT).replace(tzinfo=BEIJING) if text else None
        except ValueError:
            raise invalid(name, "形如2026-11-30 16:00:00") from None

    def minutes(self, name: str) -> int | None:
        """A delay such as `90m`, `2h` or `1d`, in minutes; None where it is missing."""
        text = self.text(name)
        if not text:
            return None
        found = _DELAY.fullmatch(text)
        if found is None:
            raise invalid(name, "形如90m、2h或1d")
        return int(found[1]) * _MINUTES[found[2]]

    def count(self, name: str, usual: int, most: int) -> int:
        """A whole number from 1 on, such as a page; `usual` where it is missing."""
        text = self.text(name)
        if not text:
            return usual
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
            raise invalid(name, f"从1到{most}")
        return int(text)

    def each(self, name: str) -> list[Fields]:
        """A list of objects, at most ten."""
        found = self._given.get(name) or []
        if not isinstance(found, list) or len(found) > _MOST_EACH or not all(isinstance(each, dict) for each in found):
            raise invalid(name, "是一个列表")
        return [Fields(each) for each in found]

    def within(self, name: str) -> Fields:
        """An object; one without fields where it is missing."""
        found = self._given.get(name) or {}
        if not isinstance(found, dict):
            raise invalid(name, "是一个对象")
        return Fields(found)
