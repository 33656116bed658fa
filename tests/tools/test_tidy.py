"""Each rule about files finds its fault in a small planted tree, and leaves a good file alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import tidy

GOOD = '"""A good module."""\n'


def findings(root: Path, files: dict[str, str], larger: dict[str, tidy.Larger] | None = None) -> list[str]:
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return [str(finding) for finding in tidy.findings(root, larger or {})]


def test_a_good_tree_has_no_finding(tmp_path: Path) -> None:
    rows = GOOD + 'from collections.abc import Mapping\nROWS: Mapping[str, int] = {}\nNAMES: Final = {"a": 1}\n'
    assert findings(tmp_path, {"services/__init__.py": GOOD, "services/mesh.py": rows}) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\n", "opens with a docstring"),
        (GOOD + "ROWS = {}\n", "no module-level state"),
        (GOOD + "SEEN: Final = set()\n", "no module-level state"),
        (GOOD + "def f():\n    global x\n", "no module-level state"),
        (GOOD + "def f():\n" + "    x = 1\n" * 50, "f has 51 lines"),
        (GOOD + "# line\n" * 400, "401 lines"),
        (GOOD + "PATH = '/ho" + "me/somebody/file'\n", "a path of one machine"),
        (GOOD + "OPTION = '--extra-ind" + "ex-url x'\n", "a registry"),
        (GOOD + "# TO" + "DO: later\n", "work left undone"),
    ],
)
def test_a_fault_in_a_member_is_found(tmp_path: Path, text: str, expected: str) -> None:
    found = findings(tmp_path, {"services/__init__.py": GOOD, "services/member.py": text})
    assert len(found) == 1
    assert expected in found[0]


def test_a_folder_without_its_sentence_is_found(tmp_path: Path) -> None:
    assert "needs an __init__.py" in findings(tmp_path, {"tools/check.py": GOOD})[0]


def test_code_in_a_package_file_is_found(tmp_path: Path) -> None:
    assert "nothing else" in findings(tmp_path, {"deploy/__init__.py": GOOD + "x = 1\n"})[0]


def test_a_word_that_stands_for_two_things_in_a_member_is_found(tmp_path: Path) -> None:
    packages = {f"services/{folder}__init__.py": GOOD for folder in ("", "payment/", "routing/")}
    order, own = GOOD + "class Order:\n    pass\n", GOOD + "class _Order:\n    pass\n"
    files = {"services/payment/a.py": order, "services/payment/b.py": own, "services/routing/a.py": order}
    assert findings(tmp_path, packages | files) == []
    (found,) = findings(tmp_path, {"services/payment/c.py": order})
    assert found.startswith("services/payment/c.py:2: Order stands in services/payment/a.py too")


def test_what_a_killed_program_left_is_found(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, {"settlement-20260101T000000Z.backup.partial": ""})
    assert "half written" in found


def test_a_room_for_everything_is_found(tmp_path: Path) -> None:
    found = findings(tmp_path, {"gateway/__init__.py": GOOD, "gateway/utils.py": GOOD})
    assert "no room called 'utils'" in found[0]


def test_a_domain_that_reads_the_clock_is_found(tmp_path: Path) -> None:
    files = {f"services/{folder}__init__.py": GOOD for folder in ("", "payment/")}
    text = GOOD + "def day():\n    return datetime.now(UTC)\n"
    found = findings(tmp_path, {**files, "services/payment/domain.py": text, "services/payment/store.py": text})
    assert [line.partition(":")[0] for line in found] == ["services/payment/domain.py"]


def test_generated_code_is_not_judged(tmp_path: Path) -> None:
    assert findings(tmp_path, {"protos/gen/yibao/x_pb2.py": "# line\n" * 500}) == []


LONG = GOOD + "# line\n" * 420
LONG_FUNCTION = GOOD + "def f():\n" + "    x = 1\n" * 60


@pytest.mark.parametrize(
    ("path", "text", "row"),
    [
        ("tools/long.py", LONG, "tools/long.py"),
        ("protos/long.proto", "// line\n" * 720, "protos/long.proto"),
        ("tools/long.py", LONG_FUNCTION, "tools/long.py::f"),
    ],
)
def test_what_is_too_large_is_told_its_way_out_and_a_row_with_a_reason_is_one(
    tmp_path: Path, path: str, text: str, row: str
) -> None:
    files = {"tools/__init__.py": GOOD, path: text}
    (told,) = findings(tmp_path, files)
    assert "split it by topic" in told
    assert "LARGER of tools/tidy.py" in told
    assert findings(tmp_path, files, {row: tidy.Larger(800, "one table of the text")}) == []


def test_leave_to_be_larger_ends_at_its_own_limit_and_is_a_finding_without_need_or_reason(tmp_path: Path) -> None:
    files = {"tools/__init__.py": GOOD, "tools/long.py": LONG, "tools/short.py": GOOD}
    assert "at most 410" in findings(tmp_path, files, {"tools/long.py": tidy.Larger(410, "a table")})[0]
    for larger, told in (
        ({"tools/long.py": tidy.Larger(500, " ")}, "does not say why"),
        ({"tools/short.py": tidy.Larger(500, "it grew")}, "needs no leave"),
        ({"tools/gone.py": tidy.Larger(500, "it grew")}, "needs no leave"),
        ({"tools/short.py::f": tidy.Larger(60, "it grew")}, "needs no leave"),
    ):
        assert (
            told in findings(tmp_path, {**files, "tools/long.py": LONG if "long" in str(larger) else GOOD}, larger)[0]
        )
