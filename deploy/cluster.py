"""Puts the mesh on one Docker engine: `plan` is pure and reads the table of members, `apply` hands it to the engine.

It decides nothing that the plan does not show: `python -m deploy.cluster plan` prints the plan and touches nothing.
`compose.yaml` beside it says the same for those who prefer compose; a test compares the two.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services import mesh

if TYPE_CHECKING:
    from docker import DockerClient

DATABASE = "postgres"
DATABASE_IMAGE = "postgres:18"
IMAGE = "yibao:latest"
NETWORK = "yibao"
DATA_VOLUME = "yibao-postgres"
LABEL = "io.yibao.member"


@dataclass(frozen=True, slots=True)
class Container:
    """One container: its name, image, command, environment, published ports and the containers that start before it."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[int, int] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All that an engine needs to know, containers in start order."""

    network: str
    volumes: tuple[str, ...]
    containers: tuple[Container, ...]


def plan(mesh_key: str, database_password: str, image: str = IMAGE) -> Plan:
    """The containers of the mesh: a PostgreSQL, one container a member, the gateway alone published.

    `mesh_key` signs caller tokens and is the same everywhere. Members meet on a network of their own, where TLS is off;
    beyond one machine switch it on (`YIBAO_TLS`).
    """
    database = Container(
        name=DATABASE,
        image=DATABASE_IMAGE,
        environment={"POSTGRES_USER": "yibao", "POSTGRES_PASSWORD": database_password, "POSTGRES_DB": "yibao"},
        volumes={DATA_VOLUME: "/var/lib/postgresql"},
    )
    members = tuple(_container(entry, mesh_key, database_password, image) for entry in mesh.start_order())
    return Plan(NETWORK, (DATA_VOLUME,), (database, *members))


def _container(entry: mesh.Member, mesh_key: str, database_password: str, image: str) -> Container:
    environment = {"YIBAO_MESH_KEY": mesh_key, "YIBAO_TLS": "off"}
    if entry.services:
        environment[_address_setting(entry.name)] = f"0.0.0.0:{entry.port}"
    for callee in entry.calls:
        environment[_address_setting(callee)] = f"{callee}:{mesh.member(callee).port}"
    if entry.has_store:
        environment["YIBAO_DATABASE_URL"] = f"postgresql://yibao:{database_password}@{DATABASE}:5432/yibao"
    if entry.name == mesh.GATEWAY:
        environment["YIBAO_GATEWAY_HOST"] = "0.0.0.0"
    return Container(
        name=entry.name,
        image=image,
        command=(entry.name,),
        environment=environment,
        published={entry.port: entry.port} if entry.name == mesh.GATEWAY else {},
        after=((DATABASE,) if entry.has_store else ()) + entry.calls,
    )


def _address_setting(name: str) -> str:
    return f"YIBAO_{name.upper()}_ADDRESS"


def apply(wanted: Plan, engine: DockerClient) -> None:
    """Starts what the plan names and is not there; a container that runs already is left alone."""
    if not engine.networks.list(names=[wanted.network]):
        engine.networks.create(wanted.network, driver="bridge")
    for volume in wanted.volumes:
        engine.volumes.create(volume)
    running = {container.name for container in engine.containers.list(all=True, filters={"label": LABEL})}
    for entry in wanted.containers:
        if entry.name not in running:
            _run(entry, wanted.network, engine)


def _run(entry: Container, network: str, engine: DockerClient) -> None:
    engine.containers.run(
        entry.image,
        list(entry.command) or None,
        name=entry.name,
        hostname=entry.name,
        environment=dict(entry.environment),
        ports={f"{inside}/tcp": outside for inside, outside in entry.published.items()},
        volumes={name: {"bind": path, "mode": "rw"} for name, path in entry.volumes.items()},
        network=network,
        labels={LABEL: entry.name},
        restart_policy={"Name": "always", "MaximumRetryCount": 0},
        detach=True,
    )


def remove(wanted: Plan, engine: DockerClient) -> None:
    """Stops and removes the plan's containers, last started first; volumes stay."""
    names = {entry.name for entry in wanted.containers}
    standing = {c.name: c for c in engine.containers.list(all=True, filters={"label": LABEL}) if c.name in names}
    for entry in reversed(wanted.containers):
        container = standing.get(entry.name)
        if container is not None:
            container.stop(timeout=10)
            container.remove()


def describe(wanted: Plan) -> str:
    """The plan as text, secrets left out."""
    lines = [f"network {wanted.network}", *(f"volume {name}" for name in wanted.volumes)]
    for entry in wanted.containers:
        lines.append(f"container {entry.name}: {entry.image} {' '.join(entry.command)}".rstrip())
        lines.extend(f"  after {name}" for name in entry.after)
        lines.extend(f"  publishes {outside} -> {inside}" for inside, outside in entry.published.items())
        lines.extend(f"  sets {name}" for name in sorted(entry.environment))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """`plan` prints, `apply` starts, `remove` stops; exit code 2 where the secrets are missing."""
    parser = argparse.ArgumentParser(prog="python -m deploy.cluster", description=__doc__)
    parser.add_argument("action", choices=("plan", "apply", "remove"))
    action = parser.parse_args(arguments).action
    mesh_key, password = os.environ.get("YIBAO_MESH_KEY", ""), os.environ.get("POSTGRES_PASSWORD", "")
    if action == "apply" and (len(mesh_key) < 32 or not password):
        sys.stderr.write("set YIBAO_MESH_KEY (at least 32 characters) and POSTGRES_PASSWORD first\n")
        return 2
    wanted = plan(mesh_key, password)
    if action == "plan":
        sys.stdout.write(describe(wanted) + "\n")
        return 0
    import docker  # the engine's client is only needed where an engine is  # noqa: PLC0415

    engine = docker.from_env()
    (apply if action == "apply" else remove)(wanted, engine)
    return 0


if __name__ == "__main__":
    sys.exit(main())
