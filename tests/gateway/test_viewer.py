"""The viewer's files as the gateway serves them: whom the page may speak to, and what is said where its libraries are absent."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf.message import Message

from gateway.backend import CallOptions
from gateway.http import Response
from gateway.viewer.nodes import KEPT_S, NodeOrigins, origin_of
from gateway.viewer.pages import INSTALLED, pages
from services.imaging.domain.qido import asked
from services.imaging.domain.qido.attributes import Level
from services.imaging.domain.scopes import Place
from services.imaging.operations.searching import Page
from services.imaging.servicer.page_warnings import warning_header
from services.kernel.errors import Fault, FaultKind
from services.runtime.contract import Contract, MethodContract
from yibao.imaging.v1 import node_pb2

OWN: Final = files("gateway.viewer")
NODES: Final = ("https://images.sd.example", "http://127.0.0.1:8400")


async def nodes() -> Sequence[str]:
    return NODES


async def got(path: str, installed: Path = INSTALLED) -> Response:
    answer: Any = pages(nodes, installed)[path]()
    return answer if isinstance(answer, Response) else await answer


def policy(answer: Response) -> dict[str, list[str]]:
    """Sources by directive."""
    rows = (row.split() for row in answer.headers["content-security-policy"].split(";"))
    return {name: sources for name, *sources in rows}


async def test_the_page_runs_its_own_scripts_alone_and_speaks_to_the_gateway_and_the_nodes() -> None:
    answer = await got("/viewer")

    told = policy(answer)
    assert answer.status == 200
    assert told["default-src"] == ["'none'"]
    assert told["script-src"] == told["style-src"] == told["worker-src"] == ["'self'"]
    assert told["connect-src"] == ["'self'", *NODES]
    # A page with a session is not kept by a browser that is left.
    assert answer.headers["cache-control"] == "no-store"
    assert (await got("/viewer/")).body == answer.body


async def test_every_file_that_the_page_names_is_served_and_none_is_of_another_host() -> None:
    served = pages(nodes)
    texts = {path: (await got(path)).body.decode() for path in served if not path.endswith(".wasm")}

    named = re.findall(r'(?:src|href)="([^"]+)"', texts["/viewer"])
    imported = [f"/viewer/{name}" for path in named for name in re.findall(r'from "\./([^"]+)"', texts.get(path, ""))]
    assert len(named) == 6
    assert {*named, *imported} - {"data:,"} <= served.keys()
    own = [text for path, text in texts.items() if "/lib/" not in path]
    assert not [each for each in own if re.search(r"https?://|<style|\son\w+=|style=", each)]
    # A worker of the loader, its decoders, and what they are written with.
    assert len([path for path in served if path.endswith(".wasm")]) == 4


async def test_only_the_worker_may_evaluate_text_and_it_reaches_the_gateway_alone() -> None:
    evaluating = []
    for path in pages(nodes):
        told = policy(await got(path))
        if "'unsafe-eval'" in told["script-src"]:
            evaluating.append(path)
            assert told["connect-src"] == ["'self'"]
    assert "/viewer/lib/index.worker.min.worker.js" in evaluating
    assert all("worker" in path for path in evaluating)


async def test_without_its_libraries_the_page_says_what_to_install(tmp_path: Path) -> None:
    answer = await got("/viewer", tmp_path)

    assert answer.status == 503
    assert "npm ci --prefix" in answer.body.decode()
    assert "未安装" in answer.body.decode()
    assert not [path for path in pages(nodes, tmp_path) if "/lib/" in path]


def test_the_libraries_are_three_pinned_ones_of_licence_mit() -> None:
    packages = json.loads(OWN.joinpath("package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = packages.pop("")["dependencies"]

    assert packages.keys() == {f"node_modules/{name}" for name in wanted}
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    for name, version in wanted.items():
        told = json.loads((INSTALLED / name / "package.json").read_text(encoding="utf-8"))
        assert (told["version"], told["license"]) == (version, "MIT")


def test_every_text_of_the_page_stands_in_both_languages() -> None:
    script = OWN.joinpath("texts.js").read_text(encoding="utf-8")
    rows = dict(re.findall(r'^  (\w+): \[\s*("(?:[^"]*)",\s*"(?:[^"]*)"),?\s*\],$', script, re.MULTILINE))
    page = OWN.joinpath("viewer.html").read_text(encoding="utf-8")
    code = "".join(OWN.joinpath(name).read_text(encoding="utf-8") for name in ("viewer.js", "asking.js", "picture.js"))
    named = re.findall(r'data-t(?:-label)?="(\w+)"', page)
    named += re.findall(r'\b(?:t|plainly|Refused)\("(\w+)"', code) + re.findall(
        r'\["((?:access|nodes|cells)\w+)"', code
    )

    assert len(rows) > 60
    assert set(named) <= rows.keys()
    # Chinese stands first, and has no Latin sentence in it.
    assert not [key for key, row in rows.items() if re.match(r'"[A-Za-z ]{9,}"', row)]


def test_every_warning_of_the_index_is_understood_by_the_page() -> None:
    page = Page([], away=("SD01", "BJ01"), undecided=("370000",), behind=(Place(7, "GD01", up=True, root=""),))
    header = warning_header(page, asked.read(Level.STUDY, []))
    forms = re.findall(r'\["(\w+)", /(.+?)/\],', OWN.joinpath("viewer.js").read_text(encoding="utf-8"))

    named = {key: found[1] for key, form in forms if (found := re.search(form, header))}
    assert named == {"nodesAway": "SD01, BJ01", "nodesBehind": "GD01 (not heard)", "cellsAway": "370000"}


class Members:
    """imaging, as the gateway calls it."""

    def __init__(self, *roots: tuple[str, int]) -> None:
        self.roots = roots
        self.away = False
        self.asked = 0

    async def call(self, method: MethodContract, request: Message, options: CallOptions) -> Message:
        """A page of one node each."""
        assert isinstance(request, node_pb2.ListNodesRequest)
        assert method.name == "ListNodes"
        assert options.caller is None
        self.asked += 1
        if self.away:
            raise Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": "imaging"})
        at = int(request.page_token or 0)
        answer = node_pb2.ListNodesResponse(next_page_token=str(at + 1) if at + 1 < len(self.roots) else "")
        root, state = self.roots[at]
        node = node_pb2.Node(node_no=f"N{at}", retrieve_roots=[root])
        answer.nodes.append(node_pb2.StandingNode(node=node, state=node_pb2.NodeState.ValueType(state)))
        return answer


async def test_pictures_come_from_nodes_that_are_pointed_to_each_origin_once() -> None:
    active, suspended = node_pb2.NODE_STATE_ACTIVE, node_pb2.NODE_STATE_SUSPENDED
    members = Members(
        ("https://a.example/pacs", active), ("https://b.example:8443", suspended), ("https://a.example/other", active)
    )
    now = [0.0]
    origins = NodeOrigins(members, Contract.of_mesh(), lambda: now[0])

    assert await origins() == await origins() == ("https://a.example",)
    assert members.asked == 3
    # While imaging does not answer the last answer stands; a gateway that never had one names none.
    members.away, now[0] = True, KEPT_S + 1
    assert await origins() == ("https://a.example",)
    assert await NodeOrigins(members, Contract.of_mesh(), lambda: now[0])() == ()


@pytest.mark.parametrize(
    "root", ["https://a.example; script-src *", "https://u:p@a.example", "ftp://a.example", "https://a b"]
)
def test_an_address_that_is_no_plain_one_gets_into_no_policy(root: str) -> None:
    assert origin_of(root) == ()
    assert origin_of("http://[::1]:8400/x") == ("http://[::1]:8400",)
