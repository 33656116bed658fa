"""Addresses that partners name: none leads into this network, and what was looked at is what is asked."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import pytest
import trustme

from services.runtime.callbacks import Callbacks, NotTold, may_be_asked
from services.runtime.config import Config
from services.runtime.telemetry import Telemetry
from tests.runtime.receiver import receiving

PUBLIC = ("8.8.8.8", "2606:4700::1111")
PRIVATE = (
    "127.0.0.1",
    "10.0.0.1",
    "192.168.1.1",
    "172.16.0.1",
    "100.64.0.1",
    "::1",
    "fd00::1",
    "fec0::1",
    "::ffff:10.0.0.1",
)
HIDDEN = ("64:ff9b::10.0.0.1", "2002:0a00:0001::1", "::ffff:127.0.0.1")
NEVER = ("169.254.169.254", "fe80::1%eth0", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "::ffff:169.254.169.254", "nobody")


def callbacks(
    addresses: Sequence[str] | None = None,
    *,
    plain: bool = True,
    private: bool = True,
    trusted: ssl.SSLContext | None = None,
) -> Callbacks:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        assert host not in asked, "a name is asked for once"
        asked.append(host)
        return addresses or ()

    telemetry = Telemetry("payment", Config.load({"YIBAO_TRACE_EXPORTER": "none"}))
    stub = resolve if addresses is not None else None
    return Callbacks(telemetry, plain=plain, private=private, resolve=stub, trusted=trusted)


async def refused(made: Callbacks, url: str, timeout_s: float = 3.0) -> str:
    with pytest.raises(NotTold) as fault:
        await made.post("test", url, b"{}", timeout_s)
    await made.close()
    return fault.value.reason


def test_an_address_of_this_network_is_asked_only_where_that_is_allowed() -> None:
    for address in PUBLIC:
        assert may_be_asked(address, private=False), address
    for address in (*PRIVATE, *HIDDEN):
        assert not may_be_asked(address, private=False), address
        assert may_be_asked(address, private=True), address
    for address in NEVER:
        assert not may_be_asked(address, private=True), address


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "2130706433", "0x7f.1"])
async def test_a_way_to_write_this_machine_is_refused(host: str) -> None:
    assert await refused(callbacks(private=False), f"http://{host}:9/") == "ADDRESS_NOT_ALLOWED"


async def test_one_address_of_this_network_speaks_against_the_whole_name() -> None:
    made = callbacks(["8.8.8.8", "10.0.0.1"], private=False)
    assert await refused(made, "http://hospital.example/") == "ADDRESS_NOT_ALLOWED"


async def test_outside_a_sandbox_only_https_is_spoken() -> None:
    assert await refused(callbacks(["8.8.8.8"], plain=False), "http://hospital.example/") == "NOT_HTTPS"
    for url in ("https://", "https://user@hospital.example/", "file:///etc/passwd"):
        assert await refused(callbacks(["8.8.8.8"]), url) in ("NO_ADDRESS", "NOT_HTTPS")


async def test_the_connection_goes_to_the_address_that_was_looked_at_and_the_name_goes_along() -> None:
    async with receiving() as receiver:
        made = callbacks(["127.0.0.1"])
        told = await made.post("test", f"http://hospital.example:{receiver.port}/a?b=1", b"body")
        await made.close()
    ((head, body),) = receiver.sent
    assert (told.status, told.body, body) == (200, b"{}", b"body")
    assert head.startswith("POST /a?b=1 HTTP/1.1")
    assert f"host: hospital.example:{receiver.port}" in head.lower()


async def test_a_redirect_is_not_followed_and_a_long_answer_not_read() -> None:
    async with receiving() as receiver, receiving() as other:
        receiver.to, receiver.replies = f"http://127.0.0.1:{other.port}/", [(302, b""), (200, b"x" * 100_000)]
        made = callbacks()
        assert (await made.post("test", f"http://127.0.0.1:{receiver.port}/", b"{}")).status == 302
        assert await refused(made, f"http://127.0.0.1:{receiver.port}/") == "ANSWER_TOO_LARGE"
        assert not other.sent


async def test_who_does_not_answer_in_time_has_not_heard() -> None:
    async with receiving() as receiver:
        receiver.replies = [(0, b"")]
        assert await refused(callbacks(), f"http://127.0.0.1:{receiver.port}/", 0.2) == "TIMEOUT"
    assert await refused(callbacks(), f"http://127.0.0.1:{receiver.port}/") == "ConnectError"


async def test_the_certificate_is_that_of_the_name_not_of_the_address() -> None:
    authority = trustme.CA()
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    for name, fits in (("hospital.example", True), ("another.example", False)):
        served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(served)
        async with receiving(served) as receiver:
            made = callbacks(["127.0.0.1"], plain=False, trusted=trusted)
            url = f"https://hospital.example:{receiver.port}/"
            if fits:
                assert (await made.post("test", url, b"{}")).status == 200
                await made.close()
            else:
                assert await refused(made, url) == "ConnectError"
