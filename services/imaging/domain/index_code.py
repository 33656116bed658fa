"""The official index code of an examination (医保影像云索引码, 82 characters) in its five parts (I§1.2). Pure.

Part 1 names a person in clear: it is compared, and never kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from services.imaging.domain.dicom_forms import day_holds, time_holds
from services.kernel.uscc import uscc_holds

PERSON_DIGITS: Final = 26
LENGTH: Final = 82
_FORM: Final = re.compile(r"(\d{26})(\d{12})([0-9A-Z]{9})([0-9A-Z]{13})([0-9A-Z]{18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class IndexCode:
    """Person (26 digits), minute of the examination (12), part and technique (9, WS/T 364.8), device (13), storing unit (18)."""

    person: str
    minute: str
    technique: str
    device: str
    unit: str

    @property
    def psn_no(self) -> str:
        """The person's number: part 1 less the zeros before it. A number that begins with a zero is not told by the code alone
        (our decision)."""
        return self.person.lstrip("0")


def index_code(text: str) -> IndexCode | None:
    """The parts; None where the text has another form, no minute that there is, or a credit code with a wrong check digit.

    Zeros stand for parts 3 and 4, which are not in use yet (NHSA notice of June 2025).
    """
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    code = IndexCode(*found.groups())
    holds = day_holds(code.minute[:8]) and time_holds(code.minute[8:]) and uscc_holds(code.unit)
    return code if holds else None


def as_person(psn_no: str) -> str:
    """The person management code 人员管理码 of a number: zeros before it up to 26 digits (our decision, as the platform's table
    is not public)."""
    return psn_no.zfill(PERSON_DIGITS)
