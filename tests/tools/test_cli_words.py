"""What the `yibao` command says: every text has its Chinese, in the help and in what the commands print."""

from __future__ import annotations

import argparse
import ast
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from services.kernel.errors import Fault, FaultKind, Violation
from tools.cli.case_report import fault_lines
from tools.cli.chinese import CHINESE, OS_ERRORS
from tools.cli.language import Parser, Words, chosen
from tools.cli.main import main
from tools.cli.parser import parser_in
from tools.tidy import ROOT

CLI: Final = ROOT / "tools" / "cli"
CALLERS: Final = frozenset({"words", "_words"})
HAN: Final = re.compile(r"[\u4e00-\u9fff]")


def texts_said(file: Path) -> Iterator[str]:
    """The texts that a module hands to `words`: a literal, or a name that stands for one in the module."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    named: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found = {
                each.value
                for each in ast.walk(node.value)
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            }
            named.setdefault(node.targets[0].id, set()).update(found)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in CALLERS:
            yield from _literals(node.args[0], named)


def _literals(node: ast.expr, named: dict[str, set[str]]) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name):
        yield from named.get(node.id, ())


def test_every_text_that_is_said_has_its_chinese() -> None:
    said = {text for file in CLI.glob("*.py") for text in texts_said(file)}
    assert len(said) > 15
    assert said - CHINESE.keys() == set()


def test_both_languages_fill_in_the_same_values() -> None:
    for english, chinese in CHINESE.items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", chinese)), english
        assert HAN.search(chinese), english
        assert not HAN.search(english), english


def helps(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The help of every command."""
    yield parser.format_help()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in dict.fromkeys(action.choices.values()):
                yield from helps(each)


def test_every_help_is_chinese_where_the_user_is() -> None:
    chinese, english = list(helps(parser_in(Words("zh")))), list(helps(parser_in(Words("en"))))
    assert len(chinese) == len(english) > 8
    assert all(text.startswith("用法：") and "选项" in text for text in chinese)
    assert all(text.startswith("usage:") and not HAN.search(text) for text in english)
    for left in ("show this help", "positional arguments", "usage:"):
        assert not any(left in text for text in chinese)


@pytest.mark.parametrize(
    ("arguments", "environ", "language"),
    [
        ([], {}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "zh_CN.GBK", "LC_ALL": "C"}, "en"),
        ([], {"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh"),
        (["--language", "zh", "settings"], {}, "zh"),
        (["settings", "--language=en"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["settings", "--language", "xx"], {"LANG": "zh_CN.UTF-8"}, "zh"),
        (["settings", "--language"], {}, "en"),
    ],
)
def test_the_language_is_the_users(arguments: list[str], environ: dict[str, str], language: str) -> None:
    assert chosen(arguments, environ) == language


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["seed"], "缺少参数"),
        (["nothing"], "不可用"),
        (["trace", "1", "--no-such"], "不认识的参数"),
        (["case", "x", "--policies", "/nowhere/at/all"], "不是目录"),
    ],
)
def test_wrong_use_is_told_in_the_users_language(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--language", "zh", *arguments])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.startswith("用法：")


def test_the_version_and_a_completion_script_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert re.fullmatch(r"yibao \d+\.\d+\S*\n", capsys.readouterr().out)
    for shell in ("bash", "zsh"):
        assert main(["completion", shell]) == 0
        script = capsys.readouterr().out
        assert "first-bill" in script
        assert "--through" in script


def test_the_parser_is_the_same_in_both_languages() -> None:
    def shape(parser: Parser) -> list[list[str]]:
        return [list(action.option_strings) or [action.dest] for action in parser._actions]

    assert shape(parser_in(Words("zh"))) == shape(parser_in(Words("en")))


def test_what_is_wrong_in_a_file_is_told_in_the_language_of_the_reader() -> None:
    broken = Violation("line 3, column 2", "csv.rows", "more than 9 rows", {"most": "9"})
    fault = Fault(FaultKind.INVALID, "DOCUMENT_INVALID", {"source": "a.csv"}, violations=[broken])
    assert fault_lines(fault, "zh").splitlines() == [
        "[DOCUMENT_INVALID] 文件a.csv不符合格式要求",
        "  第3行第2列: 最多9行",
    ]
    assert fault_lines(fault).splitlines()[1] == "  line 3, column 2: more than 9 rows"


def test_what_the_system_says_of_a_file_is_told_in_the_language() -> None:
    missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "bills.yaml")
    assert Words("zh").of_system(missing) == "bills.yaml: 没有这个文件或目录"
    assert Words("en").of_system(missing) == "bills.yaml: No such file or directory"
    assert Words("zh").of_system(OSError("odd")) == "odd"
    known = {os.strerror(each) for each in (errno.ENOENT, errno.EACCES, errno.EISDIR, errno.ENOTDIR, errno.ENOSPC)}
    assert known <= OS_ERRORS.keys()
