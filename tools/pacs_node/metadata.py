"""The DICOM JSON of an instance (PS3.18, Annex F), made once when it is kept. Large values stand as addresses: `ROOT` in them is
replaced by the reader's own path, ticket and all, when it is answered."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from tools.pacs_node.attributes import plain
from tools.pacs_node.facts import InstanceFacts

ROOT: Final = "urn:x-yibao-root:"
MOST_INLINE_BYTES: Final = 1024
"""Longer binary values are fetched by their address."""
_BULKY: Final = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_UTF8: Final = {"vr": "CS", "Value": ["ISO_IR 192"]}
_PIXEL_VRS: Final = {0x7FE00008: "OF", 0x7FE00009: "OD"}
_STEP: Final = re.compile(r"[0-9A-Fa-f]{8}|\d{1,6}", re.ASCII)


def metadata(dataset: Dataset, instance: InstanceFacts) -> bytes:
    """The JSON object of a data set that was read up to its pixels."""
    places: dict[int, str] = {}
    _find_bulky(dataset, "", places)
    base = f"{ROOT}/studies/{instance.study_uid}/series/{instance.series_uid}/instances/{instance.sop_uid}/bulkdata"

    def address(element: DataElement) -> str:
        return f"{base}/{places[id(element)]}"

    told = dataset.to_json_dict(
        bulk_data_threshold=MOST_INLINE_BYTES, bulk_data_element_handler=address, suppress_invalid_tags=True
    )
    told["00080005"] = _UTF8
    if instance.pixels is not None:
        told[f"{instance.pixels.tag:08X}"] = {
            "vr": _PIXEL_VRS.get(instance.pixels.tag, "OW" if instance.pixels.bits > 8 else "OB"),
            "BulkDataURI": f"{base}/{instance.pixels.tag:08X}",
        }
    return msgspec.json.encode(_plain(dict(sorted(told.items()))))


def _find_bulky(dataset: Dataset, path: str, places: dict[int, str]) -> None:
    for element in dataset:
        here = f"{path}{int(element.tag):08X}"
        if element.VR == "SQ":
            for number, item in enumerate(element.value or ()):
                _find_bulky(item, f"{here}/{number}/", places)
        elif element.VR in _BULKY:
            places[id(element)] = here


def _plain(value: Any) -> Any:
    """The same with its texts as JSON can say them."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return plain(value)
    return value


def element_at(dataset: Dataset, path: str) -> DataElement | None:
    """The element at a path of tags and item numbers, `00540016/0/00181072`; None where there is none."""
    steps = path.split("/")
    if len(steps) % 2 == 0 or any(_STEP.fullmatch(each) is None for each in steps):
        return None
    here = dataset
    for tag, number in zip(steps[:-1:2], steps[1::2], strict=True):
        items = here.get(int(tag, 16))
        if items is None or items.VR != "SQ" or not (int(number) < len(items.value)):
            return None
        here = items.value[int(number)]
    found: DataElement | None = here.get(int(steps[-1], 16))
    return found
