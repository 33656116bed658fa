"""Faults of a single member, planted into its runtime: rules, access, repeats, deadlines and the words of a refusal."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from typing import Any, Final

import pytest
from google.protobuf.unknown_fields import UnknownFieldSet
from google.rpc.status_pb2 import Status

import services.runtime.batch
import services.runtime.inbound
from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime import idempotency
from services.runtime.admission import Admission
from services.runtime.call import Caller, Role
from services.runtime.contract import MethodContract
from services.runtime.inbound import Inbound
from services.runtime.status import to_status
from tests.contract import checks
from tests.mesh.seeds import OPERATOR

_SOON_S: Final = 1.0


def everywhere(patch: pytest.MonkeyPatch, original: Any, planted: Any) -> None:
    """Replaces a function in every module that has imported it by name."""
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith(("services.", "gateway.")):
            for name, value in list(vars(module).items()):
                if value is original:
                    patch.setattr(module, name, planted)


def skip_validation(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Admission, "violations", lambda self, request: [])


def name_the_last_step_only(patch: pytest.MonkeyPatch) -> None:
    real = Admission.violations

    def violations(self: Admission, request: Any) -> list[Violation]:
        return [replace(each, path=each.path.rpartition(".")[2]) for each in real(self, request)]

    patch.setattr(Admission, "violations", violations)


def report_one_violation_of_a_row_as_of_the_first(patch: pytest.MonkeyPatch) -> None:
    real = Admission.violations

    def violations(self: Admission, request: Any) -> list[Violation]:
        return [replace(each, path=each.path.replace("[0]", "")) for each in real(self, request)]

    patch.setattr(Admission, "violations", violations)


def skip_roles(patch: pytest.MonkeyPatch) -> None:
    real = Admission.caller
    every = frozenset(Role)
    patch.setattr(Admission, "caller", lambda self, method, token: real(self, replace(method, roles=every), token))


def skip_roles_only(patch: pytest.MonkeyPatch) -> None:
    real = Admission.caller
    every = frozenset(Role) - {Role.PUBLIC}
    patch.setattr(Admission, "caller", lambda self, method, token: real(self, replace(method, roles=every), token))


def believe_any_token(patch: pytest.MonkeyPatch) -> None:
    real = Admission.caller

    def caller(self: Admission, method: MethodContract, token: str) -> Caller:
        try:
            return real(self, method, token)
        except Fault as fault:
            if fault.kind is FaultKind.UNAUTHENTICATED and token:
                return Caller(Role.OPERATOR, OPERATOR, sandbox=True)
            raise

    patch.setattr(Admission, "caller", caller)


def let_every_member_call(patch: pytest.MonkeyPatch) -> None:
    real = Admission.caller
    patch.setattr(
        Admission, "caller", lambda self, method, token: real(self, replace(method, callers=frozenset()), token)
    )


def skip_bound_field(patch: pytest.MonkeyPatch) -> None:
    real = Admission.check

    def check(self: Admission, method: MethodContract, caller: Caller, request: Any, broken: Any) -> None:
        real(self, replace(method, bindings={}), caller, request, broken)

    patch.setattr(Admission, "check", check)


def ignore_sandbox_only(patch: pytest.MonkeyPatch) -> None:
    real = Admission.caller
    patch.setattr(
        Admission, "caller", lambda self, method, token: real(self, replace(method, sandbox_only=False), token)
    )


def ignore_content(patch: pytest.MonkeyPatch) -> None:
    everywhere(patch, idempotency.content_hash, lambda request: "the same for all")


def count_the_sign_in_as_content(patch: pytest.MonkeyPatch) -> None:
    real = idempotency.content_hash

    def content_hash(request: Any) -> str:
        desk = getattr(request, "desk", None)
        return real(request) + (desk.sign_no if desk is not None else "")

    everywhere(patch, real, content_hash)


def _wrap_answer(patch: pytest.MonkeyPatch, around: Callable[[Any, Any, Any, Any], Awaitable[Any]]) -> None:
    real = Inbound._answer

    async def answer(self: Inbound, served: Any, request: Any, call: Any) -> Any:
        async def go_on(message: Any) -> Any:
            return await real(self, served, message, call)

        return await around(go_on, served, request, call)

    patch.setattr(Inbound, "_answer", answer)


def _renamed(request: Any, suffix: str) -> Any:
    copy = type(request)()
    copy.CopyFrom(request)
    copy.request_id = f"{request.request_id}{suffix}"
    return copy


def execute_again_on_replay(patch: pytest.MonkeyPatch) -> None:
    serial = count(1)

    async def around(go_on: Any, served: Any, request: Any, call: Any) -> Any:
        named = "request_id" in request.DESCRIPTOR.fields_by_name
        return await go_on(_renamed(request, f"~{next(serial)}") if named else request)

    _wrap_answer(patch, around)


def answer_a_replay_with_other_bytes(patch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()

    async def around(go_on: Any, served: Any, request: Any, call: Any) -> Any:
        response = await go_on(request)
        if getattr(request, "request_id", "") in seen:
            # A field that the class does not know: the message looks the same, its bytes do not.
            response.MergeFromString(b"\xc0\xa9\x07\x01")
        seen.add(getattr(request, "request_id", ""))
        return response

    _wrap_answer(patch, around)


def write_the_key_after_the_effect(patch: pytest.MonkeyPatch) -> None:
    """A call with little time left takes effect and dies before its request id is kept."""

    async def around(go_on: Any, served: Any, request: Any, call: Any) -> Any:
        left_s = call.remaining_s()
        if left_s is None or left_s > _SOON_S or "request_id" not in request.DESCRIPTOR.fields_by_name:
            return await go_on(request)
        await go_on(_renamed(request, "~"))
        raise Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED")

    _wrap_answer(patch, around)
    _let_the_server_answer_first(patch)


def forget_the_clock(patch: pytest.MonkeyPatch) -> None:
    """What comes too late is told as a bug."""

    async def around(go_on: Any, served: Any, request: Any, call: Any) -> Any:
        left_s = call.remaining_s()
        if left_s is not None and left_s < _SOON_S:
            raise RuntimeError("the transaction was cut off")
        return await go_on(request)

    _wrap_answer(patch, around)
    _let_the_server_answer_first(patch)


def _let_the_server_answer_first(patch: pytest.MonkeyPatch) -> None:
    """The caller's own clock must not hide what the server does, however busy the machine is."""
    patch.setattr(checks, "SHORT_DEADLINES_S", (_SOON_S * 0.9,))


def _wrap_refuse(patch: pytest.MonkeyPatch, change: Callable[[Fault], Status | None]) -> None:
    real = Inbound.refuse

    def refuse(self: Inbound, error: BaseException) -> Status:
        changed = change(error) if isinstance(error, Fault) else None
        return real(self, error) if changed is None else changed

    patch.setattr(Inbound, "refuse", refuse)


def call_a_reused_id_a_precondition(patch: pytest.MonkeyPatch) -> None:
    def change(fault: Fault) -> Status | None:
        if fault.reason != "REQUEST_ID_REUSED":
            return None
        return to_status(Fault(FaultKind.PRECONDITION, fault.reason, fault.metadata))

    _wrap_refuse(patch, change)


def tell_refusals_as_unknown(patch: pytest.MonkeyPatch) -> None:
    _wrap_refuse(patch, lambda fault: Status(code=2, message="Exception calling application"))


def tell_not_found_as_a_bug(patch: pytest.MonkeyPatch) -> None:
    _wrap_refuse(patch, lambda fault: Status(code=13) if fault.kind is FaultKind.NOT_FOUND else None)


def crash_on_unknown_fields(patch: pytest.MonkeyPatch) -> None:
    real = services.runtime.inbound._parsed

    def parsed(served: Any, message: bytes) -> Any:
        request = real(served, message)
        if len(UnknownFieldSet(request)):
            raise RuntimeError("fields left over")
        return request

    patch.setattr(services.runtime.inbound, "_parsed", parsed)
