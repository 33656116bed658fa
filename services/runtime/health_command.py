"""`python -m services health`: do the members that run here answer? For the health check of a container.

A member is asked by `grpc.health.v1`, the gateway for `/livez`: each for itself, so that one that is away makes no other
unhealthy. It imports little, for an engine asks every half minute.
"""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services import mesh
from services.runtime import start_words
from services.runtime.config import Config, ConfigError
from services.runtime.texts.starting import language_of, started
from services.runtime.transport import channel_credentials, channel_options

FIRST_PROCESS: Final = Path("/proc/1/cmdline")
"""What a container was started with: its words are those of the members that run in it."""

_LIVE: Final = "/livez"
_WITHIN_S: Final = 3.0
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "::": "::1"}


def main(
    arguments: Sequence[str],
    say: Callable[[str], None],
    complain: Callable[[str], None],
    beginning: Path = FIRST_PROCESS,
) -> int:
    """Asks the members named, else those that the first process here was started with, and says what each answered.

    0 where all are well, 1 where one is not, 2 for bad words or settings.
    """
    named = argparse.ArgumentParser(
        prog=f"python -m services {start_words.HEALTH}",
        description="Asks the members that run here whether they are well. Without words, in a container: those that it "
        "was started with.",
    )
    start_words.add_members(named)
    language = language_of(os.environ)
    try:
        options = (
            named.parse_args(arguments) if arguments else start_words.parser().parse_args(_started_with(beginning))
        )
        config = Config.load(os.environ, start_words.overrides(options))
        named_here = start_words.chosen(options)
        seats = [each for each in mesh.seats(config.started_cells) if each.member.name in named_here]
        wrong = {each.name: _asked(each.member.name, config.of_cell(each.cell)) for each in seats}
    except ConfigError as error:
        complain(started(str(error), language))
        return 2
    for name, what in wrong.items():
        say(started(f"{name} {what or 'is well'}", language))
    return 1 if any(wrong.values()) else 0


def _started_with(beginning: Path) -> list[str]:
    """The words after `python -m services` of the first process, before which an engine may have put an init of its own.

    ConfigError where it is another program.
    """
    try:
        words = beginning.read_bytes().decode(errors="replace").split("\0")
    except OSError:
        words = []
    for place in range(1, len(words)):
        if words[place - 1 : place + 1] == ["-m", "services"]:
            return [each for each in words[place + 1 :] if each]
    raise ConfigError(["name the members: this is no container that runs a member"])


def _asked(name: str, config: Config) -> str:
    """What is wrong with a member, "" for nothing."""
    return _gateway(config) if name == mesh.GATEWAY else _member(name, config)


def _gateway(config: Config) -> str:
    host = config.text("YIBAO_GATEWAY_HOST")
    asked = http.client.HTTPConnection(
        _EVERYWHERE.get(host, host).strip("[]"), config.integer("YIBAO_GATEWAY_PORT"), timeout=_WITHIN_S
    )
    try:
        asked.request("GET", _LIVE)
        status = asked.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer ({type(error).__name__})"
    finally:
        asked.close()
    return "" if status == http.client.OK else f"answers {status}"


def _member(name: str, config: Config) -> str:
    address = config.address(name)
    host, _, port = address.rpartition(":")
    here = f"{_EVERYWHERE.get(host, host)}:{port}"
    credentials = channel_credentials(config, address)
    # A way of its own, not by a proxy that the environment names.
    options: list[tuple[str, Any]] = [*channel_options(config), ("grpc.enable_http_proxy", 0)]
    try:
        if credentials is None:
            channel = grpc.insecure_channel(here, options)
        else:
            named = ("grpc.ssl_target_name_override", _shown_name(here, config))
            channel = grpc.secure_channel(here, credentials, [*options, named])
        with channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=_WITHIN_S)
    except grpc.RpcError as error:
        return f"does not answer ({error.code().name})"
    except OSError as error:
        return f"does not answer ({type(error).__name__})"
    return "" if answer.status == health_pb2.HealthCheckResponse.SERVING else "is not serving"


def _shown_name(here: str, config: Config) -> str:
    """A name in the certificate that the member shows: callers know it by another one than this machine's own address.

    The certificate itself is still one of the mesh's authority; OSError where it is not, or where nobody answers.
    """
    context = ssl.create_default_context(cafile=config.text("YIBAO_TLS_AUTHORITY"))
    context.check_hostname = False
    context.load_cert_chain(config.text("YIBAO_TLS_CERTIFICATE"), config.text("YIBAO_TLS_KEY"))
    context.set_alpn_protocols(["h2"])
    host, _, port = here.rpartition(":")
    with (
        socket.create_connection((host.strip("[]"), int(port)), _WITHIN_S) as way,
        context.wrap_socket(way) as shown,
    ):
        certificate = shown.getpeercert() or {}
    names: Any = certificate.get("subjectAltName", ())
    return str(names[0][1]) if names else host
