"""Faults of the REST face, planted into the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

import gateway.problems
import gateway.rest
from gateway.partners import Partners
from gateway.rest import RestFace
from services.kernel.errors import Fault
from services.runtime.call import Caller, Role
from services.runtime.contract import MethodContract
from services.runtime.status import InternalError
from tests.mesh.seeds import OPERATOR


def drop_violations_at_the_gateway(patch: pytest.MonkeyPatch) -> None:
    real = gateway.problems.problem

    def problem(error: Fault | InternalError) -> Any:
        return real(Fault(error.kind, error.reason, error.metadata) if isinstance(error, Fault) else error)

    patch.setattr(gateway.problems, "problem", problem)


def let_in_without_a_key(patch: pytest.MonkeyPatch) -> None:
    real = RestFace._caller

    async def caller(self: RestFace, request: Any, method: MethodContract) -> Caller:
        if "authorization" not in request.headers:
            return Caller(next(iter(method.roles)), OPERATOR, sandbox=True)
        return await real(self, request, method)

    patch.setattr(RestFace, "_caller", caller)


def take_every_key_for_an_operator(patch: pytest.MonkeyPatch) -> None:
    async def bearer(self: Partners, key: str) -> Caller:
        return Caller(Role.OPERATOR, OPERATOR, sandbox=True)

    patch.setattr(Partners, "bearer", bearer)


def swallow_misspelt_fields(patch: pytest.MonkeyPatch) -> None:
    real = gateway.rest._parsed

    def without(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: without(each) for name, each in value.items() if name != "newerField"}
        return [without(each) for each in value] if isinstance(value, list) else value

    patch.setattr(gateway.rest, "_parsed", lambda *given: without(real(*given)))


def tell_every_refusal_as_500(patch: pytest.MonkeyPatch) -> None:
    real = gateway.problems.problem
    patch.setattr(gateway.problems, "problem", lambda error: real(InternalError("0" * 16, {"error_id": "0" * 16})))
