"""What the list form of an RPC promises beside its unary form: items are admitted, ordered, replayed and refused one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from services.runtime.bounds import LARGE_BYTES
from services.runtime.call import Caller, Role, wire_time
from services.runtime.contract import MethodContract
from services.runtime.forms import Effect
from services.runtime.status import code_name
from tests.contract.breaking import Broken, broken_messages
from tests.contract.checks import DENIED, INVALID, NOBODY, REUSED, Finding, changes
from tests.contract.explore import Explorer, Prepared
from tests.contract.faces import BUGS, OK, FaceAnswer, Faces
from tests.contract.world import bind, service_for
from yibao.common.v1.item_pb2 import ItemContext

_MOST_ITEMS: Final = 60


@dataclass(frozen=True, slots=True)
class Item:
    """One item to be sent: its request, its caller, whether its time is over."""

    request: Any
    caller: Caller | None
    late: bool = False


def _finding(faces: Faces, method: MethodContract, text: str) -> Finding:
    return Finding(method.full_name, faces.face.name, text)


async def check_batch_neighbours(faces: Faces, method: MethodContract, explorer: Explorer) -> list[Finding]:
    """Broken, denied and late items get outcomes of their own; their neighbours are answered as if they had come alone."""
    unary = _unary(faces, method)
    if unary is None:
        return []
    good, other, foreign = [await explorer.prepare(unary) for _ in range(3)]
    role = good.caller.role if good.caller else Role.PUBLIC
    wrong_role = good.episode.caller(next(each for each in (Role.PERSON, Role.CHANNEL) if each not in unary.roles))
    empty = type(good.request)()
    items = [
        Item(good.request, good.caller),
        Item(empty, good.caller),
        Item(foreign.request, None),
        Item(foreign.request, wrong_role),
        Item(_of_another(unary, foreign, role), foreign.episode.caller(role, other=True)),
        Item(foreign.request, foreign.caller, late=True),
        Item(other.request, other.caller),
    ]
    expected = [OK, INVALID[0], NOBODY, DENIED, DENIED if role in unary.bindings else OK, "DEADLINE_EXCEEDED", OK]
    outcomes = await _send(faces, method, items)
    if len(outcomes) != len(items):
        return [_finding(faces, method, f"{len(items)} items get {len(outcomes)} outcomes")]
    findings = [
        _finding(faces, method, f"item {place} is answered {outcome}, not {code}")
        for place, (outcome, code) in enumerate(zip(outcomes, expected, strict=True))
        if outcome.code != code and (code != OK or good.expected)
    ]
    for place, prepared in ((0, good), (len(items) - 1, other)):
        findings += await _same_alone(faces, method, unary, prepared, outcomes[place])
    return findings


def _of_another(unary: MethodContract, foreign: Prepared, role: Role) -> Any:
    """A request whose caller it does not name. A list's items are signed by its sender: of members it names another."""
    request = type(foreign.request)()
    request.CopyFrom(foreign.request)
    if role is Role.SERVICE:
        bind(request, unary, foreign.episode.caller(role, other=True))
    return request


async def check_batch_constraints(faces: Faces, method: MethodContract, explorer: Explorer) -> list[Finding]:
    """Each constraint of an item broken by itself is that item's INVALID, with the path inside its own request."""
    unary = _unary(faces, method)
    if unary is None:
        return []
    findings: list[Finding] = []
    good = await explorer.prepare(unary)
    # A list too long for the wire is refused with the whole message, before it is parsed.
    broken = [
        each for each in broken_messages(unary.request_class, good.episode) if each.message.ByteSize() <= LARGE_BYTES
    ]
    for start in range(0, len(broken), _MOST_ITEMS):
        part: list[Broken] = broken[start : start + _MOST_ITEMS]
        outcomes = await _send(faces, method, [Item(each.message, good.caller) for each in part])
        for each, outcome in zip(part, outcomes, strict=True):
            if (outcome.code, outcome.reason) != INVALID or outcome.paths != each.paths:
                told = f"an item whose {', '.join(sorted(each.paths))} breaks {each.rule} is answered {outcome}"
                findings.append(_finding(faces, method, told))
    return findings


async def check_batch_replay(faces: Faces, method: MethodContract, explorer: Explorer) -> list[Finding]:
    """The same item twice behaves as one after the other; unary and list form replay each other's answers."""
    unary = _unary(faces, method)
    if unary is None or unary.effect is not Effect.IDEMPOTENT:
        return []
    findings: list[Finding] = []
    listed, single = await explorer.prepare(unary), await explorer.prepare(unary)
    if not listed.expected:
        return []
    _, changed = next(iter(changes(listed)))
    alone = await faces.face.call(unary, single.request, single.caller)
    items = [Item(listed.request, listed.caller)] * 2
    items += [Item(changed, listed.caller), Item(single.request, single.caller)]
    first, twice, other, replayed = await _send(faces, method, items)
    if not first.ok or twice.raw != first.raw:
        findings.append(_finding(faces, method, f"the same item twice is answered {first} and {twice}"))
    if (other.code, other.reason) != REUSED:
        findings.append(_finding(faces, method, f"the same id with other content in one list is answered {other}"))
    if not alone.ok or replayed.raw != alone.raw:
        findings.append(_finding(faces, method, f"what was answered {alone} alone is answered {replayed} in a list"))
    findings += await _same_alone(faces, method, unary, listed, first)
    return findings


async def _same_alone(
    faces: Faces, method: MethodContract, unary: MethodContract, prepared: Prepared, outcome: FaceAnswer
) -> list[Finding]:
    """The unary form answers the same request with the bytes of its outcome; outcomes in another order would show here."""
    if not prepared.expected:
        return []
    alone = await faces.face.call(unary, prepared.request, prepared.caller)
    same = alone.raw == outcome.raw if unary.effect is Effect.IDEMPOTENT else _whose(alone) == _whose(outcome)
    if alone.code in BUGS or not alone.ok or not same:
        return [_finding(faces, method, f"an item's outcome {outcome} is not what it is answered alone: {alone}")]
    return []


def _whose(answer: FaceAnswer) -> Any:
    """An answer of a read without the moment at which it was made."""
    message: Any = answer.message
    if message is None:
        return None
    copy = type(message)()
    copy.CopyFrom(message)
    for _, value in copy.ListFields():
        if isinstance(value, Message) and "setl_time" in value.DESCRIPTOR.fields_by_name:
            value.ClearField("setl_time")
    return copy


async def _send(faces: Faces, method: MethodContract, items: list[Item]) -> list[FaceAnswer]:
    """The outcomes of one list, as if each had been a call."""
    form = method.batch
    assert form is not None
    request, sender = method.request_class(), Caller(Role.SERVICE, service_for(method), sandbox=True)
    for item in items:
        context = ItemContext()
        if item.caller is not None:
            # In whose name ever, the token is made by who sends the list.
            mine = item.caller if item.caller.role is not Role.SERVICE else sender
            context.caller_token = faces.grpc.mesh.tokens.sign(mine, method.member)
        if item.late:
            context.deadline.FromDatetime(wire_time())
        getattr(request, form.items).add(context=context, request=item.request)
    answer = await faces.face.call(method, request, sender)
    if not answer.ok:
        return [answer] * len(items)
    return [_as_answer(outcome) for outcome in getattr(answer.message, form.outcomes)]


def _as_answer(outcome: Any) -> FaceAnswer:
    if outcome.WhichOneof("result") == "response":
        return FaceAnswer(OK, message=outcome.response, raw=outcome.response.SerializeToString())
    status: Status = outcome.status
    reason, paths = "", frozenset[str]()
    for detail in status.details:
        if detail.Is(ErrorInfo.DESCRIPTOR):
            info = ErrorInfo.FromString(detail.value)
            reason = info.reason
        elif detail.Is(BadRequest.DESCRIPTOR):
            paths = frozenset(each.field for each in BadRequest.FromString(detail.value).field_violations)
    return FaceAnswer(code_name(status), reason, paths)


def _unary(faces: Faces, method: MethodContract) -> MethodContract | None:
    """The unary method that a list form stands for; None for any other method."""
    return faces.grpc.mesh.contract.methods[method.batch.method] if method.batch else None
