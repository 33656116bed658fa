"""Certificates: one writing for each number and type; the form and check digit of the identity card (GB 11643).

Only registration asks for the form; look-ups never do.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from services.kernel.persons import CHECK_DIGITS, check_digit

_LENGTH: Final = 18
_NOWHERE: Final = "99"
# Dictionary psn_cert_type; 01 is the identity card, 08 a foreign passport, 99 any other certificate.
_TYPES: Final = frozenset((*(f"{number:02d}" for number in range(1, 18)), "90", "99", "990102", "990201"))


def is_card_number(number: str) -> bool:
    """Whether this can be an identity-card number: 17 digits and the right check digit.

    Under prefix 99, which is no division, any check digit passes: test numbers of real clients are wrong on purpose so
    that they can never be anybody's (our decision). Neither division nor birth date is looked at.
    """
    first17, last = number[: _LENGTH - 1], number[_LENGTH - 1 :]
    if len(number) != _LENGTH or not (first17.isascii() and first17.isdigit()) or last not in CHECK_DIGITS:
        return False
    return number.startswith(_NOWHERE) or last == check_digit(first17)


def folded(number: str) -> str:
    """The one writing of a certificate's or card's number: no blanks around it, half-width, letters in capitals.

    So it is stored and so it is looked for: readers and keyboards write e12345678 and Ｅ１２３４５６７８ for one passport.
    """
    if not number.isascii():
        number = unicodedata.normalize("NFKC", number)
    return number.strip().upper()


def folded_type(cert_type: str) -> str:
    """A code of psn_cert_type as the dictionary writes it: a client that keeps numbers sends 8 for 08."""
    code = folded(cert_type)
    return code.zfill(2) if code.isdecimal() else code


def is_known_type(cert_type: str) -> bool:
    """Whether a code stands in the national dictionary psn_cert_type; provinces add others."""
    return cert_type in _TYPES
