"""The compose file, the plan for the Docker engine and the table of members say the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from docker import DockerClient

from deploy import cluster
from services import mesh
from services.runtime.config import Config, ConfigError
from services.runtime.keys import handed_out, load

ROOT = Path(__file__).resolve().parents[2]
SECRETS = cluster.Secrets("k" * 32, "o" * 32, "p@ss/w%rd:#$")
TRACES = {"YIBAO_TRACE_EXPORTER": "otlp", "YIBAO_OTLP_ENDPOINT": "http://collector:4318/v1/traces"}
ENVIRONMENT = {
    "YIBAO_MESH_KEY": SECRETS.mesh_key,
    "YIBAO_BOOTSTRAP_OPERATOR_KEY": SECRETS.operator_key,
    "POSTGRES_PASSWORD": SECRETS.database_password,
}
# Compose cannot derive keys: it is given each member's own, as `yibao mesh-keys --env` prints them.
KEYS = {f"KEYS_OF_{name.upper()}": handed_out(SECRETS.mesh_key.encode(), name).text() for name in mesh.names()}
COMPOSED = KEYS | {name: value for name, value in ENVIRONMENT.items() if name != "YIBAO_MESH_KEY"}
VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")
WOKEN = {"created": "start", "exited": "start", "paused": "unpause"}


class ComposeRefusal(Exception):
    """Compose does not start: a variable that must be set is not."""


def compose(environ: Mapping[str, str]) -> dict[str, Any]:
    """The compose file as compose reads it: each value first, then the variables in it."""
    text = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
    return cast("dict[str, Any]", filled(yaml.safe_load(text), environ))


def filled(value: object, environ: Mapping[str, str]) -> object:
    """A value with `${NAME}`, `${NAME:-default}` and `${NAME:?refusal}` replaced."""

    def one(match: re.Match[str]) -> str:
        name, kind, words = match.groups()
        if not environ.get(name) and kind == "?":
            raise ComposeRefusal(words)
        return environ.get(name) or (words if kind == "-" else "")

    if isinstance(value, dict):
        return {key: filled(each, environ) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, environ) for each in value]
    return VARIABLE.sub(one, value) if isinstance(value, str) else value


@pytest.mark.parametrize("passed_on", [{}, TRACES], ids=["own traces", "a collector"])
def test_the_compose_file_and_the_plan_name_the_same_containers_in_the_same_way(passed_on: dict[str, str]) -> None:
    services = compose(COMPOSED | passed_on)["services"]
    plan = cluster.plan(SECRETS, passed_on)
    assert set(services) == {entry.name for entry in plan.containers}
    for entry in plan.containers:
        written = services[entry.name]
        assert written["image"] == entry.image
        assert tuple(written.get("command", ())) == entry.command
        assert written["environment"] == dict(entry.environment)
        assert written["restart"] == cluster.RESTART
        assert {f"{o}:{i}" for i, o in entry.published.items()} == set(written.get("ports", ()))
        assert set(written.get("depends_on", ())) == set(entry.after)
        assert [f"{name}:{path}" for name, path in entry.volumes.items()] == written.get("volumes", [])


@pytest.mark.parametrize("name", COMPOSED)
def test_without_a_secret_compose_does_not_start(name: str) -> None:
    rest = {each: value for each, value in COMPOSED.items() if each != name}
    with pytest.raises(ComposeRefusal, match=f"set {name}"):
        compose(rest)


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_without_a_secret_the_plan_is_not_applied(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = {each: value for each, value in ENVIRONMENT.items() if each != name}
    monkeypatch.delenv(name, raising=False)
    for each, value in rest.items():
        monkeypatch.setenv(each, value)
    assert cluster.main(["apply"]) == 2
    assert name in capsys.readouterr().err


def test_without_the_engines_client_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    assert cluster.main(["remove"]) == 1
    assert "pip install '.[deploy]'" in capsys.readouterr().err


def test_every_member_has_a_container_and_starts_after_all_that_it_calls() -> None:
    order = [entry.name for entry in cluster.plan(SECRETS).containers]
    assert set(order) == {cluster.DATABASE, *mesh.names()}
    for caller, callee in mesh.edges():
        assert order.index(callee) < order.index(caller)


def test_only_the_gateway_is_published() -> None:
    published = {entry.name for entry in cluster.plan(SECRETS).containers if entry.published}
    assert published == {mesh.GATEWAY}


@pytest.mark.parametrize("passed_on", [{}, TRACES], ids=["own traces", "a collector"])
def test_each_container_gets_settings_that_the_member_accepts(passed_on: dict[str, str]) -> None:
    for entry in cluster.plan(SECRETS, passed_on).containers:
        if entry.name != cluster.DATABASE:
            config = Config.load(entry.environment)
            assert config.text("YIBAO_TRACE_EXPORTER") == passed_on.get("YIBAO_TRACE_EXPORTER", "sqlite")
            assert config.text("YIBAO_OTLP_ENDPOINT") == passed_on.get("YIBAO_OTLP_ENDPOINT", "")


def test_each_container_holds_the_keys_of_its_member_and_no_other() -> None:
    containers = {entry.name: entry for entry in cluster.plan(SECRETS).containers if entry.name != cluster.DATABASE}
    for name, entry in containers.items():
        assert SECRETS.mesh_key not in entry.environment.values()
        held = load(Config.load(entry.environment))
        assert held.of(name) == (handed_out(SECRETS.mesh_key.encode(), name),)
        for other in set(containers) - {name}:
            with pytest.raises(ConfigError, match=f"no keys of {other}"):
                held.of(other)


def test_the_first_operators_key_reaches_the_member_that_knows_keys_and_no_other() -> None:
    holders = {
        entry.name: entry.environment["YIBAO_BOOTSTRAP_OPERATOR_KEY"]
        for entry in cluster.plan(SECRETS).containers
        if "YIBAO_BOOTSTRAP_OPERATOR_KEY" in entry.environment
    }
    assert holders == {"identity": SECRETS.operator_key}


def test_the_password_stands_in_no_url() -> None:
    for entry in cluster.plan(SECRETS).containers:
        holding = {name for name, value in entry.environment.items() if SECRETS.database_password in value}
        assert holding <= {"PGPASSWORD", "POSTGRES_PASSWORD"}
        assert bool(holding) is (entry.name == cluster.DATABASE or mesh.member(entry.name).has_store)


def test_the_printed_plan_names_no_secret() -> None:
    printed = cluster.describe(cluster.plan(SECRETS))
    assert not [secret for secret in ENVIRONMENT.values() if secret in printed]


def test_the_image_runs_the_member_that_its_command_names() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert 'ENTRYPOINT ["python", "-m", "services"]' in dockerfile
    for folder in ("services", "gateway", "tools", "deploy", "protos/gen"):
        assert f"COPY {folder} {folder}" in dockerfile


@dataclass
class StandingContainer:
    """A container of the stand-in engine: its state, and all that it was started with."""

    name: str
    engine: Engine
    given: Mapping[str, Any]
    status: str = "running"

    def start(self) -> None:
        self._become("start", "running")

    def unpause(self) -> None:
        assert self.status == "paused"
        self._become("unpause", "running")

    def stop(self, timeout: int) -> None:
        self._become("stop", "exited")

    def remove(self) -> None:
        assert self.status == "exited"
        self.engine.standing = [entry for entry in self.engine.standing if entry.name != self.name]

    def _become(self, action: str, status: str) -> None:
        self.engine.log.append(f"{action} {self.name}")
        self.status = status


@dataclass
class Network:
    """A network of the stand-in engine."""

    name: str


@dataclass
class Engine:
    """Stands in for the Docker engine's client: keeps what it is told, and the order of calls."""

    standing: list[StandingContainer] = field(default_factory=list)
    known_networks: list[Network] = field(default_factory=list)
    known_volumes: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)

    @property
    def networks(self) -> Networks:
        return Networks(self.known_networks)

    @property
    def volumes(self) -> Volumes:
        return Volumes(self.known_volumes)

    @property
    def containers(self) -> Containers:
        return Containers(self)

    def client(self) -> DockerClient:
        """The engine as `apply` and `remove` take it."""
        return cast("DockerClient", self)


@dataclass
class Networks:
    """Networks of the stand-in engine; a name finds all that contain it, as the engine's filter does."""

    known: list[Network]

    def create(self, name: str, driver: str) -> None:
        assert driver == "bridge"
        self.known.append(Network(name))

    def list(self, names: Sequence[str]) -> Sequence[Network]:
        return [network for network in self.known if any(name in network.name for name in names)]


@dataclass
class Volumes:
    """Volumes of the stand-in engine; making one twice makes one."""

    known: set[str]

    def create(self, name: str) -> None:
        self.known.add(name)


@dataclass
class Containers:
    """Containers of the stand-in engine. `run` knows the arguments that the plan needs, and no others."""

    engine: Engine

    def run(
        self,
        image: str,
        command: Sequence[str] | None,
        *,
        name: str,
        hostname: str,
        environment: Mapping[str, str],
        ports: Mapping[str, int],
        volumes: Mapping[str, Mapping[str, str]],
        network: str,
        labels: Mapping[str, str],
        restart_policy: Mapping[str, object],
        detach: bool,
    ) -> None:
        assert network in [each.name for each in self.engine.known_networks]
        assert set(volumes) <= self.engine.known_volumes
        # Undetached, the client would wait for the container's end.
        assert detach
        assert name not in [each.name for each in self.engine.standing]
        given = {
            "image": image, "command": command, "hostname": hostname, "environment": environment, "ports": ports,
            "volumes": volumes, "network": network, "labels": labels, "restart_policy": restart_policy,
        }  # fmt: skip
        self.engine.standing.append(StandingContainer(name, self.engine, given))
        self.engine.log.append(f"run {name}")

    def list(self, *, all: bool, filters: dict[str, str]) -> Sequence[StandingContainer]:  # noqa: A002 - the SDK's name
        return tuple(
            each
            for each in self.engine.standing
            if filters["label"] in each.given["labels"] and (all or each.status == "running")
        )


def test_applying_twice_starts_each_container_once_and_removing_goes_backwards() -> None:
    engine = Engine()
    plan = cluster.plan(SECRETS)
    cluster.apply(plan, engine.client())
    cluster.apply(plan, engine.client())
    names = [entry.name for entry in plan.containers]
    assert engine.log == [f"run {name}" for name in names]
    assert [network.name for network in engine.known_networks] == [cluster.NETWORK]
    cluster.remove(plan, engine.client())
    assert engine.standing == []
    assert engine.log[len(names) :] == [f"stop {name}" for name in reversed(names)]
    assert engine.known_volumes == {cluster.DATA_VOLUME}


def test_the_engine_is_told_all_that_the_plan_says() -> None:
    engine = Engine()
    plan = cluster.plan(SECRETS, TRACES)
    cluster.apply(plan, engine.client())
    told = {each.name: each.given for each in engine.standing}
    for entry in plan.containers:
        given = told[entry.name]
        assert (given["image"], tuple(given["command"] or ())) == (entry.image, entry.command)
        assert given["environment"] == dict(entry.environment)
        # Members find each other by these names.
        assert (given["hostname"], given["network"]) == (entry.name, plan.network)
        assert given["restart_policy"]["Name"] == cluster.RESTART
    ports = {name: given["ports"] for name, given in told.items() if given["ports"]}
    assert ports == {"gateway": {"7400/tcp": 7400}}
    volumes = {name: given["volumes"] for name, given in told.items() if given["volumes"]}
    assert volumes == {"postgres": {cluster.DATA_VOLUME: {"bind": "/var/lib/postgresql", "mode": "rw"}}}


@pytest.mark.parametrize(("status", "action"), WOKEN.items())
def test_a_container_that_stands_still_is_set_going_and_no_other_is_touched(status: str, action: str) -> None:
    engine = Engine()
    plan = cluster.plan(SECRETS)
    cluster.apply(plan, engine.client())
    engine.log.clear()
    engine.standing[1].status = status
    cluster.apply(plan, engine.client())
    assert engine.log == [f"{action} {engine.standing[1].name}"]
    assert {each.status for each in engine.standing} == {"running"}


def test_another_network_whose_name_contains_ours_is_not_taken_for_it() -> None:
    engine = Engine(known_networks=[Network(f"{cluster.NETWORK}_{cluster.NETWORK}")])
    cluster.apply(cluster.plan(SECRETS), engine.client())
    assert engine.known_networks[-1].name == cluster.NETWORK


def test_an_engine_that_does_not_answer_is_told_in_one_sentence(tmp_path: Path) -> None:
    # Never the machine's own engine: this address leads nowhere.
    environ = {**os.environ, **ENVIRONMENT, "DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    command = [sys.executable, "-m", "deploy.cluster", "apply"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("the Docker engine did not do it: ")
    assert done.stderr.count("\n") == 1
