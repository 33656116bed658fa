"""What may stand in a text that a person reads: Chinese without English words, English without Chinese, nothing unfilled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from services.kernel.errors import Fault, Violation
from services.runtime.texts.gateway import RULES, next_step, violation_text
from services.runtime.texts.table import TEXTS, text
from services.runtime.texts.words import WORDS

CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
_LATIN: Final = re.compile(r"[A-Za-z][A-Za-z]+")
_UNFILLED: Final = re.compile(r"[{}]|…")
_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[\w.]+\.[\w.]+|[A-Za-z]*\d[\w.\-]*", re.ASCII)

# Names that every vendor knows, and names of fields and forms that have no other one.
TERMS: Final = frozenset(
    "API CSV GBK HTML HTTP ICD Infinity JSON NaN PostgreSQL UTF XML YAML multipart Content Type jsonStr Retry After null "
    "msgid sign yyyy MM dd HH mm ss yyyyMM true false json yaml yml hsa policy stacks accumulators indices when any CM "
    "HMAC SHA TIF CSB Base Origin X Yibao Business Date yibao token api keys through docs Authorization Bearer "
    "input application appId appCode appSecret encData signData yyyyMMddHHmmss ECB ecToken payAuthNo payToken "
    "MERCHANTS accounts closed feeType https zip TAB UID all DICOMweb studies series Accept dicom related type xml "
    "DICOM CT FHIR ImagingStudy Patient available urn uid fhir metadata www form urlencoded x eq ne gt lt ge le sa eb "
    "nodes register NODE sessions breakGlass sourceSeq".split()
)
# Values that are told as they were sent or stand in the books: codes, numbers, paths, names of methods.
_AS_THEY_ARE: Final = frozenset(
    "request_id mdtrt_id setl_id later_setl_id feedetl_sn chrg_bchno med_list_codg fixmedins_code partner_code omsgid meant "
    "infno oinfno asked title code standard admdvs path opening source policy policies where method field part error_id "
    "known allowed pattern guess name what_zh case value wanted text rows holding lines reversed_by reverses insutype "
    "setting variable key_id headers dictionary app_id pay_ord_id med_org_ord phase why code area order_type channel form "
    "app_refd_sn names error held_no safe day difference_no file_qury_no line most columns order_no advice_no".split()
)


# What the inside of the program is called by, and no client: rule ids, constants, amounts in fen, values of Python.
_INSIDE: Final = re.compile(
    r"(?<![\w.])(?:None|True|False|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|\w+_(?:fen|e4|e6)|<[\w. ]+>|[bf]?'[^']*'|\[[^\]\d]*\])(?!\w)",
    re.ASCII,
)
_SNAKE: Final = re.compile(r"(?<![\w.])_?[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w.])", re.ASCII)
_DOTTED: Final = re.compile(r"(?<![\w./])[a-z]\w*(?:\.[a-z]\w*)+(?![\w/])", re.ASCII)
_OUTSIDE: Final = Path(__file__).resolve().parents[1] / "gateway" / "reference" / "field_names.json"


@lru_cache(maxsize=1)
def _field_names() -> frozenset[str]:
    """Every field of the national interface, and those of documents and headers that clients write."""
    names: Mapping[str, str] = json.loads(_OUTSIDE.read_text(encoding="utf-8"))["names"]
    return frozenset(names) | {"next_page_token", "when_any", "hosp_bear", "request_id"}


_NAMES: Final = frozenset({"caller", "missing", "queue", "fact"})


def assert_fault_is_worded(fault: Fault) -> None:
    """Text, next step and broken fields of a fault in both languages, with the values that it has."""
    assert fault.reason in TEXTS, f"{fault.reason} has no text"
    assert_worded(text(fault, "zh"), text(fault, "en"), fault.metadata, fault.reason)
    assert_worded(next_step(fault, "zh"), next_step(fault, "en"), {}, fault.reason)
    for each in fault.violations:
        assert_violation_is_worded(each, fault.reason)


def assert_violation_is_worded(violation: Violation, about: str = "") -> None:
    """Both texts of a broken field; the rule stands in the table, or whoever found it has worded it."""
    about = f"{about} {violation.path} {violation.rule}"
    if violation.chinese:  # Worded by another member with its values, and looked at there.
        assert CHINESE.search(violation.chinese), f"{about}: {violation.chinese} is not Chinese"
        return
    assert violation.rule in RULES, f"{about} has no text"
    names = set(re.findall(r"\{(\w+)\}", "".join(RULES[violation.rule])))
    assert names <= violation.values.keys(), f"{about} lacks {names - violation.values.keys()}"
    english = violation_text(violation, "en")
    if CHINESE.search(english):
        english = ""  # The national codec words its rules in Chinese at once; nobody reads them in English there.
    assert_worded(violation_text(violation, "zh"), english, violation.values, about)


def assert_worded(chinese: str, english: str, values: Mapping[str, str], about: str) -> None:
    """A Chinese text with its English one, filled with these values."""
    left = leftovers(chinese, values)
    assert not left, f"{about}: {left} in {chinese}"
    assert CHINESE.search(chinese) or not chinese.strip(), f"{about}: {chinese} is not Chinese"
    for value in values.values():
        english = english.replace(value, " ") if CHINESE.search(value) else english
    assert not CHINESE.search(english), f"{about}: {english} is not English"
    assert not _UNFILLED.search(_without(english, values)), f"{about}: {english} is not filled"


def leftovers(chinese: str, values: Mapping[str, str]) -> list[str]:
    """What has no place in a Chinese text: words of other languages, unfilled places, codes that have a Chinese word."""
    plain = _without(chinese, {name: value for name, value in values.items() if _stays(name, value)})
    found = [*_UNFILLED.findall(plain), *_INSIDE.findall(plain)]
    plain = _INSIDE.sub(" ", plain)
    found += [each for each in _SNAKE.findall(plain) if each not in _field_names()]
    found += [each for each in _DOTTED.findall(plain) if each in RULES]
    for words in WORDS.values():
        known = (each for each in words if each and _LATIN.fullmatch(each))
        found += [each for each in known if re.search(rf"(?<![\w.]){re.escape(each)}(?![\w.])", plain, re.ASCII)]
    for word in _words_of(plain):
        if word not in TERMS and word not in found:
            found.append(word)
    return found


def _stays(name: str, value: str) -> bool:
    """Whether a value is told as it is: a name of its kind, or one that the mesh does not know (an unknown caller)."""
    return name in _AS_THEY_ARE or (name in _NAMES and value not in WORDS[name])


def _words_of(plain: str) -> Iterable[str]:
    return _LATIN.findall(_IDENTIFIER.sub(" ", plain))


def _without(told: str, values: Mapping[str, str]) -> str:
    for value in sorted(values.values(), key=len, reverse=True):
        told = told.replace(value, "") if value else told
    return told
