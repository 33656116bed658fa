"""The unified social credit code 统一社会信用代码 (GB 32100-2015): its form and its check digit."""

from __future__ import annotations

import re
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
PATTERN: Final = r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}"
_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_FORM: Final = re.compile(PATTERN, re.ASCII)


def uscc_holds(code: str) -> bool:
    """Whether a code has its form and its check digit."""
    if _FORM.fullmatch(code) is None:
        return False
    total = sum(ALPHABET.index(letter) * weight for letter, weight in zip(code, _WEIGHTS, strict=False))
    return ALPHABET[-total % 31] == code[17]
