"""The page at /docs on a wide and a narrow screen: nothing overflows, no name breaks, no error; it taps, searches and copies.

One browser for all of it. `node tests/browser/look.mjs URL FOLDER` leaves pictures to look at.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.national.signatures import authenticate
from gateway.nonces import Nonces
from gateway.partners import Profile
from services.kernel.errors import Fault
from services.runtime.call import Caller, Role
from tests.mesh.harness import started_mesh
from yibao.identity.v1 import partner_pb2

LOOK: Final = Path(__file__).with_name("look.mjs")
NODE: Final = Path(sys.executable).with_name("node")
PAGE: Final = files("gateway.reference").joinpath("page.html").read_text(encoding="utf-8")
RECIPES: Final = dict(re.findall(r'<template id="recipe-(\w+)">.*?<pre>(.*?)</pre>', PAGE, re.DOTALL))
# Of the values in the recipes; a bare key is kept as its digest alone.
KEYS: Final = re.compile(r"(?m)^(?:AK|PAASID)=(\S+) SECRET=(\S+)$")


@pytest.fixture(scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the browser saw."""
    font = LOOK.parent / "node_modules" / "@fontsource-variable" / "noto-sans-sc"
    assert font.is_dir(), "the browser of the tests is not installed: make setup"
    async with started_mesh(tmp_path_factory.mktemp("reference"), members=("gateway",)) as mesh:
        return await asyncio.to_thread(looked, mesh.url)


def looked(url: str) -> dict[str, Any]:
    """Runs the browser."""
    run = subprocess.run([NODE, LOOK, url], capture_output=True, text=True, timeout=90, check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_no_entry_overflows_or_breaks_a_name_on_either_screen(seen: dict[str, Any]) -> None:
    assert seen["overflow"] == []
    assert seen["broken"] == []
    # Every transaction and operation was looked at twice, once in each language.
    assert seen["pages"] > 2 * 80
    assert sorted(seen["languages"]) == ["en", "zh-CN"]


def test_chinese_is_measured_as_it_is_seen(seen: dict[str, Any]) -> None:
    # Both screens: the narrow one loads the page again. A font of so many parts holds every character in use.
    wide, narrow = seen["fonts"]
    assert wide == narrow > 90
    # Eight characters, each as wide as it is high; the boxes of a browser without them are narrower.
    assert seen["glyph"] == pytest.approx(8, abs=0.1)


def test_no_end_of_a_line_shows_as_a_space_in_chinese(seen: dict[str, Any]) -> None:
    assert seen["gaps"] == []


def test_the_page_reports_no_error_and_asks_no_other_host(seen: dict[str, Any]) -> None:
    assert seen["errors"] == []
    assert seen["strangers"] == []


def test_a_tap_on_a_narrow_screen_leads_to_what_was_tapped_and_back(seen: dict[str, Any]) -> None:
    assert seen["tapped"]["title"].startswith("2304")
    assert 0 <= seen["tapped"]["top"] < 100
    assert seen["back"]


def test_fields_and_reasons_are_found_by_any_of_their_names(seen: dict[str, Any]) -> None:
    found = seen["found"]
    assert found["medfee_sumamt 2207"] == ["t-2207", "t-2207A"]
    assert {"t-2207", "r-post-/v1/settlements"} <= set(found["医疗费总额"])
    assert {"t-2207", "reasons"} <= set(found["SPLIT_CHANGED"])
    assert "r-post-/v1/settlements" in found["psnCashPayFen"]
    assert "t-1101" not in found["SPLIT_CHANGED"]
    assert found["qwertz"] == []


def test_the_played_request_is_copied_whole(seen: dict[str, Any]) -> None:
    copied = json.loads(seen["copied"])
    assert copied["infno"] == "2207"
    assert copied["input"]["data"]["medfee_sumamt"]


def test_every_way_to_prove_who_one_is_has_a_recipe() -> None:
    styles = {name.removeprefix("AUTH_STYLE_") for name in partner_pb2.AuthStyle.DESCRIPTOR.values_by_name}
    assert RECIPES.keys() == styles - {"UNSPECIFIED"}


@pytest.mark.skipif(not shutil.which("openssl"), reason="the recipes need openssl, which is not here")
@pytest.mark.parametrize("style", sorted(RECIPES.keys() - {"NONE"}))
def test_a_recipe_proves_what_the_gateway_asks_for(style: str, tmp_path: Path) -> None:
    body = '{"infno": "1101", "opter_name": "测试操作员"}'.encode()
    (tmp_path / "MSG.json").write_bytes(body)
    recipe = html.unescape(RECIPES[style])
    # The command itself is replaced by one that shows what it was given.
    shown = subprocess.run(
        ["bash", "-euc", 'curl() { printf "%s\\n" "$@"; }\n' + recipe],
        cwd=tmp_path, capture_output=True, text=True, timeout=20, check=True,
    ).stdout.splitlines()  # fmt: skip
    pairs = [shown[place + 1].partition(": ") for place, word in enumerate(shown) if word == "-H"]
    headers = {name.lower(): value for name, _, value in pairs}
    keys = KEYS.search(recipe)
    profile = profile_of(style, *(keys.groups() if keys else ("", "test-apikey")))
    now = datetime.now(UTC)
    authenticate(profile, headers, now, sandbox=False, infno="1101", body=body, nonces=Nonces(1800))
    proof = next(name for name in ("_api_signature", "x-tif-signature", "apikey") if name in headers)
    first, rest = headers[proof][0], headers[proof][1:]
    with pytest.raises(Fault):
        authenticate(
            profile,
            # A proof may begin with any letter.
            headers | {proof: ("y" if first == "x" else "x") + rest},
            now,
            sandbox=False,
            infno="1101",
            body=body,
            nonces=Nonces(1800),
        )


def profile_of(style: str, access_key: str, secret: str) -> Profile:
    """An institution outside a sandbox that proves itself in a style."""
    value = partner_pb2.AuthStyle.Value(f"AUTH_STYLE_{style}")
    caller = Caller(Role.INSTITUTION, "H99010000001")
    return Profile("H99010000001", caller, value, access_key, secret, sandbox=False, dialect=partner_pb2.Dialect())
