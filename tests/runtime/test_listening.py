"""Why a port cannot be opened: each cause is told as what it is, with the setting that helps."""

from __future__ import annotations

import errno
import socket
from contextlib import closing

import pytest

from services.runtime.config import Config
from services.runtime.listening import Place, place_at
from services.runtime.server import MemberServer, StartError
from services.runtime.telemetry import Telemetry
from tests.runtime.desk import clock
from tests.tokens import Tokens

HOST = "127.0.0.1"


def place(host: str = HOST, port: int = 0) -> Place:
    return Place("gateway", host, port, "YIBAO_GATEWAY_PORT", "YIBAO_GATEWAY_HOST")


def test_a_port_that_is_free_is_opened() -> None:
    with closing(place().opened(shared=False)) as opened:
        assert opened.getsockname()[1] > 0
    assert place().probed(shared=False) is None


def test_a_port_that_is_taken_is_told_as_taken() -> None:
    with closing(place().opened(shared=False)) as other:
        taken = place(port=other.getsockname()[1])
        told = taken.told(taken.probed(shared=False))
    assert told == (
        f"gateway cannot listen on {taken.address}: is another program using that port? "
        "Choose another by YIBAO_GATEWAY_PORT"
    )


@pytest.mark.parametrize("host", ["203.0.113.7", "2001:db8::7"])
def test_a_host_of_another_machine_is_told_with_the_setting_of_hosts(host: str) -> None:
    told = place(host).told(place(host).probed(shared=False))
    assert "is no address of this machine. Choose another by YIBAO_GATEWAY_HOST" in told
    assert "another program" not in told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied"),
            "this user may not open that port. Choose one above 1023 by",
        ),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "nobody knows the host 127.0.0.1. Choose another",
        ),
        (OSError(errno.ENOBUFS, "No buffer space available"), "No buffer space available. See YIBAO_GATEWAY_HOST"),
    ],
)
def test_what_the_system_does_not_allow_is_told_as_that(
    error: OSError, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert told in place(port=80).told(place(port=80).probed(shared=False))


async def test_a_member_on_a_foreign_address_says_so_with_its_own_setting() -> None:
    given = {"YIBAO_SANDBOX": "on", "YIBAO_MESH_KEY": "k" * 32, "YIBAO_IDENTITY_ADDRESS": "203.0.113.7:7101"}
    config = Config.load(given | {"YIBAO_TRACE_EXPORTER": "none", "YIBAO_TLS": "off"})
    signer = Tokens("k" * 32, clock).signer("identity")
    server = MemberServer("identity", config, Telemetry("identity", config), [], signer=signer, clock=clock)
    with pytest.raises(StartError, match=r"203.0.113.7 is no address of this machine.*YIBAO_IDENTITY_ADDRESS"):
        await server.start()


def test_the_place_of_an_address_has_one_setting() -> None:
    found = place_at("identity", "[::1]:7101", "YIBAO_IDENTITY_ADDRESS")
    assert (found.host, found.port, found.host_setting) == ("[::1]", 7101, "YIBAO_IDENTITY_ADDRESS")
