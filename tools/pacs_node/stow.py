"""STOW-RS (PS3.18, 10.5): a multipart of DICOM files, each kept or refused by itself; one bad instance holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from aiohttp import BodyPartReader, web
from aiohttp.multipart import MultipartReader

from tools.pacs_node.dicom_json import stored
from tools.pacs_node.facts import InstanceFacts
from tools.pacs_node.refusals import NotKept, Refusal
from tools.pacs_node.shelf import Incoming, Shelf

MOST_PARTS: Final = 2000
_AT_ONCE: Final = 8
_CHUNK: Final = 1 << 18
_NO_SPACE: Final = "DISK_FULL"
Run = Callable[..., Awaitable[Any]]
"""Runs a function on the one thread that reads DICOM."""


class Stow:
    """Stores what is sent; no more than eight requests at once."""

    def __init__(self, shelf: Shelf, run: Run) -> None:
        self._shelf, self._run = shelf, run
        self._open = 0

    async def store(self, request: web.Request, root: str, study_uid: str | None) -> web.Response:
        """Answers 200 where all was kept, 202 where something was, 409 where nothing was. Refusals: MEDIA_TYPE_WRONG,
        MULTIPART_WRONG, BODY_TOO_LARGE, BUSY, DISK_FULL."""
        if self._open >= _AT_ONCE:
            raise Refusal("BUSY")
        self._open += 1
        try:
            return await self._store(request, root, study_uid)
        except OSError as error:
            if isinstance(error, ConnectionError):
                raise
            raise Refusal(_NO_SPACE) from error
        finally:
            self._open -= 1

    async def _store(self, request: web.Request, root: str, study_uid: str | None) -> web.Response:
        kept: list[InstanceFacts] = []
        failed: list[NotKept] = []
        parts = 0
        reader = _reader(request)
        while (part := await _next(reader)) is not None:
            parts += 1
            if parts > MOST_PARTS:
                raise Refusal("BODY_TOO_LARGE")
            try:
                kept.append(await self._keep(part, study_uid))
            except NotKept as error:
                failed.append(error)
        if not parts:
            raise Refusal("MULTIPART_WRONG")
        urls = [f"{root}/studies/{_path(facts)}" for facts in kept]
        studies = {facts.study_uid for facts in kept} | ({study_uid} if study_uid else set())
        told = stored(
            list(zip(kept, urls, strict=True)), failed, f"{root}/studies/{studies.pop()}" if len(studies) == 1 else ""
        )
        status = 200 if not failed else 202 if kept else 409
        return web.Response(status=status, body=msgspec.json.encode(told), content_type="application/dicom+json")

    async def _keep(self, part: BodyPartReader, study_uid: str | None) -> InstanceFacts:
        came = self._shelf.incoming()
        try:
            while piece := await _piece(part):
                came.write(piece)
            facts: InstanceFacts = await self._run(self._keep_file, came, study_uid)
            return facts
        finally:
            came.drop()

    def _keep_file(self, came: Incoming, study_uid: str | None) -> InstanceFacts:
        came.close()
        return self._shelf.keep(came, study_uid)


def _reader(request: web.Request) -> MultipartReader:
    if request.content_type != "multipart/related":
        raise Refusal("MEDIA_TYPE_WRONG")
    try:
        return MultipartReader(request.headers, request.content)
    except (ValueError, AssertionError, KeyError) as error:
        raise Refusal("MULTIPART_WRONG") from error


async def _next(reader: MultipartReader) -> BodyPartReader | None:
    """The next part. A body that ends within a part, or whose parts are multiparts, is no whole one."""
    try:
        part = await reader.next()
    except (ValueError, AssertionError, web.HTTPException, RuntimeError) as error:
        raise Refusal("MULTIPART_WRONG") from error
    if part is None:
        return None
    if not isinstance(part, BodyPartReader):
        raise Refusal("MULTIPART_WRONG")
    media = part.headers.get("Content-Type", "application/dicom").partition(";")[0].strip().lower()
    if media not in ("application/dicom", "application/octet-stream"):
        raise Refusal("MEDIA_TYPE_WRONG")
    return part


async def _piece(part: BodyPartReader) -> bytes:
    try:
        async with asyncio.timeout(60):
            return bytes(await part.read_chunk(_CHUNK))
    except (ValueError, AssertionError, RuntimeError, TimeoutError) as error:
        raise Refusal("MULTIPART_WRONG") from error


def _path(facts: InstanceFacts) -> str:
    return f"{facts.study_uid}/series/{facts.series_uid}/instances/{facts.sop_uid}"
