"""Frames: as they are stored, decoded, or rendered for a screen. Codecs are Pillow's and, before Python 3.14, pyjpegls's; what
they cannot decode is given as it is stored, or refused.

Nothing is decoded whose size, by its own description, goes beyond a bound.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom import uid as uids
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array

from tools.pacs_node.attributes import text
from tools.pacs_node.facts import InstanceFacts, Pixels
from tools.pacs_node.refusals import Refusal

MOST_FRAME_BYTES: Final = 256 << 20
"""A decoded frame takes at most so much (our decision); a mammogram takes 40 MB."""
MOST_SIDE: Final = 4096
_MEDIA: Final = {
    uids.JPEGBaseline8Bit: "image/jpeg",
    uids.JPEGExtended12Bit: "image/jpeg",
    uids.JPEGLossless: "image/jpeg",
    uids.JPEGLosslessSV1: "image/jpeg",
    uids.JPEGLSLossless: "image/jls",
    uids.JPEGLSNearLossless: "image/jls",
    uids.JPEG2000Lossless: "image/jp2",
    uids.JPEG2000: "image/jp2",
    uids.RLELossless: "image/dicom-rle",
}
Window = tuple[float, float]


def stored_media(syntax: str) -> str:
    """The media type of a frame as it is stored (PS3.18, table 8.7.3-5)."""
    return _MEDIA.get(uids.UID(syntax), "application/octet-stream")


def can_decode(syntax: str) -> bool:
    """Whether a codec for a transfer syntax is here."""
    known = uids.UID(syntax)
    return not known.is_encapsulated or (known in _MEDIA and get_decoder(known).is_available)


def frame_count(pixels: Pixels) -> int:
    """How many frames can be given: those that are said and, without compression, are there."""
    if pixels.encapsulated or not pixels.frame_bits:
        return pixels.frames
    return min(pixels.frames, pixels.length * 8 // pixels.frame_bits)


def stored_frame(path: Path, pixels: Pixels, number: int) -> bytes:
    """Frame `number`, from 1, as it is stored. Raises Refusal NO_SUCH_FRAME."""
    if not 1 <= number <= frame_count(pixels):
        raise Refusal("NO_SUCH_FRAME")
    if not pixels.encapsulated:
        bits = pixels.frame_bits
        if not bits or bits % 8:
            # Frames of single bits may begin within a byte.
            return decoded_frame(path, pixels, number)
        with path.open("rb") as file:
            file.seek(pixels.offset + (number - 1) * (bits // 8))
            return file.read(bits // 8)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        data.seek(pixels.offset)
        try:
            return get_frame(cast("Any", data), number - 1, number_of_frames=pixels.frames)
        except (ValueError, IndexError, EOFError) as error:
            raise Refusal("NO_SUCH_FRAME") from error


def stored_frames(path: Path, pixels: Pixels) -> Iterator[bytes]:
    """All frames as they are stored."""
    if not pixels.encapsulated:
        for number in range(1, frame_count(pixels) + 1):
            yield stored_frame(path, pixels, number)
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        data.seek(pixels.offset)
        yield from generate_frames(cast("Any", data), number_of_frames=pixels.frames)


def decoded_frame(path: Path, pixels: Pixels, number: int) -> bytes:
    """Frame `number` without compression, little endian; Refusal NOT_ACCEPTABLE where no codec here can."""
    return bytes(_little(_array(path, pixels, number, raw=True, reason="NOT_ACCEPTABLE")).tobytes())


def _little(array: Any) -> Any:
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _array(path: Path, pixels: Pixels, number: int, *, raw: bool, reason: str) -> Any:
    if not 1 <= number <= frame_count(pixels):
        raise Refusal("NO_SUCH_FRAME")
    if pixels.frame_bits > MOST_FRAME_BYTES * 8:
        raise Refusal(reason)
    # Codecs raise whatever their libraries raise of data that are none.
    try:
        return pixel_array(path, index=number - 1, raw=raw)
    except Exception as error:
        raise Refusal(reason) from error


def rendered(
    path: Path, facts: InstanceFacts, number: int, media: str, window: Window | None, side: int, quality: int
) -> bytes:
    """Frame `number` as JPEG or PNG for a screen, no side longer than `side`; `window` is centre and width instead of its own."""
    if facts.pixels is None:
        raise Refusal("NOT_RENDERED")
    array = _array(path, facts.pixels, number, raw=False, reason="NOT_RENDERED")
    try:
        picture = Image.fromarray(_eight_bits(array, dcmread(path, stop_before_pixels=True), window))
    except Exception as error:
        raise Refusal("NOT_RENDERED") from error
    picture.thumbnail((side, side))
    sink = BytesIO()
    picture.save(sink, "JPEG" if media == "image/jpeg" else "PNG", **({"quality": quality} if quality else {}))
    return sink.getvalue()


def _eight_bits(array: Any, dataset: Dataset, window: Window | None) -> Any:
    """Grey or RGB of 8 bits: palette or rescale, window, and white where MONOCHROME1 says black (PS3.3, C.11). A window is linear
    (our decision: sigmoid ones are rare, and a picture for a list needs no more)."""
    photometric = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    if photometric == "PALETTE COLOR":
        array = apply_color_lut(array, dataset)
    if array.ndim == 3:
        return array if array.dtype == np.uint8 else _stretched(array, 0.0, float(array.max()))
    values = apply_modality_lut(array, dataset)
    window = window or _own_window(dataset)
    if window is not None:
        centre, width = window
        half = max(width - 1, 1) / 2
        grey = _stretched(values, centre - 0.5 - half, centre - 0.5 + half)
    else:
        if "VOILUTSequence" in dataset:
            values = apply_voi_lut(values, dataset)
        grey = _stretched(values, float(values.min()), float(values.max()))
    return 255 - grey if photometric == "MONOCHROME1" else grey


def _own_window(dataset: Dataset) -> Window | None:
    """The first window that the file has."""
    try:
        centre, width = float(text(dataset, "WindowCenter")), float(text(dataset, "WindowWidth"))
    except ValueError:
        return None
    return (centre, width) if width >= 1 else None


def _stretched(values: Any, low: float, high: float) -> Any:
    return np.clip((values.astype(np.float64) - low) * (255.0 / ((high - low) or 1.0)), 0, 255).astype(np.uint8)
