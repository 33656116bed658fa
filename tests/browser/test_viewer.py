"""The viewer at /viewer as a doctor uses it: a person's code was scanned, a node holds the pictures, a browser shows them.

`node tests/browser/viewer.mjs URL NODE TOKEN DESCRIPTION FOLDER` leaves pictures to look at.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.imaging.sight import DAY, Sight, sighted
from tests.mesh.seeds import INSTITUTION

LOOK: Final = Path(__file__).with_name("viewer.mjs")
NODE: Final = Path(sys.executable).with_name("node")
DESCRIPTION: Final = "胸部CT平扫"


@pytest.fixture(scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the browser saw."""
    async with sighted(tmp_path_factory.mktemp("viewer")) as sight:
        token, _ = await opened(sight)
        saw = await asyncio.to_thread(looked, sight.mesh.url, sight.node.url, token, DESCRIPTION)
    return saw | {"token": token}


async def opened(sight: Sight) -> tuple[str, str]:
    """The token of a doctor's session that sees one study, and its UID."""
    who, token = await sight.somebody(), await sight.opened()
    study = await sight.scanned(who)
    await sight.present(who, token)
    await sight.until(lambda: sight.is_up(token))
    return token, study


def looked(*given: str, script: Path = LOOK) -> dict[str, Any]:
    """Runs the browser."""
    run = subprocess.run([NODE, script, *given], capture_output=True, text=True, timeout=90, check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_the_time_line_says_when_and_where_what_was_examined(seen: dict[str, Any]) -> None:
    day, first, what, where = seen["list"].split("\n")
    assert day == f"{DAY[:4]}年{int(DAY[4:6])}月{int(DAY[6:])}日"
    assert first == f"CT09:30 {DESCRIPTION}"
    assert what == "胸部 · 21 幅 · 济测甲"
    assert where.endswith(INSTITUTION)


def test_consent_and_its_end_are_seen_and_that_access_is_recorded(seen: dict[str, Any]) -> None:
    assert re.fullmatch(r"调阅授权\n济测甲：可看至 \d{4}年\d+月\d+日 \d\d:\d\d", seen["access"])
    assert seen["until"] == seen["access"].split("\n")[1]
    assert seen["recorded"] == "您的每次查询与调阅都会记录，患者本人可查"


def test_a_study_is_opened_and_read_by_keys_alone(seen: dict[str, Any]) -> None:
    assert seen["title"].startswith("济测甲 · 2026年5月25日 · CT · 胸部CT平扫")
    assert [each.split()[0] for each in seen["series"]] == ["1", "2", "3"]
    first, last, changed, other = (seen[each] for each in ("first", "last", "changed", "other"))
    assert first["window"].startswith("W 400 L 40")
    assert first["light"] > 10
    assert last["place"] == "12 / 12"
    # Two steps of the width, one of the size.
    assert re.match(r"W 4[34]\d L 40", changed["window"])
    assert changed["light"] > first["light"]
    assert (other["place"], other["window"][:13]) == ("1 / 8", "W 1500 L -600")
    assert seen["back"]


def test_dragging_sets_the_window_and_the_wheel_turns_pages(seen: dict[str, Any]) -> None:
    assert seen["dragged"]["place"] == "2 / 8"
    assert re.match(r"W 1[6-9]\d\d L -7\d\d", seen["dragged"]["window"])


def test_a_narrow_screen_shows_all_in_both_languages(seen: dict[str, Any]) -> None:
    assert seen["overflow"] == []
    assert seen["tapped"]["light"] > 10
    assert seen["english"].startswith("Ji Cejia · 25 May 2026 · CT")


def test_nothing_of_a_session_is_left_in_address_storage_console_or_page(seen: dict[str, Any]) -> None:
    assert seen["address"].endswith("/viewer")
    assert seen["stored"] == [0, 0, 0, 0, 0]
    assert seen["remains"] == ""
    named = (seen["token"], "Cejia", "济测甲", "9901000000")
    assert not [each for each in seen["addresses"] if any(word in each for word in named)]


def test_no_error_and_no_host_but_gateway_and_node(seen: dict[str, Any]) -> None:
    assert seen["errors"] == []
    assert seen["strangers"] == []


def test_what_cannot_be_shown_is_said_in_plain_words(seen: dict[str, Any]) -> None:
    told = seen["told"]
    assert "粘贴您所在系统开立会话时得到的令牌" in told["begin"]
    assert told["away"].startswith("The node that holds this study does not answer now")
    assert told["away"].endswith("Try again")
    assert told["none"].startswith("There is nothing to see")
    assert told["left"].startswith("The session is gone from this page")
    assert told["ended"].startswith("The session is not valid or has ended")
