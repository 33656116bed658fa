"""`tools.new_service` begins a service that is green at once, refuses bad names, and costs what the READMEs say.

Here its own files and tests are looked at; `tests/torture/test_new_service.py` runs every check and test of the tree with it.
The names here are of services that nobody plans, so that these tests hold whatever services there will be.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from services import mesh
from tests.tools.scratch import Scratch, copied
from tools.new_service import writing
from tools.new_service.__main__ import main
from tools.new_service.names import Refused, names_of
from tools.tidy import ROOT

AT_ONCE: Final = 2
NOTARY: Final = ("notary", "--thing", "deed", "--zh", "公证")
LAYERS: Final = Path("pyproject.toml")
COSTS: Final = {
    "README.md": r"A new service costs (\d+) files\s[^.]*edits in (\d+) places",
    "README.zh-CN.md": r"新增一个服务需要 (\d+) 个文件[^。]*并在 (\d+) 处修改",
}
OWN: Final = "notary or DEED or every_rule_that_code_names"
"""The tests that a new service adds, and those of its texts."""
ASKED: Final = """
import sys, tempfile
from pathlib import Path
import httpx
from tools.running import running
with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as mesh:
    headers = {"Authorization": f"Bearer {mesh.operator_key}"}
    for path, body in (
        ("register", {"requestId": "r1", "deed": {"deedNo": "N1", "deedName": "CT"}}),
        ("get", {"deedNo": "N1"}),
        ("get", {"deedNo": "N2"}),
    ):
        answer = httpx.post(f"{mesh.url}/v1/deeds:{path}", json=body, headers=headers)
        print(answer.status_code, answer.json().get("deed", {}).get("deedName"), "DEED_NOT_FOUND" in answer.text)
"""


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """A copy of the tree with the service notary in it."""
    made = copied(tmp_path_factory.mktemp("scratch"))
    told = made.run("-m", "tools.new_service", *NOTARY, "--unplayed")
    assert told.returncode == 0, told.stdout
    return made


def test_a_new_service_is_green_and_answers_in_a_mesh(scratch: Scratch) -> None:
    own = ("services/notary", "tests/notary", "services/mesh.py", "services/runtime/texts")
    checks: tuple[Callable[[], subprocess.CompletedProcess[str]], ...] = (
        lambda: scratch.run("-m", "tools.check", "contract"),
        lambda: scratch.run("-m", "pytest", "-q", "-n", "0", "-k", OWN, "tests/notary", "tests/runtime/test_texts.py"),
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
    again = scratch.run("-m", "tools.new_service", "museum", "--thing", "statue", "--zh", "博物馆")
    assert again.returncode == 1
    assert again.stdout.splitlines()[-1].startswith("Something is not committed")
    again = scratch.run("-m", "tools.new_service", "museum", "--thing", "deed", "--zh", "博物馆", "--force")
    assert again.returncode == 1
    assert again.stdout.splitlines()[-1].startswith("The reason DEED_EXISTS exists")
    assert not (scratch.root / "services" / "museum").exists()


@pytest.mark.parametrize("name", COSTS)
def test_the_readme_says_what_it_costs(name: str) -> None:
    change = writing.change_of(names_of("notary", "deed", "公证", ""))
    (told,) = re.findall(COSTS[name], (ROOT / name).read_text(encoding="utf-8"))
    # Its layer is told apart: some names are foreseen there.
    assert tuple(map(int, told)) == (len(change.written), len(change.edited.keys() - {LAYERS}))


def test_a_name_that_is_not_foreseen_gets_a_layer_too() -> None:
    (layer,) = re.findall(r'(?m)^    "((?:\(\w+\) \| )+\(\w+\))",$', (ROOT / LAYERS).read_text(encoding="utf-8"))
    other = writing.change_of(names_of("notary", "deed", "公证", "公证书")).edited
    assert f'"{layer} | (notary)",' in other[LAYERS]
    for foreseen in set(re.findall(r"\w+", layer)) - set(mesh.names()):
        assert LAYERS not in writing.change_of(names_of(foreseen, "deed", "", "")).edited


@pytest.mark.parametrize(
    ("service", "thing", "zh"),
    [
        ("identity", "deed", ""),
        ("gateway", "deed", ""),
        ("cli", "deed", ""),
        ("Imaging", "deed", ""),
        ("im", "deed", ""),
        ("image_store", "deed", ""),
        ("notary", "Study", "公证"),
        ("notary", "a-study", "公证"),
        ("notary", "class", "公证"),
        ("notary", "entry", "公证"),
        ("notary", "an_endless_name_of_a_thing", "公证"),
        ("notary", "deed", "pictures"),
        ("notary", "deed", ""),
    ],
)
def test_a_bad_name_is_refused_by_a_sentence(service: str, thing: str, zh: str) -> None:
    with pytest.raises(Refused, match=r"\.$"):
        names_of(service, thing, zh, "")


@pytest.mark.parametrize(("service", "thing"), [("runtime", "deed"), ("contract", "deed"), ("notary", "person")])
def test_what_stands_already_is_refused_and_nothing_is_written(
    service: str, thing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([service, "--thing", thing, "--zh", "公证", "--force"]) == 1
    assert "exists" in capsys.readouterr().err
    assert not (ROOT / "protos" / "yibao" / "notary").exists()


@pytest.mark.parametrize(
    ("thing", "many", "route"),
    [("study", "studies", "studies"), ("order", "orders", "orders"), ("fee_box", "fee_boxes", "feeBoxes")],
)
def test_many_of_a_thing(thing: str, many: str, route: str) -> None:
    names = names_of("notary", thing, "公证", "")
    assert (names.things, names.route) == (many, route)
