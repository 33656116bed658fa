"""WADO-RS (PS3.18, 10.4): files, frames, bulk data and pictures of what is kept, as the client takes them.

Files and frames are given as they are stored unless the client names another transfer syntax (our decision for files, as common
archives do). Frames asked for as plain bytes are decoded where a codec is here.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from io import BytesIO
from typing import Any, Final

from aiohttp import web
from pydicom import dcmread
from pydicom import uid as uids

from tools.pacs_node.accepts import Range, ranges
from tools.pacs_node.catalog import Kept
from tools.pacs_node.facts import Pixels
from tools.pacs_node.metadata import element_at
from tools.pacs_node.pixels import (
    MOST_SIDE,
    Window,
    can_decode,
    decoded_frame,
    frame_count,
    rendered,
    stored_frame,
    stored_frames,
    stored_media,
)
from tools.pacs_node.refusals import Refusal
from tools.pacs_node.shelf import Shelf

_LITTLE: Final = str(uids.ExplicitVRLittleEndian)
_OCTETS: Final = "application/octet-stream"
_DICOM: Final = "application/dicom"
_MOST_FRAMES: Final = 1000
_CHUNK: Final = 1 << 18
Run = Callable[..., Awaitable[Any]]
Part = tuple[str, AsyncIterator[bytes]]
"""The content type of a part, and its bytes."""


class Retriever:
    """Answers of one node. `run` runs a function on the one thread that reads DICOM."""

    def __init__(self, shelf: Shelf, run: Run) -> None:
        self._shelf, self._run = shelf, run

    async def files(self, request: web.Request, kept: Sequence[Kept]) -> web.StreamResponse:
        """The files as application/dicom, a multipart; Refusal NOT_ACCEPTABLE."""
        takes = [each for each in wanted(request) if each.takes(_DICOM) and (each.multipart or len(kept) == 1)]
        if not takes:
            raise Refusal("NOT_ACCEPTABLE")
        single = not takes[0].multipart
        syntaxes = [self._syntax_of_file(each, takes) for each in kept]
        parts = [
            (f"{_DICOM}; transfer-syntax={syntax}", self._file(each, syntax))
            for each, syntax in zip(kept, syntaxes, strict=True)
        ]
        return await (_single(request, parts[0]) if single else _multipart(request, _DICOM, _each(parts)))

    def _syntax_of_file(self, kept: Kept, takes: Sequence[Range]) -> str:
        stored = kept.facts.transfer_syntax
        for each in takes:
            if each.takes_syntax(stored, stored):
                return stored
            if each.transfer_syntax == _LITTLE and can_decode(stored):
                return _LITTLE
        raise Refusal("NOT_ACCEPTABLE")

    async def _file(self, kept: Kept, syntax: str) -> AsyncIterator[bytes]:
        path = self._shelf.path(kept.facts)
        if syntax != kept.facts.transfer_syntax:
            yield await self._run(_plain_file, path)
            return
        with await asyncio.to_thread(path.open, "rb") as file:
            while piece := await asyncio.to_thread(file.read, _CHUNK):
                yield piece

    async def frames(self, request: web.Request, kept: Kept, numbers: Sequence[int]) -> web.StreamResponse:
        """Frames by their numbers from 1; Refusals NO_SUCH_FRAME, NOT_ACCEPTABLE."""
        pixels = kept.facts.pixels
        if pixels is None or not 0 < len(numbers) <= _MOST_FRAMES:
            raise Refusal("NO_SUCH_FRAME")
        if not all(1 <= each <= frame_count(pixels) for each in numbers):
            raise Refusal("NO_SUCH_FRAME")
        media, syntax, single = _frame_form(request, kept)
        if single and len(numbers) > 1:
            raise Refusal("NOT_ACCEPTABLE")
        path = self._shelf.path(kept.facts)
        make = stored_frame if syntax == kept.facts.transfer_syntax else decoded_frame
        # The first one is made before the answer begins: what is wrong with it can still be said.
        first = await self._run(make, path, pixels, numbers[0])
        kind = f"{media}; transfer-syntax={syntax}"

        async def parts() -> AsyncIterator[Part]:
            yield kind, _once(first)
            for number in numbers[1:]:
                yield kind, _once(await self._run(make, path, pixels, number))

        return await (_single(request, (kind, _once(first))) if single else _multipart(request, media, parts()))

    async def bulk(self, request: web.Request, kept: Kept, where: str) -> web.StreamResponse:
        """A large value by the path that metadata gave: pixel data frame by frame where compressed; Refusal NOT_FOUND."""
        path, pixels = self._shelf.path(kept.facts), kept.facts.pixels
        single = not wanted(request)[0].multipart
        if pixels is not None and where.upper() == f"{pixels.tag:08X}":
            if pixels.encapsulated:
                return await self._compressed(request, kept, pixels, single=single)
            value: bytes = await asyncio.to_thread(_slice, path, pixels.offset, pixels.length)
        else:
            value = await self._run(_value_at, path, where)
        part = (_OCTETS, _once(value))
        return await (_single(request, part) if single else _multipart(request, _OCTETS, _each([part])))

    async def _compressed(
        self, request: web.Request, kept: Kept, pixels: Pixels, *, single: bool
    ) -> web.StreamResponse:
        path, media = self._shelf.path(kept.facts), stored_media(kept.facts.transfer_syntax)
        kind = f"{media}; transfer-syntax={kept.facts.transfer_syntax}"
        if single and pixels.frames > 1:
            raise Refusal("NOT_ACCEPTABLE")
        if single:
            return await _single(request, (kind, _once(await self._run(stored_frame, path, pixels, 1))))

        async def parts() -> AsyncIterator[Part]:
            frames = stored_frames(path, pixels)
            while (frame := await self._run(_next_frame, frames)) is not None:
                yield kind, _once(frame)

        return await _multipart(request, media, parts())

    async def rendered(self, request: web.Request, kept: Kept, number: int, most_side: int = MOST_SIDE) -> web.Response:
        """A frame as a picture; query parameters `window=centre,width,function`, `viewport=width,height`, `quality=1..100`.
        Refusals PARAMETER_WRONG, NOT_ACCEPTABLE, NOT_RENDERED, NO_SUCH_FRAME."""
        media = next(
            (
                kind
                for each in wanted(request)
                for kind in ("image/jpeg", "image/png")
                if each.takes(kind) and not each.multipart
            ),
            None,
        )
        if media is None:
            raise Refusal("NOT_ACCEPTABLE")
        window, side, quality = _picture(request)
        path = self._shelf.path(kept.facts)
        body = await self._run(rendered, path, kept.facts, number, media, window, min(side, most_side), quality)
        return web.Response(body=body, content_type=media)


def wanted(request: web.Request) -> tuple[Range, ...]:
    """What the client takes: the query parameter `accept` stands before the header (PS3.18, 8.3.3)."""
    found = ranges(request.query.get("accept", "") or ", ".join(request.headers.getall("Accept", [])))
    if not found:
        raise Refusal("NOT_ACCEPTABLE")
    return found


def _frame_form(request: web.Request, kept: Kept) -> tuple[str, str, bool]:
    """Media type and transfer syntax of the frames, and whether one stands alone."""
    stored = kept.facts.transfer_syntax
    encapsulated = kept.facts.pixels is not None and kept.facts.pixels.encapsulated
    media = stored_media(stored) if encapsulated else _OCTETS
    little = not uids.UID(stored).is_encapsulated and uids.UID(stored).is_little_endian
    for each in wanted(request):
        if encapsulated and each.takes(media) and each.takes_syntax(stored, stored) and each.media != _OCTETS:
            return media, stored, not each.multipart
        if encapsulated and each.media == _OCTETS and each.transfer_syntax in ("*", stored):
            return _OCTETS, stored, not each.multipart
        if each.takes(_OCTETS) and each.transfer_syntax in ("", "*", _LITTLE, stored):
            return _OCTETS, stored if little or each.transfer_syntax == stored else _LITTLE, not each.multipart
    raise Refusal("NOT_ACCEPTABLE")


def _plain_file(path: Any) -> bytes:
    """A file in explicit VR little endian without compression."""
    try:
        dataset = dcmread(path)
        if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
            dataset.decompress(generate_instance_uid=False)
        sink = BytesIO()
        dataset.file_meta.TransferSyntaxUID = uids.ExplicitVRLittleEndian
        dataset.save_as(sink, implicit_vr=False, little_endian=True, enforce_file_format=False)
    # Codecs and writers raise whatever their libraries raise.
    except Exception as error:
        raise Refusal("NOT_ACCEPTABLE") from error
    return sink.getvalue()


def _value_at(path: Any, where: str) -> bytes:
    element = element_at(dcmread(path, stop_before_pixels=True), where)
    if element is None or not isinstance(element.value, bytes):
        raise Refusal("NOT_FOUND")
    return element.value


def _slice(path: Any, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return bytes(file.read(length))


def _picture(request: web.Request) -> tuple[Window | None, int, int]:
    """Window, longest side and quality that the query asks for."""
    try:
        window, side, quality = None, MOST_SIDE, int(request.query.get("quality", "0"))
        if "window" in request.query:
            centre, width = request.query["window"].split(",")[:2]
            window = (float(centre), float(width))
        if "viewport" in request.query:
            side = max(1, min(int(float(each)) for each in request.query["viewport"].split(",")[:2] if each))
    except (ValueError, OverflowError) as error:
        raise Refusal("PARAMETER_WRONG") from error
    if not 0 <= quality <= 100 or (window is not None and not (window[1] >= 1 and abs(window[0]) < 1e9)):
        raise Refusal("PARAMETER_WRONG")
    return window, min(side, MOST_SIDE), quality


def _next_frame(frames: Iterator[bytes]) -> bytes | None:
    try:
        return next(frames, None)
    except (ValueError, IndexError, EOFError) as error:
        raise Refusal("NO_SUCH_FRAME") from error


async def _each(parts: Sequence[Part]) -> AsyncIterator[Part]:
    for part in parts:
        yield part


async def _once(value: bytes) -> AsyncIterator[bytes]:
    yield value


async def _single(request: web.Request, part: Part) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": part[0]})
    await answer.prepare(request)
    if request.method != "HEAD":
        async for piece in part[1]:
            await answer.write(piece)
    return answer


async def _multipart(request: web.Request, media: str, parts: AsyncIterator[Part]) -> web.StreamResponse:
    """A multipart/related, sent while it is read. What fails within it ends the connection, so that nobody takes it for whole."""
    boundary = secrets.token_hex(16)
    kind = f'multipart/related; type="{media}"; boundary={boundary}'
    answer = web.StreamResponse(headers={"Content-Type": kind})
    await answer.prepare(request)
    if request.method == "HEAD":
        return answer
    try:
        async for content_type, pieces in parts:
            await answer.write(f"--{boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode())
            async for piece in pieces:
                await answer.write(piece)
            await answer.write(b"\r\n")
        await answer.write(f"--{boundary}--\r\n".encode())
    except (Refusal, OSError):
        if request.transport is not None:
            request.transport.abort()
    return answer
