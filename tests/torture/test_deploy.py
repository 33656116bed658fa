"""The deploy files as they are run: the image, the plan and the compose file on an engine with the Docker API, where one answers.

Each mesh is no sandbox. It is loaded with the operator's key, and a hospital that proves itself settles bills in it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import pytest
from docker import DockerClient

from deploy import cluster
from services import mesh
from services.runtime.keys import handed_out
from tests.deploy.first_days import hospital_of, new_bill
from tests.torture import engine as place
from tests.torture.victim import show
from tools.cli import ledger
from tools.cli.first_bill import BillRefused, FirstBill
from tools.cli.mesh_client import MeshClient, MeshRefusal
from tools.running import HOST, free_ports

pytestmark = pytest.mark.torture

T = TypeVar("T")

OPERATOR: Final = place.SECRETS["YIBAO_BOOTSTRAP_OPERATOR_KEY"]
PROJECT: Final = "yibao-torture"
AGAIN_S: Final = 15.0
WRITES: Final = "touch /tmp/a $HOME/a && rm $HOME/a && ! touch /opt/a && id -u"


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerClient]:
    """An engine on which no mesh stands, with the image of this tree."""
    with closing(place.found()) as answering:
        place.require_room(answering)
        version = answering.version()
        with place.image(answering) as seconds:
            kind = version.get("Components", [{}])[0].get("Name", "an engine")
            show(f"image built in {seconds:.0f} s on {kind} {version['Version']}")
            yield answering


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Tells how long a block took."""
    begun = time.monotonic()
    yield
    show(f"{what}: {time.monotonic() - begun:.0f} s")


@pytest.fixture(scope="module")
def url() -> str:
    """Where the gateway answers: at a port that nobody else here has."""
    return f"http://{HOST}:{free_ports(1)[0]}"


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def planned(word: str, url: str) -> None:
    """Runs the program as a person does."""
    place.run(
        [sys.executable, "-m", "deploy.cluster", word],
        {**os.environ, **place.SECRETS, cluster.PUBLISHED_PORT: str(port_of(url))},
    )


@pytest.fixture
def applied(engine: DockerClient, url: str) -> Iterator[dict[str, Any]]:
    """The plan's containers by name, ready; afterwards nothing of them is left."""
    try:
        with timed("plan applied and ready"):
            planned("apply", url)
            place.ready(url)
        yield containers(engine)
    finally:
        planned("remove", url)
        for volume in cluster.plan(cluster.Secrets.of(place.SECRETS)).volumes:
            engine.volumes.get(volume).remove()
        for network in engine.networks.list(names=[cluster.NETWORK]):
            if network.name == cluster.NETWORK:
                network.remove()


def containers(engine: DockerClient) -> dict[str, Any]:
    """The plan's containers that the engine has."""
    return {str(each.name): each for each in engine.containers.list(all=True, filters={"label": cluster.LABEL})}


def at_last(do: Callable[[], T]) -> T:
    """What a hospital gets that sends again while a member has just come back; it must be soon."""
    until = time.monotonic() + AGAIN_S
    while True:
        try:
            return do()
        except (MeshRefusal, BillRefused):
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def repeated(bill: FirstBill) -> str:
    """The output of the bill's 2207, sent again by its number."""
    return at_last(lambda: bill.settle_again().output_text)


def billed(hospital: MeshClient) -> FirstBill:
    """A new bill that was settled."""

    def settled() -> FirstBill:
        bill = new_bill(hospital)
        bill.settle()
        return bill

    return at_last(settled)


def books_are_right(url: str) -> None:
    with MeshClient(url, OPERATOR) as operator:
        assert ledger.verify(operator) == 0


def test_a_bill_outlives_a_killed_member_a_lost_container_and_the_removal_of_all(
    engine: DockerClient, url: str, applied: dict[str, Any], tmp_path: Path
) -> None:
    with hospital_of(url, OPERATOR, tmp_path) as hospital:
        first = billed(hospital)
        answer = repeated(first)
        before = {name: place.started(each) for name, each in applied.items()}
        applied["settlement"].kill()
        applied["catalogue"].remove(force=True)
        assert place.in_trouble(url)
        with timed("applied again and ready"):
            planned("apply", url)
            place.ready(url)
        after = {name: place.started(each) for name, each in containers(engine).items()}
        assert {name for name, since in after.items() if since != before[name]} == {"settlement", "catalogue"}
        assert repeated(first) == answer
        billed(hospital)
        planned("remove", url)
        assert containers(engine) == {}
        with timed("all removed, applied and ready"):
            planned("apply", url)
            place.ready(url)
        assert repeated(first) == answer
        billed(hospital)
    books_are_right(url)


def test_each_container_is_well_and_can_write_to_its_own_folder_alone(
    engine: DockerClient, url: str, applied: dict[str, Any], tmp_path: Path
) -> None:
    with hospital_of(url, OPERATOR, tmp_path) as hospital:
        billed(hospital)
    told = {name: place.health(engine, applied[name]) for name in mesh.names()}
    if not any(told.values()):
        pytest.skip(place.NO_COMMANDS)
    show(f"health checks: {told}")
    assert told == {name: f"{name} is well" for name in mesh.names()}
    for name in mesh.names():
        written = applied[name].exec_run(["sh", "-c", WRITES], stderr=False)
        assert (written.exit_code, written.output.strip()) == (0, b"7400"), written.output
    # What is away makes no other unwell.
    applied["settlement"].stop()
    assert place.in_trouble(url)
    assert place.health(engine, applied["gateway"]) == "gateway is well"


def test_the_image_alone_runs_a_sandbox_read_only_and_tells_its_health(engine: DockerClient, url: str) -> None:
    alone = engine.containers.run(
        cluster.IMAGE,
        environment={"YIBAO_SANDBOX": "on", "YIBAO_GATEWAY_HOST": "0.0.0.0"},
        ports={f"{place.INSIDE}/tcp": port_of(url)},
        read_only=True,
        tmpfs={cluster.SCRATCH: ""},
        detach=True,
    )
    try:
        place.ready(url)
        with httpx.Client(base_url=url, trust_env=False) as client:
            page, library = client.get("/viewer"), client.get("/viewer/lib/cornerstone.min.js")
        assert (page.status_code, library.status_code) == (httpx.codes.OK, httpx.codes.OK)
        told = place.health(engine, alone)
        if not told:
            pytest.skip(place.NO_COMMANDS)
        assert told.splitlines() == [f"{each.name} is well" for each in mesh.start_order()]
    finally:
        alone.remove(force=True, v=True)


def test_a_health_check_of_who_does_not_answer_fails(engine: DockerClient) -> None:
    asked = engine.containers.run(cluster.IMAGE, ["health", "settlement"], detach=True)
    try:
        assert asked.wait()["StatusCode"] == 1
        assert asked.logs().decode().strip() == "settlement does not answer (UNAVAILABLE)"
    finally:
        asked.remove(v=True)


def test_compose_starts_a_mesh_that_settles_and_stops_it(engine: DockerClient, url: str, tmp_path: Path) -> None:
    words, environ = place.composer(engine)
    if not words:
        pytest.skip("no compose that speaks to this engine is here: compose.yaml was compared with the plan, not run")
    mesh_key = place.SECRETS["YIBAO_MESH_KEY"].encode()
    keys = {f"KEYS_OF_{name.upper()}": handed_out(mesh_key, name).text() for name in mesh.names()}
    environ |= keys | {name: value for name, value in place.SECRETS.items() if name != "YIBAO_MESH_KEY"}
    environ[cluster.PUBLISHED_PORT] = str(port_of(url))
    composed = [*words, "-p", PROJECT, "-f", "deploy/compose.yaml"]
    try:
        with timed(f"{' '.join(words)} up and ready"):
            place.run([*composed, "up", "-d"], environ)
            place.ready(url)
        with hospital_of(url, OPERATOR, tmp_path) as hospital:
            bill = billed(hospital)
            answer = repeated(bill)
            place.run([*composed, "down"], environ)
            with timed("down, up again and ready"):
                place.run([*composed, "up", "-d"], environ)
                place.ready(url)
            assert repeated(bill) == answer
        books_are_right(url)
    finally:
        place.run([*composed, "down", "--volumes"], environ)
