"""What a start says to a terminal is Chinese where the locale is: every cause that code knows, and every wrong setting."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.runtime.config import Config, ConfigError
from services.runtime.store_errors import Cause
from services.runtime.texts.starting import language_of, started
from tests.wording import CHINESE

ROOT = Path(__file__).resolve().parents[2]
RAISED = ("StartError", "ConfigError")
# Names and values as they are filled in, and names of programs, options and settings.
KEPT = re.compile(
    r"/x/y\S*|\b(?:YIBAO_\w+|TMPDIR|SQLite|PostgreSQL|TLS|yibao mesh-keys|NAME|VALUE|settlement|mesh\.key|off|on)\b|--[\w-]+|https?://",
    re.ASCII,
)


def text_of(node: ast.expr) -> str:
    """The text that an expression makes, with `/x/y` for what is filled in; "" for one that is made elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else filled(ast.unparse(part)) for part in node.values
        )
    return ""


def filled(expression: str) -> str:
    """A value as it would stand in the place: settings and members by name, all else as a path."""
    if "NAME" in expression.upper() or "setting" in expression.casefold() or "KEY" in expression:
        return "YIBAO_X"
    return "settlement" if "member" in expression or "died" in expression else "/x/y"


def texts() -> Iterator[tuple[str, str]]:
    for path in (each for place in ("services", "tools") for each in sorted((ROOT / place).rglob("*.py"))):
        source = path.read_text(encoding="utf-8")
        if "bench" in path.parts or not any(f"{name}(" in source for name in RAISED):
            continue
        for call in ast.walk(ast.parse(source)):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name | ast.Attribute) and call.args):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
            given = call.args[0].elts if isinstance(call.args[0], ast.List) else [call.args[0]]
            for each in given if name in RAISED else []:
                if said := text_of(each):
                    yield f"{path.relative_to(ROOT)}:{call.lineno}", said


def english_in(chinese: str) -> list[str]:
    return re.findall(r"[A-Za-z]{2,}", KEPT.sub(" ", chinese))


def test_every_cause_that_code_tells_is_chinese() -> None:
    found = list(texts())
    assert len(found) > 20
    for place, said in found:
        told = started(said, "zh")
        assert CHINESE.search(told) or not english_in(said), (place, told)
        assert not english_in(told), (place, told)
        assert started(said, "en") == said


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_of_a_store_is_chinese(cause: Cause) -> None:
    values = dict.fromkeys(("differences", "revision", "made_by", "own", "head", "count"), "/x/y")
    why = cause.told(Path("/x/y/z"), values)
    elsewhere = "choose another folder by YIBAO_DATA_DIR or another database by YIBAO_SETTLEMENT_DATABASE_URL"
    told = started(f"settlement cannot start: {why}, or {elsewhere}", "zh")
    assert told.startswith("settlement无法启动：")
    assert not english_in(told), told


@pytest.mark.parametrize(
    "setting",
    [
        {"YIBAO_SANDBOX": "maybe"},
        {"YIBAO_LOG_LEVEL": "7"},
        {"YIBAO_GATEWAY_PORT": "7"},
        {"YIBAO_GATEWAY_PORT": "99999"},
        {"YIBAO_MAX_BATCH": "65"},
        {"YIBAO_MAX_QUEUE": "0"},
        {"YIBAO_PEER_TIMEOUT_S": "soon"},
        {"YIBAO_TRACE_RATIO": "2"},
        {"YIBAO_IDENTITY_ADDRESS": "7"},
        {"YIBAO_MESH_KEY": "7"},
        {"YIBAO_SANDBAX": "on"},
        {"YIBAO_CLOCK_OFFSET_S": "7"},
        {"YIBAO_CLOCK_OFFSET_S": "soon"},
        {"YIBAO_COMMIT_WORKERS": "9", "YIBAO_DATABASE_POOL": "8"},
    ],
)
def test_every_wrong_setting_is_told_in_chinese(setting: dict[str, str]) -> None:
    try:
        Config.load(setting)
    except ConfigError as error:
        told = started(str(error), "zh")
        assert CHINESE.search(told)
        assert set(english_in(told)) <= {"debug", "info", "warning", "error", "maybe", "soon"}, told


def test_lines_of_another_program_stay_as_they_are() -> None:
    said = "The mesh stopped while it started:\n  settlement cannot start: no"
    assert started(said, "zh") == "网格在启动过程中停止：\n  settlement cannot start: no"


def test_the_locale_chooses() -> None:
    assert [language_of({"LANG": each}) for each in ("zh_CN.UTF-8", "zh_TW", "C.UTF-8", "")] == ["zh", "zh", "en", "en"]
    environment = {**os.environ, "LC_ALL": "zh_CN.UTF-8", "YIBAO_SANDBOX": "maybe"}
    asked = [sys.executable, "-m", "services", "all"]
    run = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (2, "YIBAO_SANDBOX：'maybe'不是on或off\n")


@pytest.mark.parametrize(("locale", "said"), [("zh_CN.UTF-8", "启动一个沙箱"), ("C.UTF-8", "starts a sandbox")])
def test_make_help_speaks_the_language_of_the_locale(locale: str, said: str) -> None:
    environment = {**os.environ, "LC_ALL": locale}
    run = subprocess.run(["make", "help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert said in run.stdout
    # One line for each target that is somebody's; `moved` is the file's own.
    (targets,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    told = [line.split()[1] for line in run.stdout.splitlines() if line.startswith("make ")]
    assert sorted(told) == sorted(set(targets.split()) - {"help", "moved"})
