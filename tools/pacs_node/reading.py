"""Reads one DICOM Part 10 file, of which nothing is believed: every length is checked, nothing grows without a bound.

pydicom understands the elements. It forgives files that end too early, and inflates whatever it is given: both are watched here.
"""

from __future__ import annotations

import logging
import mmap
import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, Final, cast

from pydicom import uid as uids
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import data_element_generator, read_dataset
from pydicom.filewriter import write_file_meta_info
from pydicom.tag import BaseTag

from services.imaging.domain.dicom_forms import uid_holds
from tools.pacs_node.attributes import series_facts, study_facts, text, whole
from tools.pacs_node.facts import InstanceFacts, Pixels, SeriesFacts, StudyFacts
from tools.pacs_node.metadata import metadata
from tools.pacs_node.refusals import NotKept

MOST_HEAD_BYTES: Final = 32 << 20
"""What stands before the pixels takes at most so much (our decision: large enhanced and radiotherapy objects take a third)."""
MOST_INFLATED_BYTES: Final = 512 << 20
"""A deflated data set grows to so much at most (our decision)."""
_MOST_ELEMENTS: Final = 1_000_000
_MOST_DEPTH: Final = 32
_PREAMBLE: Final = 128
_UNDEFINED: Final = 0xFFFFFFFF
_PIXELS: Final = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
_ITEM, _ENDED = 0xE000, 0xE0DD


@dataclass(frozen=True, slots=True)
class Read:
    """A file that was understood. `inflated` is what is kept in its place where it came deflated: the same elements, explicit VR
    little endian, so that no later reader inflates. `metadata` is its DICOM JSON."""

    study: StudyFacts
    series: SeriesFacts
    instance: InstanceFacts
    metadata: bytes
    inflated: bytes | None = None


def read(data: mmap.mmap | bytes) -> Read:
    """Understands a file; raises NotKept with a reason where it cannot be kept."""
    try:
        return _read(data)
    except NotKept:
        raise
    except (EOFError, struct.error) as error:
        raise NotKept("TRUNCATED") from error
    # pydicom has no one error: what it raises of broken elements is anything from KeyError to RecursionError.
    except Exception as error:
        raise NotKept("BROKEN") from error


def hush() -> None:
    """Makes pydicom say nothing: it warns and logs of each oddity of a file, and names values of patients."""
    warnings.filterwarnings("ignore", module=r"pydicom\b")
    logging.getLogger("pydicom").disabled = True


def _read(data: mmap.mmap | bytes) -> Read:
    if len(data) < _PREAMBLE + 4 or data[_PREAMBLE : _PREAMBLE + 4] != b"DICM":
        raise NotKept("NOT_DICOM")
    inflated = None
    meta, start = _meta(data)
    syntax = str(meta.get("TransferSyntaxUID", ""))
    if not uid_holds(syntax) or not (known := uids.UID(syntax)).is_transfer_syntax or known.is_private:
        raise NotKept("TRANSFER_SYNTAX")
    if known.is_deflated:
        data = inflated = _inflated(data, start, meta)
        meta, start = _meta(data)
        syntax, known = str(uids.ExplicitVRLittleEndian), uids.ExplicitVRLittleEndian
    dataset, pixels = _elements(data, start, known)
    instance = _placed(meta, dataset, syntax, pixels)
    try:
        _check(dataset, _Budget())
        told = metadata(dataset, instance)
    except NotKept as error:
        raise NotKept(error.reason, instance.sop_class, instance.sop_uid) from error
    return Read(study_facts(dataset), series_facts(dataset), instance, told, inflated)


def _meta(data: mmap.mmap | bytes) -> tuple[FileMetaDataset, int]:
    """Group 0002, and where the data set begins."""
    file = _file(data)
    file.seek(_PREAMBLE + 4)
    found: dict[BaseTag, Any] = {}
    for element in data_element_generator(file, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2):
        found[element.tag] = element
        if file.tell() > MOST_HEAD_BYTES:
            raise NotKept("TOO_LARGE")
    return FileMetaDataset(found), file.tell()


def _file(data: mmap.mmap | bytes) -> BinaryIO:
    if isinstance(data, bytes):
        return BytesIO(data)
    data.seek(0)
    return cast("BinaryIO", data)


def _inflated(data: mmap.mmap | bytes, start: int, meta: FileMetaDataset) -> bytes:
    squeezed = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = squeezed.decompress(data[start:], MOST_INFLATED_BYTES)
    except zlib.error as error:
        raise NotKept("BROKEN") from error
    if squeezed.unconsumed_tail:
        raise NotKept("BOMB")
    if not squeezed.eof:
        raise NotKept("TRUNCATED")
    meta.TransferSyntaxUID = uids.ExplicitVRLittleEndian
    whole_file = DicomBytesIO()
    whole_file.write(bytes(data[:_PREAMBLE]) + b"DICM")
    write_file_meta_info(whole_file, meta, enforce_standard=False)
    whole_file.write(plain)
    return whole_file.getvalue()


class _Stop:
    """Ends the reading before the pixels, and where the head is too long."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.pixels: tuple[int, int, int] | None = None

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        place = self._file.tell()
        if tag in _PIXELS:
            self.pixels = (int(tag), place, length)
            return True
        if place + (0 if length == _UNDEFINED else length) > MOST_HEAD_BYTES:
            raise NotKept("TOO_LARGE" if length == _UNDEFINED or place > MOST_HEAD_BYTES else "TRUNCATED")
        return False


def _elements(data: mmap.mmap | bytes, start: int, syntax: uids.UID) -> tuple[Dataset, Pixels | None]:
    file = _file(data)
    file.seek(start)
    stop = _Stop(file)
    dataset = read_dataset(file, syntax.is_implicit_VR, syntax.is_little_endian, stop_when=stop)
    _check_lengths(dataset)
    if stop.pixels is None:
        if file.tell() != len(data):
            raise NotKept("TRUNCATED")
        return dataset, None
    tag, offset, length = stop.pixels
    if length == _UNDEFINED:
        _walk_items(data, offset)
        length = -1
    elif offset + length > len(data):
        raise NotKept("TRUNCATED")
    subsampled = text(dataset, "PhotometricInterpretation") == "YBR_FULL_422"
    return dataset, Pixels(
        offset,
        length,
        whole(dataset, "Rows"),
        whole(dataset, "Columns"),
        # Without compression two pixels of YBR_FULL_422 share their colour: two samples each (PS3.3, C.7.6.3.1.2).
        2 if length >= 0 and subsampled else whole(dataset, "SamplesPerPixel") or 1,
        whole(dataset, "BitsAllocated"),
        max(1, whole(dataset, "NumberOfFrames")),
        tag,
    )


def _walk_items(data: mmap.mmap | bytes, offset: int) -> None:
    """Encapsulated pixels are items up to a delimiter; a file that ends before it was cut off."""
    while True:
        if offset + 8 > len(data):
            raise NotKept("TRUNCATED")
        group, element, length = struct.unpack_from("<HHL", data, offset)
        if group != 0xFFFE or element not in (_ITEM, _ENDED):
            raise NotKept("BROKEN")
        if element == _ENDED:
            return
        offset += 8 + length


def _placed(meta: FileMetaDataset, dataset: Dataset, syntax: str, pixels: Pixels | None) -> InstanceFacts:
    """The instance by its UIDs, once these say where it belongs. Where group 0002 names another instance the data set counts
    (our decision: so do the archives that are in use)."""
    sop_class, sop = text(dataset, "SOPClassUID"), text(dataset, "SOPInstanceUID")
    study, series = text(dataset, "StudyInstanceUID"), text(dataset, "SeriesInstanceUID")
    if str(meta.get("MediaStorageSOPClassUID", "")) == uids.MediaStorageDirectoryStorage:
        raise NotKept("SOP_CLASS")
    if not (sop_class and sop and study and series):
        raise NotKept("UIDS_MISSING", sop_class, sop)
    if not all(uid_holds(each) for each in (sop_class, sop, study, series)):
        raise NotKept("UID_WRONG")
    return InstanceFacts(study, series, sop, sop_class, syntax, whole(dataset, "InstanceNumber"), pixels)


class _Budget:
    """How many elements may still be looked at."""

    def __init__(self) -> None:
        self.left = _MOST_ELEMENTS


def _check(dataset: Dataset, budget: _Budget, depth: int = 0) -> None:
    """Every element within a sequence is as long as it says, and nothing is nested without end."""
    if depth > _MOST_DEPTH:
        raise NotKept("BROKEN")
    for raw in list(dataset.elements()):
        budget.left -= 1
        if budget.left < 0:
            raise NotKept("TOO_LARGE")
        if isinstance(raw, RawDataElement) and raw.VR not in (None, "SQ", "UN"):
            continue
        element = dataset[raw.tag]
        if element.VR == "SQ":
            for item in element.value or ():
                _check_lengths(item)
                _check(item, budget, depth + 1)


def _check_lengths(dataset: Dataset) -> None:
    """Of elements that nobody has looked at yet: once pydicom has converted one, what was missing of it is forgotten."""
    for raw in dataset.elements():
        if isinstance(raw, RawDataElement) and raw.length != _UNDEFINED and len(raw.value or b"") != raw.length:
            raise NotKept("TRUNCATED")
