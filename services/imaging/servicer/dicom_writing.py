"""Records as DICOM writes answers of QIDO-RS: DICOM JSON (PS3.18, Annex F) and the native model in XML (PS3.19, A.1).

A record is one of `domain.qido.attributes`: values by tag. An attribute without a value is told without one, but
ModalitiesInStudy, which has a value or is absent: viewers fall over it otherwise (I§3).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from services.imaging.domain.qido.asked import Question
from services.imaging.domain.qido.attributes import (
    CREATOR,
    CREATOR_NAME,
    MODALITIES,
    REQUESTS,
    RETRIEVE_URL,
    Attribute,
    Level,
    Record,
    of_level,
)

JSON: Final = "application/dicom+json"
XML: Final = "application/dicom+xml"
PART: Final = "yibao-part"
"""Between the records of an answer in XML, each of which is one part: no record holds it at the beginning of a line."""

_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_PARTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_NUMBERS: Final = frozenset({"IS"})
_CHARSET: Final = Attribute("00080005", "SpecificCharacterSet", "CS", Level.STUDY)
_UTF_8: Final = "ISO_IR 192"
_ABSENT: Final = frozenset({MODALITIES, RETRIEVE_URL})
"""Not told at all where they have no value."""
_NATIVE: Final = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
_HEADING: Final = f'<?xml version="1.0" encoding="UTF-8"?><NativeDicomModel xmlns="{_NATIVE}" xml:space="preserve">'


@dataclass(frozen=True, slots=True)
class _ToldAttributes:
    """Attributes that an answer tells, in the order of their tags; those of the items of RequestAttributesSequence apart."""

    plain: tuple[Attribute, ...]
    items: tuple[Attribute, ...]


def json_answer(records: Iterable[Record], question: Question, level: Level) -> bytes:
    """All records as one JSON list."""
    told = _told_of(question, level)
    return json.dumps([_json(record, told) for record in records], ensure_ascii=False, separators=(",", ":")).encode()


def xml_answer(records: Iterable[Record], question: Question, level: Level) -> bytes:
    """Each record as one part of `multipart/related`."""
    told = _told_of(question, level)
    parts = [f"--{PART}\r\nContent-Type: {XML}\r\n\r\n{_xml(record, told)}\r\n" for record in records]
    return f"{''.join(parts)}--{PART}--\r\n".encode()


def _told_of(question: Question, level: Level) -> _ToldAttributes:
    """What every record of an answer is told by: found once, not for each."""
    told = [each for each in of_level(level) if question.tells(each)]
    plain = sorted((each for each in told if "." not in each.tag), key=lambda one: one.tag)
    return _ToldAttributes(tuple(plain), tuple(each for each in told if each.tag.startswith(f"{REQUESTS}.")))


def _values(record: Record, told: _ToldAttributes) -> Iterator[tuple[Attribute, tuple[str, ...]]]:
    """What is told of a record in the order of the tags, the items of its sequence apart."""
    yield _CHARSET, (_UTF_8,)
    for each in told.plain:
        values = record.get(each.tag, ())
        if values or (each.keyword and each.tag not in _ABSENT):
            yield each, values


def _requests(record: Record, told: _ToldAttributes) -> list[list[tuple[Attribute, str]]]:
    """The items of RequestAttributesSequence, each with its values."""
    rows = zip_longest(*(record.get(each.tag, ()) for each in told.items), fillvalue="")
    return [[(each, value) for each, value in zip(told.items, row, strict=True) if value] for row in rows]


def _json(record: Record, told: _ToldAttributes) -> dict[str, Any]:
    answer: dict[str, Any] = {each.tag: _element(each, values) for each, values in _values(record, told)}
    if requests := _requests(record, told):
        items = [{each.tag.rpartition(".")[2]: _element(each, (value,)) for each, value in row} for row in requests]
        answer[REQUESTS] = {"vr": "SQ", "Value": items}
    return answer


def _element(attribute: Attribute, values: tuple[str, ...]) -> dict[str, Any]:
    if not values:
        return {"vr": attribute.vr}
    if attribute.vr == "PN":
        return {"vr": "PN", "Value": [_name(each) for each in values]}
    if attribute.vr in _NUMBERS:
        return {"vr": attribute.vr, "Value": [int(each) for each in values]}
    return {"vr": attribute.vr, "Value": values}


def _name(text: str) -> dict[str, str]:
    return {group: part for group, part in zip(_GROUPS, text.split("="), strict=False) if part}


def _xml(record: Record, told: _ToldAttributes) -> str:
    elements = [_xml_element(each, each.tag, values) for each, values in _values(record, told)]
    if requests := _requests(record, told):
        items = "".join(
            f'<Item number="{number}">'
            + "".join(_xml_element(each, each.tag.rpartition(".")[2], (value,)) for each, value in row)
            + "</Item>"
            for number, row in enumerate(requests, 1)
        )
        elements.append(
            f'<DicomAttribute tag="{REQUESTS}" vr="SQ" keyword="RequestAttributesSequence">{items}</DicomAttribute>'
        )
    return f"{_HEADING}{''.join(elements)}</NativeDicomModel>"


def _xml_element(attribute: Attribute, tag: str, values: tuple[str, ...]) -> str:
    write = _xml_name if attribute.vr == "PN" else _xml_value
    written = "".join(write(number, value) for number, value in enumerate(values, 1))
    return f'<DicomAttribute tag="{tag}" vr="{attribute.vr}"{_named(attribute)}>{written}</DicomAttribute>'


def _named(attribute: Attribute) -> str:
    """By what an attribute is named beside its tag: a private one by whose it is."""
    if attribute.keyword:
        return f" keyword={quoteattr(attribute.keyword)}"
    return "" if attribute == CREATOR else f" privateCreator={quoteattr(CREATOR_NAME)}"


def _xml_value(number: int, value: str) -> str:
    return f'<Value number="{number}">{_plain(value)}</Value>'


def _xml_name(number: int, value: str) -> str:
    groups = [
        f"<{group}>"
        + "".join(
            f"<{part}>{_plain(text)}</{part}>" for part, text in zip(_PARTS, told.split("^"), strict=False) if text
        )
        + f"</{group}>"
        for group, told in zip(_GROUPS, value.split("="), strict=False)
        if told
    ]
    return f'<PersonName number="{number}">{"".join(groups)}</PersonName>'


def _plain(text: str) -> str:
    """A text in XML. Characters of control are none of such a text in DICOM: no end of a line in it ends the part."""
    return escape("".join(each for each in text if each >= " "))
