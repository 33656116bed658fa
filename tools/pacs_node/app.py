"""The node's HTTP face: `/dicom-web/` for its operators, with their key; `/t/TICKET/` for readers, to read one study.

aiohttp serves it, for bodies and answers of any size stream through it. Nothing of a request is logged: its path holds a ticket.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec
from aiohttp import web

from services.imaging.domain.dicom_forms import uid_holds
from tools.pacs_node.catalog import Kept
from tools.pacs_node.metadata import ROOT
from tools.pacs_node.refusals import Refusal, problem
from tools.pacs_node.retrieving import Retriever, wanted
from tools.pacs_node.searching import Searcher
from tools.pacs_node.shelf import Shelf
from tools.pacs_node.stow import Stow
from tools.pacs_node.tickets import Tickets

CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, Range",
    "Access-Control-Expose-Headers": "Content-Type, Content-Location, Warning, Retry-After",
    "Access-Control-Max-Age": "86400",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_JSON: Final = "application/dicom+json"
_THUMBNAIL_SIDE: Final = 128
_SERIES: Final = "/studies/{study}/series/{series}"
_INSTANCE: Final = _SERIES + "/instances/{sop}"
_LOG: Final = logging.getLogger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Face:
    """The routes and what stands behind them. `url` is the address by which clients reach it; empty: what they say in Host."""

    def __init__(self, shelf: Shelf, tickets: Tickets, operator_key: str, url: str = "") -> None:
        self._shelf, self._tickets = shelf, tickets
        self._key, self._url = operator_key.encode(), url.rstrip("/")
        self._dicom = ThreadPoolExecutor(1, thread_name_prefix="dicom")
        self._retriever = Retriever(shelf, self._run)
        self._searcher, self._stow = Searcher(shelf), Stow(shelf, self._run)

    def close(self) -> None:
        """Waits for what is being read."""
        self._dicom.shutdown()

    async def _run(self, work: Callable[..., Any], *values: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._dicom, work, *values)

    def application(self) -> web.Application:
        """The application, ready to be served."""
        app = web.Application(middlewares=[_answered], client_max_size=1)
        app.on_response_prepare.append(_open_to_all)
        routes = app.router
        routes.add_get("/dicom-web/studies", self._studies)
        routes.add_post("/dicom-web/studies", self._store)
        routes.add_post("/dicom-web/studies/{study}", self._store)
        for prefix in ("/dicom-web", "/t/{ticket}"):
            routes.add_get(f"{prefix}/studies/{{study}}/series", self._list_series)
            routes.add_get(f"{prefix}/studies/{{study}}/instances", self._list_instances)
            routes.add_get(f"{prefix}{_SERIES}/instances", self._list_instances)
            for level in ("/studies/{study}", _SERIES, _INSTANCE):
                routes.add_get(f"{prefix}{level}", self._files)
                routes.add_get(f"{prefix}{level}/metadata", self._metadata)
                routes.add_get(f"{prefix}{level}/rendered", self._rendered)
                routes.add_get(f"{prefix}{level}/thumbnail", self._thumbnail)
            routes.add_get(f"{prefix}{_INSTANCE}/frames/{{frames}}", self._frames)
            routes.add_get(f"{prefix}{_INSTANCE}/frames/{{frames}}/rendered", self._rendered)
            routes.add_get(f"{prefix}{_INSTANCE}/frames/{{frames}}/thumbnail", self._thumbnail)
            routes.add_get(f"{prefix}{_INSTANCE}/bulkdata/{{where:.+}}", self._bulk)
        return app

    def _admit(self, request: web.Request) -> str:
        """The address before `/studies` by which the caller came, once ticket or key let it in."""
        match = request.match_info
        for name in ("study", "series", "sop"):
            if name in match and not uid_holds(match[name]):
                raise Refusal("UID_WRONG")
        root = self._url or f"{request.scheme}://{request.host}"
        if "ticket" in match:
            self._tickets.check(match["ticket"], match["study"])
            return f"{root}/t/{match['ticket']}"
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(key.strip().encode("utf-8", "replace"), self._key):
            raise Refusal("KEY_WRONG", WWW_Authenticate="Bearer")
        return f"{root}/dicom-web"

    async def _kept(self, request: web.Request) -> list[Kept]:
        match = request.match_info
        kept = await asyncio.to_thread(
            self._shelf.catalog.instances, match["study"], match.get("series"), match.get("sop")
        )
        if not kept:
            raise Refusal("NOT_FOUND")
        return kept

    async def _files(self, request: web.Request) -> web.StreamResponse:
        self._admit(request)
        return await self._retriever.files(request, await self._kept(request))

    async def _metadata(self, request: web.Request) -> web.StreamResponse:
        root, match = self._admit(request), request.match_info
        if not any(each.takes(_JSON) or each.media == "application/json" for each in wanted(request)):
            raise Refusal("NOT_ACCEPTABLE")
        objects = await asyncio.to_thread(
            self._shelf.catalog.metadata, match["study"], match.get("series"), match.get("sop")
        )
        if not objects:
            raise Refusal("NOT_FOUND")
        body = (b"[" + b",".join(objects) + b"]").replace(ROOT.encode(), root.encode())
        return web.Response(body=body, content_type=_JSON)

    async def _frames(self, request: web.Request) -> web.StreamResponse:
        self._admit(request)
        numbers = _numbers(request.match_info["frames"])
        return await self._retriever.frames(request, (await self._kept(request))[0], numbers)

    async def _bulk(self, request: web.Request) -> web.StreamResponse:
        self._admit(request)
        return await self._retriever.bulk(request, (await self._kept(request))[0], request.match_info["where"])

    async def _rendered(self, request: web.Request, most_side: int | None = None) -> web.StreamResponse:
        """A frame; of a study or a series the middle instance that has pixels."""
        self._admit(request)
        kept = [each for each in await self._kept(request) if each.facts.pixels is not None]
        if not kept:
            raise Refusal("NOT_RENDERED")
        numbers = _numbers(request.match_info.get("frames", "1"))
        if len(numbers) != 1:
            raise Refusal("NOT_ACCEPTABLE")
        sides = {} if most_side is None else {"most_side": most_side}
        return await self._retriever.rendered(request, kept[len(kept) // 2], numbers[0], **sides)

    async def _thumbnail(self, request: web.Request) -> web.StreamResponse:
        return await self._rendered(request, _THUMBNAIL_SIDE)

    async def _studies(self, request: web.Request) -> web.StreamResponse:
        root = self._admit(request)
        return _listed(await asyncio.to_thread(self._searcher.studies, _query(request), root))

    async def _list_series(self, request: web.Request) -> web.StreamResponse:
        root = self._admit(request)
        study = request.match_info["study"]
        return _listed(await asyncio.to_thread(self._searcher.series, study, _query(request), root))

    async def _list_instances(self, request: web.Request) -> web.StreamResponse:
        root, match = self._admit(request), request.match_info
        return _listed(
            await asyncio.to_thread(
                self._searcher.instances, match["study"], match.get("series"), _query(request), root
            )
        )

    async def _store(self, request: web.Request) -> web.StreamResponse:
        root = self._admit(request)
        return await self._stow.store(request, root, request.match_info.get("study"))


@web.middleware
async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal says its reason."""
    if request.method == "OPTIONS":
        return web.Response(status=204)
    try:
        answer = await handler(request)
    except Refusal as refusal:
        answer = _refused(refusal)
    except web.HTTPMethodNotAllowed as error:
        answer = _refused(Refusal("READ_ONLY", Allow=", ".join(sorted(error.allowed_methods))))
    except web.HTTPException as error:
        if error.status != 404:
            raise
        answer = _refused(Refusal("PATH_UNKNOWN"))
    except (ConnectionError, TimeoutError):
        raise
    # Whatever else it is, a viewer is told so in its own form; the kind of error alone is logged, for texts may name patients.
    except Exception as error:  # noqa: BLE001
        _LOG.error("a request failed: %s", type(error).__name__)
        answer = _refused(Refusal("INTERNAL"))
    return answer


async def _open_to_all(_request: web.Request, answer: web.StreamResponse) -> None:
    answer.headers.update(CORS)


def _refused(refusal: Refusal) -> web.Response:
    return web.Response(
        status=refusal.said.code,
        body=msgspec.json.encode(problem(refusal)),
        content_type="application/json",
        headers=refusal.headers,
    )


def _numbers(text: str) -> list[int]:
    pieces = text.split(",")
    if not all(each.isascii() and each.isdigit() and len(each) < 9 for each in pieces):
        raise Refusal("NO_SUCH_FRAME")
    return [int(each) for each in pieces]


def _query(request: web.Request) -> Mapping[str, str]:
    """The query; a key that stands twice is refused, but `includefield`."""
    found: dict[str, str] = {}
    for key, value in request.query.items():
        if key in found and key != "includefield":
            raise Refusal("PARAMETER_WRONG")
        found[key] = value
    return found


def _listed(rows: list[dict[str, Any]]) -> web.Response:
    if not rows:
        return web.Response(status=204)
    return web.Response(body=msgspec.json.encode(rows), content_type=_JSON)
