"""Texts of the reasons and rules of recognition: reason or rule → (Chinese, English)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RECOGNITION: Final[Mapping[str, tuple[str, str]]] = {
    "ADVICE_NOT_FOUND": ("本机构没有编号为{advice_no}的互认提示", "The institution was given no advice {advice_no}"),
    "ADVICE_DECIDED": (
        "互认提示{advice_no}已登记另一处理结果",
        "Another decision on the advice {advice_no} is recorded",
    ),
}

RECOGNITION_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "ADVICE_NOT_FOUND": (
        "请核对提示编号；须由收到提示的机构登记",
        "Look at the number; the institution that was advised records the decision",
    ),
    "ADVICE_DECIDED": (
        "以已登记的结果为准；确需更改的，请重新获取提示",
        "The recorded decision stands; to decide otherwise ask for advice again",
    ),
}

RECOGNITION_RULES: Final[Mapping[str, tuple[str, str]]] = {
    "advice.listed": ("应为该提示所列的检查之一", "one of the examinations that the advice lists is expected"),
}
