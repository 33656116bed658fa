"""Shares and prices as the field writes them, and as whole numbers: the one place where their texts are read and made."""

from __future__ import annotations

from dataclasses import replace

from services.catalogue.domain.records import CLASS_A, CLASS_B
from services.kernel.errors import Fault, Violation, invalid
from services.kernel.money import scaled_of, short_text

SHARE_DIGITS = 4
PRICE_DIGITS = 6
WHOLE_E4 = 10**SHARE_DIGITS
_MOST_YUAN = 10**9


def share_of(text: str, path: str) -> int:
    """A share between 0 and 1 with at most four digits, over 10,000; INVALID (AMOUNT_INVALID)."""
    share = scaled_of(text, SHARE_DIGITS, path)
    if not 0 <= share <= WHOLE_E4:
        raise invalid(path, "share", "a share lies between 0 and 1", reason="AMOUNT_INVALID")
    return share


def item_share_of(text: str, chrgitm_lv: str, path: str) -> int:
    """The share of an item: 0 for class A, all for class C, given for class B; INVALID (AMOUNT_INVALID)."""
    if chrgitm_lv == CLASS_B:
        if not text:
            raise invalid(path, "share.required", "an item of class B needs a share", reason="AMOUNT_INVALID")
        return share_of(text, path)
    fixed = 0 if chrgitm_lv == CLASS_A else WHOLE_E4
    if text and share_of(text, path) != fixed:
        raise invalid(path, "share.class", "class A pays 0 first, class C everything", reason="AMOUNT_INVALID")
    return fixed


def price_of(text: str, path: str) -> int:
    """A price per unit of at least 0 yuan, over 10**6; INVALID (AMOUNT_INVALID)."""
    price = scaled_of(text, PRICE_DIGITS, path)
    if not 0 <= price <= _MOST_YUAN * 10**PRICE_DIGITS:
        raise invalid(path, "price", "a price is not negative and not absurd", reason="AMOUNT_INVALID")
    return price


def share_text(share_e4: int) -> str:
    """A share as text."""
    return short_text(share_e4, SHARE_DIGITS)


def price_text(price_e6: int) -> str:
    """A price as text."""
    return short_text(price_e6, PRICE_DIGITS)


def violations_of(fault: Fault, prefix: str) -> list[Violation]:
    """A fault's violations with the place of their record in front."""
    return [replace(each, path=_joined(prefix, each.path)) for each in fault.violations]


def _joined(prefix: str, path: str) -> str:
    return f"{prefix}.{path}" if prefix and path else prefix or path
