"""How Chinese characters are read: names are looked for by their pinyin.

Readings come from pypinyin without its table of phrases: names hold none, and the table takes 40 MB. It is loaded when somebody
first asks.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any


def pinyin(text: str) -> str:
    """A text whose Chinese characters are replaced by their readings, a blank after each; the rest stays."""
    if text.isascii():
        return text
    return " ".join(_table().lazy_pinyin(text))


@lru_cache(maxsize=1)
def _table() -> Any:
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    import pypinyin  # noqa: PLC0415  # 12 MB that a member without loose questions need not have

    return pypinyin
