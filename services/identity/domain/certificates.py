"""The number of the resident identity card: its form and check digit (GB 11643). Only registration asks; look-ups never do."""

from __future__ import annotations

from typing import Final

from services.identity.domain.person import IDENTITY_CARD

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK: Final = "10X98765432"
_LENGTH: Final = 18
_NOWHERE: Final = "99"


def check_digit(first17: str) -> str:
    """The last character to the first 17 digits (ISO 7064 MOD 11-2, as GB 11643 uses it)."""
    return _CHECK[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first17, strict=True)) % 11]


def is_card_number(number: str) -> bool:
    """Whether this can be an identity-card number: 17 digits and the right check digit.

    Under prefix 99, which is no division, any check digit passes: test numbers of real clients are wrong on purpose so
    that they can never be anybody's (our decision). Neither division nor birth date is looked at.
    """
    first17, last = number[: _LENGTH - 1], number[_LENGTH - 1 :]
    if len(number) != _LENGTH or not (first17.isascii() and first17.isdigit()) or last not in _CHECK:
        return False
    return number.startswith(_NOWHERE) or last == check_digit(first17)


def folded(cert_type: str, number: str) -> str:
    """A number as it is looked up: the check digit of an identity card is written X, whatever the client typed."""
    return number.upper() if cert_type == IDENTITY_CARD else number
