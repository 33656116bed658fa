"""`tools.new_service` begins a service that is green at once, refuses bad names, and costs what the READMEs say.

Here its own files and tests are looked at; `tests/torture/test_new_service.py` runs every check and test of the tree with it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from tests.tools.scratch import Scratch, copied
from tools.new_service import writing
from tools.new_service.__main__ import main
from tools.new_service.names import Refused, names_of
from tools.tidy import ROOT

AT_ONCE: Final = 2
COSTS: Final = {
    "README.md": r"A new service costs (\d+) files\s[^.]*edits in (\d+) places",
    "README.zh-CN.md": r"新增一个服务需要 (\d+) 个文件[^。]*并在 (\d+) 处修改",
}
ASKED: Final = """
import sys, tempfile
from pathlib import Path
import httpx
from tools.running import running
with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as mesh:
    headers = {"Authorization": f"Bearer {mesh.operator_key}"}
    for path, body in (
        ("register", {"requestId": "r1", "study": {"studyNo": "N1", "studyName": "CT"}}),
        ("get", {"studyNo": "N1"}),
        ("get", {"studyNo": "N2"}),
    ):
        answer = httpx.post(f"{mesh.url}/v1/studies:{path}", json=body, headers=headers)
        print(answer.status_code, answer.json().get("study", {}).get("studyName"), "STUDY_NOT_FOUND" in answer.text)
"""


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """A copy of the tree with the service imaging in it."""
    made = copied(tmp_path_factory.mktemp("scratch"))
    told = made.run("-m", "tools.new_service", "imaging", "--thing", "study", "--unplayed")
    assert told.returncode == 0, told.stdout
    return made


def test_a_new_service_is_green_and_answers_in_a_mesh(scratch: Scratch) -> None:
    own = ("services/imaging", "tests/imaging", "services/mesh.py", "services/runtime/texts")
    checks: tuple[Callable[[], subprocess.CompletedProcess[str]], ...] = (
        lambda: scratch.run("-m", "tools.check", "contract"),
        lambda: scratch.run("-m", "pytest", "-q", "-n", "0", "tests/imaging", "tests/runtime/test_texts.py"),
        lambda: scratch.script("ruff", "check", "--quiet", *own),
        lambda: scratch.script("ruff", "format", "--check", "--quiet", *own),
    )
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = pool.submit(scratch.run, "-c", ASKED)
        for ran in pool.map(lambda check: check(), checks):
            assert ran.returncode == 0, ran.stdout
    said = asked.result().stdout
    assert said.splitlines() == ["200 CT False", "200 CT False", "404 None True"], said


def test_it_is_not_begun_twice_nor_in_a_tree_that_is_not_committed(scratch: Scratch) -> None:
    again = scratch.run("-m", "tools.new_service", "payment", "--thing", "order")
    assert (again.returncode, again.stdout.splitlines()[-1][:26]) == (1, "Something is not committed")
    again = scratch.run("-m", "tools.new_service", "payment", "--thing", "study", "--force")
    assert (again.returncode, again.stdout.splitlines()[-1][:30]) == (1, "The reason STUDY_EXISTS exists")
    assert not (scratch.root / "services" / "payment").exists()


@pytest.mark.parametrize("name", COSTS)
def test_the_readme_says_what_it_costs(name: str) -> None:
    change = writing.change_of(names_of("imaging", "study", "", ""))
    (told,) = re.findall(COSTS[name], (ROOT / name).read_text(encoding="utf-8"))
    assert tuple(map(int, told)) == (len(change.written), len(change.edited))


def test_a_name_that_is_not_foreseen_gets_a_layer_too() -> None:
    foreseen = writing.change_of(names_of("imaging", "study", "", "")).edited
    other = writing.change_of(names_of("referral", "letter", "转诊", "转诊单")).edited
    assert other.keys() - foreseen.keys() == {Path("pyproject.toml")}
    assert "(payment) | (referral)" in other[Path("pyproject.toml")]


@pytest.mark.parametrize(
    ("service", "thing", "zh"),
    [
        ("identity", "study", ""),
        ("gateway", "study", ""),
        ("cli", "study", ""),
        ("Imaging", "study", ""),
        ("im", "study", ""),
        ("image_store", "study", ""),
        ("imaging", "Study", ""),
        ("imaging", "a-study", ""),
        ("imaging", "class", ""),
        ("imaging", "entry", ""),
        ("imaging", "an_endless_name_of_a_thing", ""),
        ("imaging", "study", "pictures"),
    ],
)
def test_a_bad_name_is_refused_by_a_sentence(service: str, thing: str, zh: str) -> None:
    with pytest.raises(Refused, match=r"\.$"):
        names_of(service, thing, zh, "")


@pytest.mark.parametrize(("service", "thing"), [("runtime", "study"), ("contract", "study"), ("imaging", "person")])
def test_what_stands_already_is_refused_and_nothing_is_written(
    service: str, thing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([service, "--thing", thing, "--force"]) == 1
    assert "exists" in capsys.readouterr().err
    assert not (ROOT / "protos" / "yibao" / "imaging").exists()


@pytest.mark.parametrize(
    ("thing", "many", "route"),
    [("study", "studies", "studies"), ("order", "orders", "orders"), ("fee_box", "fee_boxes", "feeBoxes")],
)
def test_many_of_a_thing(thing: str, many: str, route: str) -> None:
    names = names_of("imaging", thing, "", "")
    assert (names.things, names.route) == (many, route)
