"""Texts of the reasons that routing raises: reason → (Chinese, English), placeholders named like the fault's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ROUTING: Final[Mapping[str, tuple[str, str]]] = {
    "FILING_EXISTS": (
        "编号为{filing_no}的备案已登记且内容不同",
        "The filing {filing_no} is registered with other content",
    ),
    "FILING_NOT_FOUND": ("没有编号为{filing_no}的备案", "No filing {filing_no} is registered"),
}
