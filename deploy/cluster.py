"""Puts the mesh on one Docker engine: `plan` is pure and reads the table of members, `apply` hands it to the engine.

It decides nothing that the plan does not show: `python -m deploy.cluster plan` prints the plan and touches nothing.
`compose.yaml` beside it says the same for those who prefer compose; a test compares the two.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deploy.cells import with_cells
from services import cells, mesh
from services.runtime.keys import handed_out

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container as StandingContainer

DATABASE = "postgres"
DATABASE_IMAGE = "postgres:18"
IMAGE = "yibao:latest"
NETWORK = "yibao"
DATA_VOLUME = "yibao-postgres"
OWN_FOLDER = "/var/lib/yibao"
"""The one folder of the image that a member writes to: its traces, and its store where that is SQLite."""

SCRATCH = "/tmp"
LABEL = "io.yibao.member"
RESTART: Final = "always"
PARTNERS = "yibao.identity.v1.PartnerService"
KEY_CHARACTERS = 32
LAST_PORT = 65535
PUBLISHED_PORT = "PUBLISHED_PORT"
"""The variable with the port of this machine at which the gateway answers; without it the gateway's own."""

PASSED_ON = ("YIBAO_TRACE_EXPORTER", "YIBAO_OTLP_ENDPOINT")
"""Settings that every member gets as they stand in the environment; empty ones mean the default."""


@dataclass(frozen=True, slots=True)
class Health:
    """What an engine runs in a container to see whether it is well: a command (its first word `CMD` or `CMD-SHELL`), how often,
    how long it may take, how often it must fail, and how long a start may take before failures count. Times in seconds.
    """

    test: tuple[str, ...]
    every_s: int
    within_s: int
    retries: int
    start_s: int = 0


DATABASE_HEALTH: Final = Health(("CMD-SHELL", "pg_isready -h 127.0.0.1 -U yibao"), every_s=2, within_s=10, retries=30)
"""By TCP: while the image makes the database, a first server answers at the socket alone, and goes again."""

MEMBER_HEALTH: Final = Health(("CMD", "python", "-m", "services", "health"), 30, 10, 3, start_s=60)
"""Without a name it asks the member that the container was started with. The image says the same, for who starts it alone."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container: its name, image, command, environment, published ports, volumes by the folder where each is seen, the
    containers that start before it, its health check, and whether it can write to its volumes and SCRATCH alone.
    """

    name: str
    image: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[int, int] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    health: Health = MEMBER_HEALTH
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """All that an engine needs to know, containers in start order."""

    network: str
    volumes: tuple[str, ...]
    containers: tuple[Container, ...]


@dataclass(frozen=True, slots=True)
class Secrets:
    """The mesh key, which no container gets, the first operator's API key, and the password of the database, of any
    characters.
    """

    mesh_key: str
    operator_key: str
    database_password: str

    @staticmethod
    def of(environ: Mapping[str, str]) -> Secrets:
        """Those of the environment, "" where one is not set."""
        names = ("YIBAO_MESH_KEY", "YIBAO_BOOTSTRAP_OPERATOR_KEY", "POSTGRES_PASSWORD")
        return Secrets(*(environ.get(name, "") for name in names))

    def complete(self) -> bool:
        """Whether all are there and both keys long enough."""
        shortest = min(len(self.mesh_key), len(self.operator_key))
        return shortest >= KEY_CHARACTERS and bool(self.database_password)


def plan(
    secrets: Secrets, passed_on: Mapping[str, str] | None = None, image: str = IMAGE, published: int | None = None
) -> Plan:
    """The containers of the mesh: a PostgreSQL, one container a member, the gateway alone published, at a port of this machine.

    `passed_on` holds settings of PASSED_ON. Members meet on a network of their own, where TLS is off; beyond one machine
    switch it on (`YIBAO_TLS`).
    """
    database = Container(
        name=DATABASE,
        image=DATABASE_IMAGE,
        environment={"POSTGRES_USER": "yibao", "POSTGRES_PASSWORD": secrets.database_password, "POSTGRES_DB": "yibao"},
        volumes={DATA_VOLUME: "/var/lib/postgresql"},
        health=DATABASE_HEALTH,
        read_only=False,
    )
    common = {name: (passed_on or {}).get(name, "") for name in PASSED_ON}
    common |= {"YIBAO_TLS": "off"}
    own = mesh.member(mesh.GATEWAY).port
    ports = {mesh.GATEWAY: {own: published or own}}
    members = tuple(
        _container(entry, secrets, common, image, ports.get(entry.name, {})) for entry in mesh.start_order()
    )
    volumes = tuple(name for each in (database, *members) for name in each.volumes)
    return Plan(NETWORK, volumes, (database, *members))


def _container(
    entry: mesh.Member, secrets: Secrets, common: Mapping[str, str], image: str, published: Mapping[int, int]
) -> Container:
    # Its own keys and no other's: whoever breaks into one container cannot speak for the rest.
    environment = dict(common) | {"YIBAO_MESH_KEY": _keys(secrets, entry.name)}
    if PARTNERS in entry.services:
        environment["YIBAO_BOOTSTRAP_OPERATOR_KEY"] = secrets.operator_key
    if entry.services:
        environment[_address_setting(entry.name)] = f"0.0.0.0:{entry.port}"
    for callee in entry.calls:
        environment[_address_setting(callee)] = f"{callee}:{mesh.member(callee).port}"
    if entry.has_store:
        environment["YIBAO_DATABASE_URL"] = f"postgresql://yibao@{DATABASE}:5432/yibao"
        # Not in the URL, where `@`, `/` and `%` mean something else, and compose can quote nothing. The driver reads it.
        environment["PGPASSWORD"] = secrets.database_password
    if entry.name == mesh.GATEWAY:
        environment["YIBAO_GATEWAY_HOST"] = "0.0.0.0"
        environment["YIBAO_OPERATIONS_HOST"] = "0.0.0.0"
    return Container(
        name=entry.name,
        image=image,
        command=(entry.name,),
        environment=environment,
        published=published,
        volumes={f"yibao-{entry.name}": OWN_FOLDER},
        after=((DATABASE,) if entry.has_store else ()) + entry.calls,
    )


def _keys(secrets: Secrets, name: str) -> str:
    """The keys of one member; "" where the mesh key is missing, with which nothing is started."""
    if len(secrets.mesh_key) < KEY_CHARACTERS:
        return ""
    return handed_out(secrets.mesh_key.encode(), name).text()


def _address_setting(name: str) -> str:
    return f"YIBAO_{name.upper()}_ADDRESS"


def apply(wanted: Plan, engine: DockerClient) -> None:
    """Starts what the plan names and does not run; a container that runs already is left alone, whatever it was given."""
    # The engine finds networks by a part of their name.
    if all(network.name != wanted.network for network in engine.networks.list(names=[wanted.network])):
        engine.networks.create(wanted.network, driver="bridge")
    for volume in wanted.volumes:
        engine.volumes.create(volume)
    standing = _standing(wanted, engine)
    for entry in wanted.containers:
        container = standing.get(entry.name)
        if container is None:
            _run(entry, wanted.network, engine)
        elif container.status == "paused":
            container.unpause()
        elif container.status in ("created", "exited"):
            container.start()


def _standing(wanted: Plan, engine: DockerClient) -> dict[str, StandingContainer]:
    """The plan's containers that the engine has, running or not, by name."""
    names = {entry.name for entry in wanted.containers}
    found = {str(each.name): each for each in engine.containers.list(all=True, filters={"label": LABEL})}
    return {name: container for name, container in found.items() if name in names}


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
        restart_policy={"Name": RESTART, "MaximumRetryCount": 0},
        healthcheck=_told(entry.health),
        read_only=entry.read_only,
        tmpfs={SCRATCH: ""} if entry.read_only else {},
        detach=True,
    )


def _told(health: Health) -> dict[str, object]:
    """As the engine takes it; its times are nanoseconds."""
    seconds = {"interval": health.every_s, "timeout": health.within_s, "start_period": health.start_s}
    return {"test": list(health.test), "retries": health.retries} | {
        name: value * 1_000_000_000 for name, value in seconds.items()
    }


def remove(wanted: Plan, engine: DockerClient) -> None:
    """Stops and removes the plan's containers, last started first; volumes stay."""
    standing = _standing(wanted, engine)
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
        lines.extend(f"  keeps {path} in {name}" for name, path in entry.volumes.items())
        if entry.read_only:
            lines.append(f"  else writes to {SCRATCH} alone")
        lines.append(f"  asked every {entry.health.every_s} s by {' '.join(entry.health.test[1:])}")
        lines.extend(f"  sets {name}" for name in sorted(entry.environment))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """`plan` prints, `apply` starts, `remove` stops; exit code 2 where secrets are missing, 1 where the engine refuses."""
    parser = argparse.ArgumentParser(prog="python -m deploy.cluster", description=__doc__)
    parser.add_argument("action", choices=("plan", "apply", "remove"))
    parser.add_argument(
        "--cells", default=cells.SANDBOX, metavar="CODE,…", help="which cells (default: one, the sandbox's)"
    )
    options = parser.parse_args(arguments)
    action, codes = options.action, options.cells.split(",")
    if not set(codes) <= set(cells.codes()):
        parser.error(f"--cells: {options.cells} is not of {', '.join(cells.codes())}")
    secrets = Secrets.of(os.environ)
    if action == "apply" and not secrets.complete():
        keys = f"YIBAO_MESH_KEY and YIBAO_BOOTSTRAP_OPERATOR_KEY (at least {KEY_CHARACTERS} characters each)"
        sys.stderr.write(f"set {keys} and POSTGRES_PASSWORD first\n")
        return 2
    port = os.environ.get(PUBLISHED_PORT, "")
    if port and not (port.isdecimal() and 0 < int(port) <= LAST_PORT):
        sys.stderr.write(f"{PUBLISHED_PORT}: {port} is no port, 1 to {LAST_PORT}\n")
        return 2
    passed_on = {name: os.environ.get(name, "") for name in PASSED_ON}
    wanted = plan(secrets, passed_on, published=int(port) if port else None)
    wanted = with_cells(wanted, codes, secrets.mesh_key)
    if action == "plan":
        sys.stdout.write(describe(wanted) + "\n")
        return 0
    try:
        import docker  # the engine's client is only needed where an engine is  # noqa: PLC0415
        from docker.errors import DockerException  # noqa: PLC0415
    except ImportError:
        sys.stderr.write("the Docker SDK is not installed: pip install '.[deploy]', or make setup, which does\n")
        return 1

    try:
        with closing(docker.from_env()) as engine:
            (apply if action == "apply" else remove)(wanted, engine)
    except DockerException as error:
        sys.stderr.write(f"the Docker engine did not do it: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
