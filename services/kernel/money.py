"""Exact money and ratio words: fen as `int`, ratios as `Fraction` or integers over a power of ten, never a float.

Rounding is half away from zero, everywhere the same. Texts are parsed exactly: a digit more than the unit has is refused,
never rounded away.
"""

from __future__ import annotations

import re
from fractions import Fraction

from services.kernel.errors import invalid

_DECIMAL = re.compile(r"([+-]?)([0-9]{1,15})(?:\.([0-9]{1,12}))?", re.ASCII)
_PERCENT = re.compile(r"([+-]?[0-9]{1,6}(?:\.[0-9]{1,6})?)%", re.ASCII)

FEN_DIGITS = 2
RATIO_DIGITS = 4


def round_quotient(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to a whole number, half away from zero; the denominator is positive."""
    if numerator >= 0:
        return (2 * numerator + denominator) // (2 * denominator)
    return -((denominator - 2 * numerator) // (2 * denominator))


def round_half_away(value: Fraction | int) -> int:
    """An exact value to a whole number, half away from zero."""
    return round_quotient(value.numerator, value.denominator)


def scaled_of(value: int | str, digits: int, path: str = "") -> int:
    """A decimal text, or a whole number, as an integer over 10**digits, exactly.

    `scaled_of("1.5", 4)` is 15000. Trailing zeros beyond `digits` are harmless, other digits raise INVALID
    (AMOUNT_INVALID), as does anything that is not a plain decimal: floats, exponents, spaces, full-width digits.
    """
    if type(value) is int:
        return value * int(10**digits)
    found = plainly_scaled(value, digits)
    return _scaled_carefully(value, digits, path) if found is None else found


def plainly_scaled(value: object, digits: int) -> int | None:
    """The same of nearly every text that is sent: plain digits, at most 15 before the point and `digits` behind it.

    None for all else, which other readers may still understand.
    """
    if type(value) is str and value.isascii():
        whole, point, part = value.partition(".")
        if whole.isdigit() and len(whole) <= 15 and len(part) <= digits and (part.isdigit() or not point):
            return int(whole + part.ljust(digits, "0"))
    return None


def _scaled_carefully(value: object, digits: int, path: str) -> int:
    found = _DECIMAL.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise invalid(path, "decimal", "a whole number or a decimal text is expected", reason="AMOUNT_INVALID")
    sign, whole, part = found.group(1), found.group(2), (found.group(3) or "").rstrip("0")
    if len(part) > digits:
        told = f"at most {digits} decimal digits"
        raise invalid(path, "decimal.digits", told, reason="AMOUNT_INVALID", digits=str(digits))
    number = int(whole + part.ljust(digits, "0"))
    return -number if sign == "-" else number


def fen_of_yuan(value: int | str, path: str = "") -> int:
    """Yuan, as a whole number or a decimal text, in fen, exactly."""
    return scaled_of(value, FEN_DIGITS, path)


def yuan_text(fen: int) -> str:
    """Fen as yuan with two decimals: `-5` is `-0.05`."""
    if fen >= 0:
        return f"{fen // 100}.{fen % 100:02d}"
    return f"-{-fen // 100}.{-fen % 100:02d}"


def scaled_text(number: int, digits: int) -> str:
    """An integer over 10**digits as a decimal text with that many digits."""
    whole, part = divmod(abs(number), 10**digits)
    return f"{'-' if number < 0 else ''}{whole}.{part:0{digits}d}"


def short_text(number: int, digits: int) -> str:
    """The same without needless zeros: 1500 over 10,000 is `0.15`."""
    return scaled_text(number, digits).rstrip("0").rstrip(".") if digits else str(number)


def ratio_of(text: str, path: str = "") -> Fraction:
    """A ratio text, `85%` or `0.85`, as an exact fraction; it may lie outside 0 to 1 (a transform may add)."""
    if isinstance(text, str):
        if _PERCENT.fullmatch(text):
            return Fraction(text[:-1]) / 100
        if _DECIMAL.fullmatch(text):
            return Fraction(text)
    raise invalid(path, "ratio", 'a ratio text such as "85%" or "0.85" is expected', reason="RATIO_INVALID")


def percent_of(text: str, path: str = "") -> Fraction:
    """A percent text only, `85%`: what a policy file must write, so that 0.85 and 85 cannot be mixed up."""
    if isinstance(text, str) and _PERCENT.fullmatch(text):
        return Fraction(text[:-1]) / 100
    raise invalid(path, "percent", 'a percent text such as "85%" is expected', reason="RATIO_INVALID")


def ratio_e4(numerator: int, denominator: int) -> int:
    """A quotient over 10,000, half away from zero; 0 where the denominator is not positive (our decision)."""
    if denominator <= 0:
        return 0
    return round_quotient(numerator * 10**RATIO_DIGITS, denominator)


def ratio_text(number_e4: int) -> str:
    """A ratio over 10,000 as text with four decimals: `8500` is `0.8500`."""
    return scaled_text(number_e4, RATIO_DIGITS)
