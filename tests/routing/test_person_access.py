"""PersonAccessService: the keys under which other members keep persons."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from services.kernel.errors import Fault
from services.routing.domain.hashes import Hasher
from services.runtime.call import Caller, Role
from tests.routing.conftest import OPERATOR, Running
from yibao.routing.v1.person_access_pb2 import KeyPersonsRequest
from yibao.routing.v1.person_access_pb2_grpc import PersonAccessServiceStub

INSTITUTION = Caller(Role.INSTITUTION, "H99010000001", sandbox=True)
ONE, OTHER = "99000000000000000001", "99000000000000000002"


@pytest.fixture
async def keyed(running: Running) -> AsyncIterator[Callable[[list[str]], Awaitable[Sequence[bytes]]]]:
    """Asks for keys, as those do that may."""
    peers = running.peers_of("gateway")
    stub = peers.stub(PersonAccessServiceStub, "routing")

    async def ask(psn_nos: list[str]) -> Sequence[bytes]:
        return (await peers.call(stub.KeyPersons, KeyPersonsRequest(psn_nos=psn_nos))).person_keys

    yield ask
    await peers.close()


async def test_a_person_has_one_key_of_16_bytes_in_the_order_asked(keyed: Any) -> None:
    one, other, again = await keyed([ONE, OTHER, ONE])
    assert one == again != other
    assert {len(one), len(other)} == {16}


@pytest.mark.parametrize("numbers", [[], [ONE] * 1001])
async def test_lists_have_limits(keyed: Any, numbers: list[str]) -> None:
    with pytest.raises(Fault, match="INVALID_REQUEST"):
        await keyed(numbers)


async def test_nobody_else_is_told_keys(running: Running) -> None:
    stub = running.peers.stub(PersonAccessServiceStub, "routing")
    request = KeyPersonsRequest(psn_nos=[ONE])
    for caller in (INSTITUTION, OPERATOR, Caller(Role.PERSON, ONE, sandbox=True)):
        assert await running.reason(stub.KeyPersons, request, caller) == "ROLE_NOT_ALLOWED"


def test_a_key_for_other_stores_is_not_the_hash_of_routings_own() -> None:
    hasher = Hasher(b"one")
    key = hasher.person_key(ONE)
    assert key != Hasher(b"another").person_key(ONE)
    assert urlsafe_b64encode(key).decode().rstrip("=") != hasher.person(ONE)
