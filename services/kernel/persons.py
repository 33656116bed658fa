"""What all members must say alike of persons: whether two writings of a name are one name, the check digit of an identity card,
and the refusals that name a field.

A name is compared and never changed: what was registered is what is answered.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from services.kernel.errors import Fault, FaultKind, Violation

# The dot between the parts of a minority name, as keyboards, scanners and old systems write it: U+00B7 is the standard's
# (GB 18030 A1A4); the half-width katakana dot, U+0387 and the full-width full stop become others of these under NFKC.
_DOTS: Final = re.compile(r"\s*[·•・‧∙⋅.]\s*")
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS: Final = "10X98765432"
_BLANKS: Final = re.compile(r"\s+")


def same_name(one: str, other: str) -> bool:
    """Whether two writings are one name: dots are one dot, blanks around name and dots and width are nothing.

    Latin letters are compared without case: passports print capitals, people type what they like (our decision).
    """
    return one == other or _written(one) == _written(other)


def check_digit(first17: str) -> str:
    """The last character to the first 17 digits of an identity card (ISO 7064 MOD 11-2, as GB 11643 uses it)."""
    return CHECK_DIGITS[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first17, strict=True)) % 11]


def person_not_found(path: str) -> Fault:
    """NOT_FOUND: nobody is registered under what the field of the request says."""
    return Fault(FaultKind.NOT_FOUND, "PERSON_NOT_FOUND", violations=[Violation(path, "person.unknown")])


def name_mismatch(path: str) -> Fault:
    """PRECONDITION: the name in the field is not the registered name of the person that was found."""
    return Fault(FaultKind.PRECONDITION, "NAME_MISMATCH", violations=[Violation(path, "person.name")])


def _written(name: str) -> str:
    plain = _BLANKS.sub(" ", unicodedata.normalize("NFKC", name).strip())
    return _DOTS.sub("·", plain).casefold()
