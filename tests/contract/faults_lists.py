"""Faults of the list form of an RPC, planted into its runtime: items that are not admitted, ordered or answered one by one."""

from __future__ import annotations

from typing import Any

import pytest

import services.runtime.batch
import services.runtime.inbound
from services.kernel.errors import Fault, FaultKind
from services.runtime.admission import Admission
from services.runtime.call import CallContext, Caller
from services.runtime.contract import MethodContract
from services.runtime.inbound import Inbound
from tests.contract.faults_members import everywhere


def skip_access_of_items(patch: pytest.MonkeyPatch) -> None:
    real = Inbound.admit_item

    def admit_item(self: Inbound, unary: MethodContract, context: Any, request: Any, *told: Any) -> CallContext:
        try:
            return real(self, unary, context, request, *told)
        except Fault as fault:
            if fault.kind not in (FaultKind.DENIED, FaultKind.UNAUTHENTICATED):
                raise
            role = next(iter(unary.roles))
            subject = unary.bindings[role].get(request) if role in unary.bindings else ""
            return CallContext(Caller(role, subject, sandbox=True), unary.path, None, None, self.admission._clock())

    patch.setattr(Inbound, "admit_item", admit_item)


def skip_validation_of_items(patch: pytest.MonkeyPatch) -> None:
    real = Admission.batch_violations
    patch.setattr(Admission, "batch_violations", lambda self, request, items: (real(self, request, items)[0], {}))


def serve_late_items(patch: pytest.MonkeyPatch) -> None:
    real = Inbound.admit_item

    def admit_item(self: Inbound, unary: MethodContract, context: Any, request: Any, *told: Any) -> CallContext:
        context.ClearField("deadline")
        return real(self, unary, context, request, *told)

    patch.setattr(Inbound, "admit_item", admit_item)


def fail_the_whole_list(patch: pytest.MonkeyPatch) -> None:
    real = Admission.batch_violations

    def batch_violations(self: Admission, request: Any, items: str) -> Any:
        own, by_item = real(self, request, items)
        return own + [each for row in by_item.values() for each in row], {}

    patch.setattr(Admission, "batch_violations", batch_violations)


def answer_in_another_order(patch: pytest.MonkeyPatch) -> None:
    real = services.runtime.batch._handled

    async def handled(handle: Any, admitted: Any) -> Any:
        return list(reversed(await real(handle, admitted)))

    patch.setattr(services.runtime.batch, "_handled", handled)


def drop_refused_items(patch: pytest.MonkeyPatch) -> None:
    real = services.runtime.batch.serve_batch

    async def serve_batch(request: Any, response: Any, **given: Any) -> Any:
        await real(request, response, **given)
        answered = [each for each in response.outcomes if each.WhichOneof("result") == "response"]
        return type(response)(outcomes=answered)

    everywhere(patch, real, serve_batch)


def refuse_an_item_that_comes_twice(patch: pytest.MonkeyPatch) -> None:
    real = services.runtime.batch._handled

    async def handled(handle: Any, admitted: Any) -> Any:
        answers = list(await real(handle, admitted))
        seen: list[bytes] = []
        for place, item in enumerate(admitted):
            if item.request.SerializeToString() in seen:
                answers[place] = Fault(FaultKind.CONFLICT, "REQUEST_ID_REUSED", {"request_id": "planted"})
            seen.append(item.request.SerializeToString())
        return answers

    patch.setattr(services.runtime.batch, "_handled", handled)


def book_items_under_the_sender(patch: pytest.MonkeyPatch) -> None:
    """Items get another idempotency scope than their unary form."""
    real = Inbound.admit_item

    def admit_item(self: Inbound, unary: MethodContract, context: Any, request: Any, *told: Any) -> CallContext:
        call = real(self, unary, context, request, *told)
        if "request_id" in request.DESCRIPTOR.fields_by_name:
            request.request_id = f"list:{request.request_id}"
        return call

    patch.setattr(Inbound, "admit_item", admit_item)
