"""An engine that only takes note of what it is told, behind the client that `deploy.cluster` speaks to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from docker import DockerClient


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
        healthcheck: Mapping[str, Any],
        read_only: bool,
        tmpfs: Mapping[str, str],
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
            "healthcheck": healthcheck, "read_only": read_only, "tmpfs": tmpfs,
        }  # fmt: skip
        self.engine.standing.append(StandingContainer(name, self.engine, given))
        self.engine.log.append(f"run {name}")

    def list(self, *, all: bool, filters: dict[str, str]) -> Sequence[StandingContainer]:  # noqa: A002 - the SDK's name
        return tuple(
            each
            for each in self.engine.standing
            if filters["label"] in each.given["labels"] and (all or each.status == "running")
        )
