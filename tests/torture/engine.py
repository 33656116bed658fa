"""A container engine with the Docker API, for tests that run what `deploy/` says. DOCKER_HOST names it.

The plan's names are fixed, so that these tests keep away from an engine on which a mesh, or anything of its name, stands.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import docker
import httpx
import pytest
from docker import DockerClient
from docker.errors import DockerException, ImageNotFound
from docker.models.containers import Container

from deploy import cluster
from services import mesh
from tools.tidy import ROOT

INSIDE: Final = mesh.member(mesh.GATEWAY).port
SECRETS: Final = {
    "YIBAO_MESH_KEY": "a mesh key of the torture, 32 bytes or more",
    "YIBAO_BOOTSTRAP_OPERATOR_KEY": "an operator's key of the torture, as long",
    # Characters that mean something to a shell, a URL, YAML and PostgreSQL's own files.
    "POSTGRES_PASSWORD": "p@ss/w%rd:#$\\ '密码",
}
NO_COMMANDS: Final = "this engine runs no command in a container: no health check was shown"
_ASK: Final = "import docker; docker.from_env(timeout=10).ping()"
_ANSWER_S: Final = 900
_READY_S: Final = 120.0


def found() -> DockerClient:
    """The engine that answers; where none does the test is skipped, and says so."""
    # In a process of its own: where nobody answers the client leaves its socket open.
    asked = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=False, timeout=60)
    if asked.returncode:
        where = os.environ.get("DOCKER_HOST") or "the usual socket"
        pytest.skip(f"no Docker engine answers at {where}: the deploy files were compared, not run")
    return docker.from_env(timeout=_ANSWER_S)


def require_room(engine: DockerClient) -> None:
    """Skips the test where containers or volumes of a mesh are there already: they are somebody's."""
    wanted = cluster.plan(cluster.Secrets.of(SECRETS))
    names = {entry.name for entry in wanted.containers}
    standing = [f"container {each.name}" for each in engine.containers.list(all=True) if each.name in names]
    standing += [f"volume {each.name}" for each in engine.volumes.list() if each.name in wanted.volumes]
    if standing:
        pytest.skip(f"a mesh stands on this engine ({', '.join(standing[:3])}): nothing of it is touched")


@contextmanager
def image(engine: DockerClient) -> Iterator[float]:
    """The image as the Dockerfile makes it of this tree, and the seconds that took; one that stood there has its name again."""
    try:
        before = engine.images.get(cluster.IMAGE)
    except ImageNotFound:
        before = None
    begun = time.monotonic()
    engine.images.build(
        fileobj=_context(), custom_context=True, dockerfile="deploy/Dockerfile", tag=cluster.IMAGE, rm=True
    )
    try:
        yield time.monotonic() - begun
    finally:
        if before is not None:
            before.tag(*cluster.IMAGE.split(":"))


def _context() -> io.BytesIO:
    """The files that git knows or would take, as an engine wants them: an environment and a browser are no part of it."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in listed:
            if name and (ROOT / name).is_file():
                archive.add(ROOT / name, name)
    packed.seek(0)
    return packed


def ready(url: str) -> None:
    """Waits until the mesh behind a gateway can settle."""
    until = time.monotonic() + _READY_S
    told = "nothing answers"
    with httpx.Client(timeout=5.0, trust_env=False) as client:
        while time.monotonic() < until:
            try:
                answer = client.get(f"{url}/readyz")
                if answer.status_code == httpx.codes.OK:
                    return
                told = answer.text
            except httpx.HTTPError as error:
                told = type(error).__name__
            time.sleep(0.5)
    raise AssertionError(f"the mesh was not ready after {_READY_S:.0f} s: {told}")


def in_trouble(url: str, within_s: float = 20.0) -> bool:
    """Whether the gateway says within a time that the mesh cannot settle."""
    until = time.monotonic() + within_s
    with httpx.Client(timeout=5.0, trust_env=False) as client:
        while time.monotonic() < until:
            if client.get(f"{url}/readyz").status_code == httpx.codes.SERVICE_UNAVAILABLE:
                return True
            time.sleep(0.2)
    return False


def started(container: Container) -> str:
    """When it was started last, as the engine writes it."""
    container.reload()
    return str(container.attrs["State"]["StartedAt"])


def health(engine: DockerClient, container: Container) -> str:
    """What the container's health check says once it is well: run now by podman, else waited for as the engine runs it.

    "" where the engine cannot run a command in a container at all.
    """
    if not _runs_commands(container):
        return ""
    if podman := own_podman(engine):
        words = ["podman", "healthcheck", "run", str(container.name)]
        done = subprocess.run(words, env=podman, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, (done.stdout + done.stderr, _health(container))
        return _told(_health(container))
    until = time.monotonic() + _READY_S
    while (state := _health(container))["Status"] != "healthy":
        assert time.monotonic() < until, state
        time.sleep(1)
    return _told(state)


def _health(container: Container) -> Mapping[str, Any]:
    container.reload()
    state: Mapping[str, Any] = container.attrs["State"]
    found: Mapping[str, Any] = state.get("Health") or state.get("Healthcheck") or {}
    return found


def _told(health: Mapping[str, Any]) -> str:
    return str(health["Log"][-1]["Output"]).strip()


def _runs_commands(container: Container) -> bool:
    try:
        return bool(container.exec_run(["true"]).exit_code == 0)
    except DockerException:
        return False


def own_podman(engine: DockerClient) -> dict[str, str]:
    """The environment in which the command `podman` speaks to this very engine; empty where it is no podman of this machine."""
    if "Podman" not in str(engine.version().get("Components")) or not shutil.which("podman"):
        return {}
    environ = {**os.environ, "STORAGE_DRIVER": str(engine.info()["Driver"])}
    words = ["podman", "image", "exists", cluster.IMAGE]
    done = subprocess.run(words, env=environ, capture_output=True, check=False, timeout=60)
    return environ if done.returncode == 0 else {}


def composer(engine: DockerClient) -> tuple[list[str], dict[str, str]]:
    """The words of a compose that works with this engine, and its environment; no words where none is here."""
    if podman := own_podman(engine):
        return (["podman-compose"] if shutil.which("podman-compose") else []), podman
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False, timeout=60)
        if asked.returncode == 0:
            return ["docker", "compose"], dict(os.environ)
    return [], {}


def run(words: list[str], environ: Mapping[str, str], within_s: float = 300.0) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(
        words, cwd=ROOT, env=dict(environ), capture_output=True, text=True, check=False, timeout=within_s
    )
    assert done.returncode == 0, f"{' '.join(words[:4])}: {(done.stdout + done.stderr)[-3000:]}"
    return done.stdout
