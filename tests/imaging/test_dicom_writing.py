"""Answers of QIDO-RS as DICOM writes them: read back by what DICOM says, not by what the writer does."""

from __future__ import annotations

import email.parser
import json
from pathlib import Path
from xml.etree import ElementTree

from lxml import etree

from services.imaging.domain.qido.asked import read
from services.imaging.domain.qido.attributes import Level, Record
from services.imaging.servicer.dicom_writing import JSON, PART, XML, json_answer, xml_answer

SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).with_name("native_dicom.rng")))
NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
STUDY: Record = {
    "00080020": ("20260315",),
    "00080061": ("CT", "SR"),
    "00081030": ("Thorax <nativ> & mehr\x01\r\n--yibao-part",),
    "00100010": ("Ce^Shi^^Dr.=测试^甲=ceshi^jia",),
    "00100020": ("PSEUDONYM1",),
    "0020000D": ("1.2.840.1",),
    "00201208": ("12",),
}
SERIES: Record = {
    **STUDY,
    "00080060": ("CT",),
    "0020000E": ("1.2.840.1.5",),
    "00200011": ("3",),
    "00400275.00400009": ("SPS1", ""),
    "00400275.00401001": ("RP1", "RP2"),
}


def native(written: bytes) -> ElementTree.Element:
    """A data set that keeps to the schema of the native model, its elements without their namespace."""
    told = etree.fromstring(written)
    assert SCHEMA.validate(told), SCHEMA.error_log
    root = ElementTree.fromstring(written)  # our own
    for each in root.iter():
        each.tag = each.tag.removeprefix(NATIVE)
    return root


def test_json_has_a_vr_for_each_attribute_and_values_of_its_kind() -> None:
    (told,) = json.loads(json_answer([STUDY], read(Level.STUDY, [("includefield", "StudyDescription")]), Level.STUDY))
    assert told["0020000D"] == {"vr": "UI", "Value": ["1.2.840.1"]}
    assert told["00080061"] == {"vr": "CS", "Value": ["CT", "SR"]}
    assert told["00201208"] == {"vr": "IS", "Value": [12]}
    assert told["00100010"] == {
        "vr": "PN",
        "Value": [{"Alphabetic": "Ce^Shi^^Dr.", "Ideographic": "测试^甲", "Phonetic": "ceshi^jia"}],
    }
    assert told["00080005"] == {"vr": "CS", "Value": ["ISO_IR 192"]}
    # Asked for without a value: told without one.
    assert told["00080050"] == {"vr": "SH"}
    assert "Value" in told["00081030"]
    assert list(told) == sorted(told)


def test_what_is_not_asked_for_is_not_told_and_modalities_have_a_value_or_are_absent() -> None:
    (told,) = json.loads(json_answer([{"0020000D": ("1.2",)}], read(Level.STUDY, []), Level.STUDY))
    assert "00081030" not in told
    assert "00080061" not in told
    assert json.loads(json_answer([], read(Level.STUDY, []), Level.STUDY)) == []


def test_requests_of_a_series_are_items_of_one_sequence() -> None:
    (told,) = json.loads(json_answer([SERIES], read(Level.SERIES, []), Level.SERIES))
    assert told["00400275"] == {
        "vr": "SQ",
        "Value": [
            {"00400009": {"vr": "SH", "Value": ["SPS1"]}, "00401001": {"vr": "SH", "Value": ["RP1"]}},
            {"00401001": {"vr": "SH", "Value": ["RP2"]}},
        ],
    }
    assert told["0020000D"]["Value"] == ["1.2.840.1"]


def test_xml_is_one_part_for_each_record_in_the_native_model() -> None:
    question = read(Level.SERIES, [("includefield", "all")])
    raw = xml_answer([SERIES, SERIES], question, Level.SERIES)
    head = f'Content-Type: multipart/related; type="{XML}"; boundary={PART}\r\n\r\n'.encode()
    parts = [each for each in email.parser.BytesParser().parsebytes(head + raw).walk() if not each.is_multipart()]
    assert [each.get_content_type() for each in parts] == [XML, XML]
    written = parts[0].get_payload(decode=True)
    assert isinstance(written, bytes)
    root = native(written)
    by_tag = {each.get("tag"): each for each in root}
    assert root.tag == "NativeDicomModel"
    assert by_tag["00081030"].findtext("Value") == "Thorax <nativ> & mehr--yibao-part"
    assert by_tag["00100010"].findtext("PersonName/Ideographic/FamilyName") == "测试"
    assert by_tag["00100010"].findtext("PersonName/Alphabetic/NamePrefix") == "Dr."
    assert [each.findtext("DicomAttribute[@tag='00401001']/Value") for each in by_tag["00400275"]] == ["RP1", "RP2"]
    assert by_tag["00080061"].get("vr") == "CS"
    assert JSON == "application/dicom+json"


def test_the_mark_of_recognition_is_a_private_attribute_told_where_asked_for_with_whose_it_is() -> None:
    marked = {**STUDY, "00090010": ("YIBAO INDEX",), "00091001": ("NATION",)}
    question = read(Level.STUDY, [("includefield", "00091001")])
    (told,) = json.loads(json_answer([marked], question, Level.STUDY))
    assert told["00090010"] == {"vr": "LO", "Value": ["YIBAO INDEX"]}
    assert told["00091001"] == {"vr": "CS", "Value": ["NATION"]}

    (unasked,) = json.loads(json_answer([marked], read(Level.STUDY, []), Level.STUDY))
    (unmarked,) = json.loads(json_answer([STUDY], question, Level.STUDY))
    assert not [tag for each in (unasked, unmarked) for tag in each if tag.startswith("0009")]

    (piece,) = xml_answer([marked], question, Level.STUDY).split(f"--{PART}".encode())[1:-1]
    elements = {each.get("tag"): each for each in native(piece.partition(b"\r\n\r\n")[2])}
    assert elements["00091001"].get("privateCreator") == "YIBAO INDEX"
    assert elements["00091001"].get("keyword") is None
    assert elements["0020000D"].get("keyword") == "StudyInstanceUID"
