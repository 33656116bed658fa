"""DICOM JSON where it is not of a data set: search answers, and what became of stored instances (PS3.18, Annex F)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tools.pacs_node.facts import InstanceFacts, SeriesFacts, StudyFacts
from tools.pacs_node.refusals import NotKept

Element = dict[str, Any]
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def value(vr: str, *values: Any) -> Element:
    """An element; empty values are left out, and an element without a value has none."""
    given = [each for each in values if each not in ("", None)]
    return {"vr": vr, "Value": given} if given else {"vr": vr}


def name(text: str) -> Element:
    """A person's name in its groups."""
    groups = {group: each for group, each in zip(_GROUPS, text.split("="), strict=False) if each}
    return {"vr": "PN", "Value": [groups]} if groups else {"vr": "PN"}


def study_row(
    uid: str, facts: StudyFacts, modalities: Iterable[str], counts: tuple[int, int], url: str
) -> dict[str, Element]:
    """A study in a list; `counts` are its series and instances."""
    return {
        "00080005": value("CS", "ISO_IR 192"),
        "00080020": value("DA", facts.study_date),
        "00080030": value("TM", facts.study_time),
        "00080050": value("SH", facts.accession_no),
        "00080056": value("CS", "ONLINE"),
        "00080061": value("CS", *sorted(set(modalities))),
        "00080090": name(facts.referring),
        "00081030": value("LO", facts.description),
        "00081190": value("UR", url),
        "00100010": name(facts.patient_name),
        "00100020": value("LO", facts.patient_id),
        "00100030": value("DA", facts.birth_date),
        "00100040": value("CS", facts.sex),
        "0020000D": value("UI", uid),
        "00200010": value("SH", facts.study_id),
        "00201206": value("IS", counts[0]),
        "00201208": value("IS", counts[1]),
    }


def series_row(study_uid: str, uid: str, facts: SeriesFacts, count: int, url: str) -> dict[str, Element]:
    """A series in a list."""
    return {
        "00080005": value("CS", "ISO_IR 192"),
        "00080021": value("DA", facts.series_date),
        "00080031": value("TM", facts.series_time),
        "00080060": value("CS", facts.modality),
        "0008103E": value("LO", facts.description),
        "00081190": value("UR", url),
        "00180015": value("CS", facts.body_part),
        "0020000D": value("UI", study_uid),
        "0020000E": value("UI", uid),
        "00200011": value("IS", facts.number),
        "00201209": value("IS", count),
    }


def instance_row(facts: InstanceFacts, url: str) -> dict[str, Element]:
    """An instance in a list."""
    row = {
        "00080016": value("UI", facts.sop_class),
        "00080018": value("UI", facts.sop_uid),
        "00080056": value("CS", "ONLINE"),
        "00081190": value("UR", url),
        "0020000D": value("UI", facts.study_uid),
        "0020000E": value("UI", facts.series_uid),
        "00200013": value("IS", facts.number),
    }
    if facts.pixels is not None:
        row |= {
            "00280008": value("IS", facts.pixels.frames),
            "00280010": value("US", facts.pixels.rows),
            "00280011": value("US", facts.pixels.columns),
        }
    return row


def stored(kept: Sequence[tuple[InstanceFacts, str]], failed: Sequence[NotKept], study_url: str) -> dict[str, Element]:
    """The Store Instances Response (PS3.18, 10.5.3 and Annex I.2). A failure whose UIDs are known stands in FailedSOPSequence,
    any other in OtherFailuresSequence; a private element says in words what is wrong and what to do."""
    told: dict[str, Element] = {"00081190": value("UR", study_url)}
    if kept:
        told["00081199"] = {"vr": "SQ", "Value": [_referenced(facts, url) for facts, url in kept]}
    for tag, known in (("00081198", True), ("0008119A", False)):
        items = [_failure(each) for each in failed if bool(each.sop_class and each.sop_instance) is known]
        if items:
            told[tag] = {"vr": "SQ", "Value": items}
    return told


def _referenced(facts: InstanceFacts, url: str) -> dict[str, Element]:
    return {
        "00081150": value("UI", facts.sop_class),
        "00081155": value("UI", facts.sop_uid),
        "00081190": value("UR", url),
    }


def _failure(failed: NotKept) -> dict[str, Element]:
    named = {"00081150": value("UI", failed.sop_class), "00081155": value("UI", failed.sop_instance)}
    return {
        **(named if failed.sop_class and failed.sop_instance else {}),
        "00081197": value("US", failed.said.code),
        "00090010": value("LO", "YIBAO PACS NODE"),
        "00091001": value("CS", failed.reason),
        "00091002": value("LT", f"{failed.said.text_en} {failed.said.text_zh}"),
    }
