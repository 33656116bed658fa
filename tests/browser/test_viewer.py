"""The viewer at /viewer as a doctor uses it: a person's code was scanned, a node holds the pictures, a browser shows them.

`node tests/browser/viewer.mjs URL NODE TOKEN DESCRIPTION AWAY FOLDER` leaves pictures to look at.
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

from services.runtime.call import Caller, Role
from tests.imaging.entries import HOSPITAL, OTHER_NODE, upsert
from tests.imaging.sight import DAY, Sight, sighted
from tests.mesh.seeds import INSTITUTION
from yibao.imaging.v1 import entry_pb2, node_pb2, upload_pb2

LOOK: Final = Path(__file__).with_name("viewer.mjs")
NODE: Final = Path(sys.executable).with_name("node")
DESCRIPTION: Final = "胸部CT平扫"
ELSEWHERE: Final = "头颅MR平扫"


@pytest.fixture(scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the browser saw."""
    async with sighted(tmp_path_factory.mktemp("viewer")) as sight:
        token, _ = await opened(sight)
        await tell_elsewhere(sight)
        saw = await asyncio.to_thread(looked, sight.mesh.url, sight.node.url, token, DESCRIPTION, ELSEWHERE)
    return saw | {"token": token}


async def opened(sight: Sight) -> tuple[str, str]:
    """The token of a doctor's session that sees one study, and its UID."""
    who, token = await sight.somebody(), await sight.opened()
    study = await sight.scanned(who)
    await sight.present(who, token)
    await sight.until(lambda: sight.is_up(token))
    return token, study


async def tell_elsewhere(sight: Sight) -> None:
    """Of the person's head a node tells that is not heard of any more; the result is recognised in all of the nation."""
    node = node_pb2.Node(
        node_no=OTHER_NODE.node_no, node_name=OTHER_NODE.node_name, admdvs=OTHER_NODE.admdvs, uscc=OTHER_NODE.uscc,
        retrieve_roots=OTHER_NODE.retrieve_roots,
    )  # fmt: skip
    register = node_pb2.RegisterNodeRequest(request_id="elsewhere", node=node)
    await sight.mesh.call("yibao.imaging.v1.NodeService.RegisterNode", register)
    told = upsert(
        1, study_date="20260601", modalities=["MR"], description=ELSEWHERE, body_part="HEAD", patient_name="Ji^Cejia=济测甲",
        recognition=entry_pb2.RECOGNITION_RANGE_NATION, psn_no=f"9901{1:016}",
    )  # fmt: skip
    told.series[0].modality = "MR"
    request = upload_pb2.UploadEntriesRequest(node_no=OTHER_NODE.node_no, entries=[told])
    caller = Caller(Role.NODE, OTHER_NODE.node_no, sandbox=True)
    answer = await sight.mesh.call("yibao.imaging.v1.UploadService.UploadEntries", request, caller=caller)
    assert [each.result for each in answer.outcomes] == [entry_pb2.ENTRY_RESULT_ACCEPTED], answer


def looked(*given: str, script: Path = LOOK) -> dict[str, Any]:
    """Runs the browser."""
    run = subprocess.run([NODE, script, *given], capture_output=True, text=True, timeout=90, check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_the_time_line_says_when_and_where_what_was_examined(seen: dict[str, Any]) -> None:
    later, earlier = seen["list"].split("\n")[:5], seen["list"].split("\n")[5:]
    day = f"{DAY[:4]}年{int(DAY[4:6])}月{int(DAY[6:])}日"
    assert earlier == [day, f"CT09:30 {DESCRIPTION}", "胸部 · 21 幅 · 济测甲", INSTITUTION]
    assert later[:4] == ["2026年6月1日", f"磁共振09:30 {ELSEWHERE}", "头部 · 120 幅 · 济测甲", HOSPITAL]


def test_a_mark_of_recognition_and_a_node_that_is_away_are_told(seen: dict[str, Any]) -> None:
    assert seen["list"].split("\n")[4] == "互认：全国暂不可取"
    away = f"节点 {OTHER_NODE.node_no} 无应答：其检查可列出，暂不能打开。"
    assert seen["warned"] == f"{away}节点 {OTHER_NODE.node_no} 上传滞后：最近的检查可能缺失。"


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
    assert told["withdrawn"].startswith("Consent has ended; the pictures are gone")
    assert seen["closed"]
    assert seen["accessEnded"].endswith("consent has ended; ask the patient to show the insurance code again")
    assert "粘贴您所在系统开立会话时得到的令牌" in told["begin"]
    assert told["away"] == told["silent"]
    assert told["away"].startswith("The node that holds this study does not answer now")
    assert told["away"].endswith("Try again")
    assert told["none"].startswith("There is nothing to see")
    assert told["left"].startswith("The session is gone from this page")
    assert told["ended"].startswith("The session is not valid or has ended")
