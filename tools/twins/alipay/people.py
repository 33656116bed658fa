"""The platform's invented people and codes: who pays when asked, and who never does. The numbers are published, so that a test
chooses an outcome by a person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Person(StrEnum):
    """What a person does with an order that is pushed; anybody else waits for the control door."""

    PAYS = "PAYS"
    DENIES = "DENIES"


PEOPLE: Final[Mapping[str, Person]] = {"2088000000000011": Person.PAYS, "2088000000000012": Person.DENIES}
ANYBODY: Final = "2088000000000001"
UNKNOWN_TO_BUREAU: Final = "2088000000000013"
"""Has no electronic credential: authorisation is refused."""
NOT_OPEN: Final = "9"
"""A medical code that ends so has no payment behind it (C§2.5 step 2)."""

_PAYMENT_CODE: Final = re.compile(r"(2[5-9]|30)\d{14,22}", re.ASCII)
_MEDICAL_CODE: Final = re.compile(r"(424|ano)[0-9A-Za-z]{25}", re.ASCII)


def is_payment_code(text: str) -> bool:
    """Whether it looks like a code of the payment app: 16 to 24 digits that begin with 25 to 30."""
    return _PAYMENT_CODE.fullmatch(text) is not None


def is_medical_code(text: str) -> bool:
    """Whether it looks like the code of the credential, or of a face terminal: 28 characters (C§2.5 step 1)."""
    return _MEDICAL_CODE.fullmatch(text) is not None
