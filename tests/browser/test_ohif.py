"""OHIF, as its makers built it, lists and shows a study of the index. It comes from the package @ohif/app, 200 MB, which is not
installed by `make setup`: `npm ci --prefix tests/browser/ohif` does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web

from tests.browser.test_viewer import looked, opened
from tests.imaging.sight import sighted

FOLDER: Final = Path(__file__).with_name("ohif")
BUILT: Final = FOLDER / "node_modules" / "@ohif" / "app" / "dist"
SCRIPT: Final = Path(__file__).with_name("ohif.mjs")
# What its workers share memory by: without these a browser lets no page do it.
HEADERS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}

pytestmark = pytest.mark.skipif(
    not BUILT.is_dir(), reason="OHIF is not installed here (200 MB): npm ci --prefix tests/browser/ohif"
)


@asynccontextmanager
async def served(gateway: str) -> AsyncIterator[str]:
    """OHIF at an origin of its own, with our configuration for a gateway."""
    configuration = (FOLDER / "app-config.js").read_text(encoding="utf-8").replace("http://127.0.0.1:7400", gateway)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/app-config.js":
            return web.Response(text=configuration, content_type="text/javascript", headers=HEADERS)
        file = BUILT / request.path.lstrip("/")
        # Each path of its router is its one page.
        return web.FileResponse(file if file.is_file() else BUILT / "index.html", headers=HEADERS)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture(scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What OHIF asked and showed."""
    async with sighted(tmp_path_factory.mktemp("ohif")) as sight, served(sight.mesh.url) as url:
        token, study = await opened(sight)
        given = (sight.mesh.url, sight.node.url, token, study)
        return await asyncio.to_thread(looked, url, *given, script=SCRIPT)


def test_the_list_has_the_study(seen: dict[str, Any]) -> None:
    assert "胸部CT平扫" in seen["list"]
    assert "25-May-2026" in seen["list"]
    assert seen["isolated"]
    assert seen["address"].endswith("/")


def test_the_study_is_shown_with_all_of_its_series(seen: dict[str, Any]) -> None:
    assert all(each in seen["study"] for each in ("定位像", "胸部平扫 5mm 软组织", "胸部平扫 1.5mm 肺窗"))
    assert seen["light"] > 5


def test_every_question_is_answered_and_none_goes_to_a_stranger(seen: dict[str, Any]) -> None:
    assert seen["strangers"] == []
    assert {each.rpartition(" ")[2] for each in seen["asked"]} <= {"200", "204", "307"}
    assert [each for each in seen["asked"] if "/frames/" in each]
    assert not [each for each in seen["errors"] if "request failed" in each.lower()]
