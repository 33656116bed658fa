"""RoutingService over loopback, with every interceptor."""

from __future__ import annotations

from services.runtime.call import Caller, Role
from tests.routing.conftest import NOON, Running
from yibao.routing.v1 import routing_pb2


def registering(request_id: str = "r1", number: str = "N1", name: str = "一号") -> routing_pb2.RegisterFilingRequest:
    """RegisterFiling."""
    told = routing_pb2.Filing(filing_no=number, filing_name=name)
    return routing_pb2.RegisterFilingRequest(request_id=request_id, filing=told)


async def test_what_is_registered_is_answered_again_and_read_back(running: Running) -> None:
    first = await running.call(running.stub.RegisterFiling, registering())
    again = await running.call(running.stub.RegisterFiling, registering())
    assert first == again
    assert first.filing == registering().filing
    assert first.registered_at.ToDatetime(NOON.tzinfo) == NOON
    found = await running.call(running.stub.GetFiling, routing_pb2.GetFilingRequest(filing_no="N1"))
    assert (found.filing, found.registered_at) == (first.filing, first.registered_at)


async def test_every_refusal(running: Running) -> None:
    register, get = running.stub.RegisterFiling, running.stub.GetFiling
    await running.call(register, registering())
    assert await running.reason(register, registering(name="二号")) == "REQUEST_ID_REUSED"
    assert await running.reason(register, registering("r2", name="二号")) == "FILING_EXISTS"
    assert await running.reason(register, registering("r2", number="")) == "INVALID_REQUEST"
    assert await running.reason(get, routing_pb2.GetFilingRequest(filing_no="N2")) == "FILING_NOT_FOUND"
    hospital = Caller(Role.INSTITUTION, "H99010000001", sandbox=True)
    assert await running.reason(register, registering("r3"), hospital) == "ROLE_NOT_ALLOWED"
