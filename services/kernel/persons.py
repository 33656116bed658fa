"""What all members must say alike of persons: whether two writings of a name are one name, and the refusals that name a field.

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
_BLANKS: Final = re.compile(r"\s+")


def same_name(one: str, other: str) -> bool:
    """Whether two writings are one name: dots are one dot, blanks around name and dots and width are nothing.

    Latin letters are compared without case: passports print capitals, people type what they like (our decision).
    """
    return one == other or _written(one) == _written(other)


def person_not_found(path: str) -> Fault:
    """NOT_FOUND: nobody is registered under what the field of the request says."""
    return Fault(FaultKind.NOT_FOUND, "PERSON_NOT_FOUND", violations=[Violation(path, "person.unknown")])


def name_mismatch(path: str) -> Fault:
    """PRECONDITION: the name in the field is not the registered name of the person that was found."""
    return Fault(FaultKind.PRECONDITION, "NAME_MISMATCH", violations=[Violation(path, "person.name")])


def _written(name: str) -> str:
    plain = _BLANKS.sub(" ", unicodedata.normalize("NFKC", name).strip())
    return _DOTS.sub("·", plain).casefold()
