"""The compose file, the plan for the Docker engine and the table of members say the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml
from docker import DockerClient

from deploy import cluster
from services import mesh
from services.runtime.config import Config

ROOT = Path(__file__).resolve().parents[2]
KEY = "k" * 32


def compose() -> dict[str, Any]:
    text = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
    text = re.sub(r"\$\{YIBAO_MESH_KEY[^}]*\}", KEY, text)
    text = re.sub(r"\$\{POSTGRES_PASSWORD[^}]*\}", "secret", text)
    return cast("dict[str, Any]", yaml.safe_load(text))


def test_the_compose_file_and_the_plan_name_the_same_containers_in_the_same_way() -> None:
    services = compose()["services"]
    plan = cluster.plan(KEY, "secret")
    assert set(services) == {entry.name for entry in plan.containers}
    for entry in plan.containers:
        written = services[entry.name]
        assert written["image"] == entry.image
        assert tuple(written.get("command", ())) == entry.command
        assert written["environment"] == dict(entry.environment)
        assert {f"{o}:{i}" for i, o in entry.published.items()} == set(written.get("ports", ()))
        assert set(written.get("depends_on", ())) == set(entry.after)
        assert [f"{name}:{path}" for name, path in entry.volumes.items()] == written.get("volumes", [])


def test_every_member_has_a_container_and_starts_after_all_that_it_calls() -> None:
    order = [entry.name for entry in cluster.plan(KEY, "secret").containers]
    assert set(order) == {cluster.DATABASE, *mesh.names()}
    for caller, callee in mesh.edges():
        assert order.index(callee) < order.index(caller)


def test_only_the_gateway_is_published() -> None:
    published = {entry.name for entry in cluster.plan(KEY, "secret").containers if entry.published}
    assert published == {mesh.GATEWAY}


def test_each_container_gets_settings_that_the_member_accepts() -> None:
    for entry in cluster.plan(KEY, "secret").containers:
        if entry.name != cluster.DATABASE:
            Config.load(entry.environment)


def test_the_printed_plan_names_no_secret() -> None:
    printed = cluster.describe(cluster.plan(KEY, "top-secret"))
    assert KEY not in printed
    assert "top-secret" not in printed


def test_the_image_runs_the_member_that_its_command_names() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert 'ENTRYPOINT ["python", "-m", "services"]' in dockerfile
    for folder in ("services", "gateway", "tools", "deploy", "protos/gen"):
        assert f"COPY {folder} {folder}" in dockerfile


@dataclass
class StandingContainer:
    """A container of the stand-in engine."""

    name: str
    engine: Engine

    def stop(self, timeout: int) -> None:
        self.engine.log.append(f"stop {self.name}")

    def remove(self) -> None:
        self.engine.standing = [entry for entry in self.engine.standing if entry.name != self.name]


@dataclass
class Engine:
    """Stands in for the Docker engine's client: keeps names and the order of calls."""

    standing: list[StandingContainer] = field(default_factory=list)
    known_networks: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    @property
    def networks(self) -> Networks:
        return Networks(self.known_networks)

    @property
    def volumes(self) -> Volumes:
        return Volumes()

    @property
    def containers(self) -> Containers:
        return Containers(self)


@dataclass
class Networks:
    """Networks of the stand-in engine."""

    known: list[str]

    def create(self, name: str, driver: str) -> None:
        self.known.append(name)

    def list(self, names: Sequence[str]) -> Sequence[str]:
        return [name for name in names if name in self.known]


@dataclass
class Volumes:
    """Volumes of the stand-in engine."""

    def create(self, name: str) -> None:
        assert name == cluster.DATA_VOLUME


@dataclass
class Containers:
    """Containers of the stand-in engine."""

    engine: Engine

    def run(self, image: str, command: Sequence[str] | None, *, name: str, network: str, **_: object) -> None:
        assert network in self.engine.known_networks
        self.engine.standing.append(StandingContainer(name, self.engine))
        self.engine.log.append(f"run {name}")

    def list(self, *, all: bool, filters: dict[str, str]) -> Sequence[StandingContainer]:  # noqa: A002 - the SDK's name
        return tuple(self.engine.standing)


def test_applying_twice_starts_each_container_once_and_removing_goes_backwards() -> None:
    engine = Engine()
    plan = cluster.plan(KEY, "secret")
    cluster.apply(plan, cast("DockerClient", engine))
    cluster.apply(plan, cast("DockerClient", engine))
    names = [entry.name for entry in plan.containers]
    assert engine.log == [f"run {name}" for name in names]
    cluster.remove(plan, cast("DockerClient", engine))
    assert engine.standing == []
    assert engine.log[len(names) :] == [f"stop {name}" for name in reversed(names)]
