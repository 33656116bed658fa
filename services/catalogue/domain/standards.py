"""The forms of national codes as one small table.

A form that is not published (self-prepared drugs and the like) is opaque: any text without blanks. A code's standard is
always given by the field that holds it, never guessed from its first letter. It knows no list of codes.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from services.kernel import uscc

TEST_PREFIX = "XTEST"
"""Item codes that begin so are taken under every list type: test clients of the field send them (our decision)."""

_TEST_CODE = re.compile(TEST_PREFIX + r"[0-9A-Z]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Standard:
    """A code's form: its name, its pattern, and words that tell a person what is expected."""

    name: str
    pattern: re.Pattern[str]
    form: str


def _standard(name: str, pattern: str, form: str) -> Standard:
    return Standard(name, re.compile(pattern, re.ASCII), form)


# Published rule texts under 医保发〔2019〕39号 and its successors; each pattern was checked on published codes.
DIAGNOSIS = _standard(
    "diagnosis_icd10",
    r"[A-Z]\d{2}\.[0-9x]\d{2}(?:x\d{3})?(?:\+[A-Z]\d{2}(?:\.\d)?\*)?",
    "ICD-10 医保 2.0, as A00.900 or I10.x00x002",
)
OPERATION = _standard(
    "operation_icd9cm3",
    r"\d{2}\.\d[\dx]\d{2}(?:x\d{3})?|17\.9\d{2}[0-9A-Z]\d",
    "ICD-9-CM-3 医保 2.0, as 00.6600x004",
)
_ISSUER = r"(?:00|1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-6])"
SERVICE_ITEM = _standard(
    "service_item",
    # The national code, or with a hyphen and the local price code behind it.
    _ISSUER + r"\d{13}(?:-[0-9A-Za-z]{1,20})?",
    "15 digits, a hyphen and the local code may follow",
)
DRUG_WESTERN = _standard(
    "drug_western", r"X[A-Z]\d{2}[A-Z]{2}[A-Z]\d{3}[A-Z]\d{3}\d{9}", "X, class, name, form and 9 digits: 23 characters"
)
DRUG_TCM_PATENT = _standard(
    "drug_tcm_patent", r"Z[A-Z]\d{2}[A-Z]{2}[A-Z]\d{13}", "Z, class, letter and 13 digits: 20 characters"
)
DRUG_TCM_PIECE = _standard("drug_tcm_piece", r"T\d{4}0\d{4}", "T and 9 digits, the fifth 0: 10 characters")
DRUG_TCM_GRANULE = _standard(
    "drug_tcm_granule", r"T\d{4}3\d{4}[01]\d{9}", "T and 19 digits, the fifth 3: 20 characters"
)
CONSUMABLE = _standard("consumable_20", r"C\d{19}", "C and 19 digits: 20 characters")
CONSUMABLE_MODEL = _standard("consumable_27", r"C\d{26}", "C and 26 digits: 27 characters")
CHRONIC_DISEASE = _standard("opsp_disease", r"M\d{5}", "M and 5 digits: 6 characters")
INSTITUTION = _standard("fixmedins_code", r"[HP]\d{11}", "H or P and 11 digits: 12 characters")
# 000000 stands for the nation and 99xxxx for sandboxes (our decision); all others as the insurance uses them.
DIVISION = _standard(
    "admdvs",
    r"(?:1[0-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-6]|71|81|82|99)\d{4}|000000",
    "6 digits that begin with a province, 99 for a sandbox, or 000000",
)
USCC = _standard("uscc", uscc.PATTERN, "18 characters with a check digit")
OPAQUE = _standard("opaque", r"[!-~]{1,50}", "up to 50 visible ASCII characters")

TERMS: tuple[Standard, ...] = (DIAGNOSIS, OPERATION)

# Dictionary list_type. The ethnic drugs of 104 use the letters I and Z of the patent layout.
_ITEMS: tuple[tuple[str, tuple[Standard, ...]], ...] = (
    ("101", (DRUG_WESTERN, DRUG_TCM_PATENT)),
    ("102", (DRUG_TCM_PIECE,)),
    ("104", (DRUG_TCM_PATENT,)),
    ("106", (DRUG_TCM_GRANULE,)),
    ("201", (SERVICE_ITEM,)),
    ("301", (CONSUMABLE, CONSUMABLE_MODEL)),
)

# Printed wrong in lists that circulate; the right one is offered, never put in its place.
_MISPRINTS: tuple[tuple[str, str], ...] = (("86.700x0013", "86.7000x013"), ("86.700x0014", "86.7000x014"))


def item_standards(list_type: str) -> tuple[Standard, ...]:
    """The forms that an item's code may have under a list type; opaque where none is published."""
    return next((standards for name, standards in _ITEMS if name == list_type), (OPAQUE,))


def is_test_code(code: str) -> bool:
    """Whether it is an item code of a test client."""
    return _TEST_CODE.fullmatch(code) is not None


def term_standard(name: str) -> Standard | None:
    """The form of a standard that terms belong to, None for a standard that is not kept."""
    return next((standard for standard in TERMS if standard.name == name), None)


def has_form(code: str, standards: tuple[Standard, ...]) -> bool:
    """Whether the code has one of the forms; case and width of its characters count."""
    return any(standard.pattern.fullmatch(code) for standard in standards)


def suggestion(code: str, standards: tuple[Standard, ...]) -> str:
    """The code that was probably meant, in a right form; empty where there is none to offer."""
    plain = unicodedata.normalize("NFKC", code).strip().strip("\u200b\ufeff")
    candidates = [right for wrong, right in _MISPRINTS if wrong == plain]
    candidates += [plain, plain.upper(), plain.upper().replace("X", "x"), plain.upper().replace("O", "0")]
    return next((candidate for candidate in candidates if has_form(candidate, standards)), "")
