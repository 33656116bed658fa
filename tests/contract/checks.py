"""What every RPC promises, as plain functions: each takes the faces, a method and an explorer, and returns what it found wrong.

The same functions serve the parametrised tests and the proof that they bite. None of them knows an RPC by name but the
ledger's own verification.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services import mesh
from services.runtime.call import Caller, Role
from services.runtime.contract import MethodContract
from services.runtime.forms import Effect
from tests.contract.breaking import broken_messages
from tests.contract.explore import Explorer, Prepared, caller_of
from tests.contract.faces import BUGS, UNKNOWN_NAME, Face, FaceAnswer, Faces
from tests.contract.messages import Shape, data_class_of
from tests.contract.rules import Field, is_leaf, is_map, rules_of
from tests.contract.world import REQUEST_ID

INVALID: Final = ("INVALID_ARGUMENT", "INVALID_REQUEST")
REUSED: Final = ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
DENIED: Final = "PERMISSION_DENIED"
NOBODY: Final = "UNAUTHENTICATED"
VERIFY_LEDGER: Final = "yibao.settlement.v1.LedgerService.VerifyLedger"
SHORT_DEADLINES_S: Final = (0.0005, 0.002, 0.005, 0.03)
OUTCOME_UNKNOWN: Final = "OUTCOME_UNKNOWN"
"""What was begun goes on by itself, and whoever sends it again is told."""
_BRANCHES: Final = 9
_ROLES: Final = (Role.INSTITUTION, Role.CHANNEL, Role.PERSON, Role.OPERATOR, Role.NODE, Role.SERVICE)
_NOT_CONTENT: Final = (REQUEST_ID, "sign_no")


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise: of which method, on which face, what was expected and what came."""

    method: str
    face: str
    text: str


def _finding(faces: Faces, method: MethodContract, text: str) -> Finding:
    return Finding(method.full_name, faces.face.name, text)


async def check_valid_messages(faces: Faces, method: MethodContract, explorer: Explorer) -> list[Finding]:
    """A valid message, small or whole, is never INTERNAL or UNKNOWN; one that was accepted by gRPC is accepted here."""
    findings: list[Finding] = []
    shapes = [Shape(rows=False), Shape(), *(Shape(full=True, branch=branch) for branch in range(_BRANCHES))]
    seen: list[bytes] = []
    for shape in shapes:
        episode = explorer.world.episode(stranger=True)
        caller = caller_of(method, episode)
        request = episode.request(method, shape, caller or episode.caller(Role.PUBLIC))
        if request.SerializeToString() in seen or not faces.face.can_say(method, request):
            continue
        seen.append(request.SerializeToString())
        answer = await faces.face.call(method, request, caller)
        if answer.code in BUGS:
            findings.append(_finding(faces, method, f"a valid message ({shape}) is answered {answer}"))
    for whole in (None, Shape(full=True)):
        prepared = await explorer.prepare(method, whole)
        answer = await faces.face.call(method, prepared.request, prepared.caller)
        if answer.code in BUGS or (prepared.expected and not answer.ok):
            findings.append(_finding(faces, method, f"a prepared message ({whole or 'as found'}) is answered {answer}"))
    return findings


async def check_constraints(faces: Faces, method: MethodContract, explorer: Explorer) -> list[Finding]:
    """Each constraint broken by itself is INVALID with exactly the path of its field."""
    findings: list[Finding] = []
    episode = explorer.world.episode(stranger=True)
    caller = caller_of(method, episode)
    items = f"{method.batch.items}[0]." if method.batch else ""
    for broken in broken_messages(method.request_class, episode):
        if not faces.face.can_say(method, broken.message):
            continue
        if items and min(broken.paths).startswith(items):
            continue  # An item is admitted by itself; check_batch breaks it.
        answer = await faces.face.call(method, broken.message, caller)
        if (answer.code, answer.reason) != INVALID or answer.paths != broken.paths:
            told = f"{', '.join(sorted(broken.paths))} breaks {broken.rule} and is answered {answer}"
            findings.append(_finding(faces, method, told))
    return findings


async def check_unknown_fields(faces: Faces, method: MethodContract, explorer: Explorer) -> list[Finding]:
    """Fields that no proto knows, at every depth, are ignored or refused by their path, as the face promises."""
    prepared = await explorer.prepare(method)
    if not faces.face.can_say(method, prepared.request):
        return []
    answer = await faces.face.call(method, prepared.request, prepared.caller, unknown_fields=True)
    if faces.face.ignores_unknown_fields:
        if answer.code in BUGS or (prepared.expected and not answer.ok):
            return [_finding(faces, method, f"unknown fields are answered {answer}")]
    elif (answer.code, answer.reason) != INVALID or UNKNOWN_NAME not in answer.paths:
        return [_finding(faces, method, f"an unknown field is answered {answer}")]
    elif not all(path.endswith(UNKNOWN_NAME) for path in answer.paths):
        return [_finding(faces, method, f"a known field is refused beside an unknown one: {answer}")]
    return []


async def check_access(faces: Faces, method: MethodContract, explorer: Explorer) -> list[Finding]:
    """Nobody calls without a token or key, no role or member that is not listed, and a bound role only in its own name."""
    if Role.PUBLIC in method.roles:
        return []
    findings: list[Finding] = []
    episode = explorer.world.episode(stranger=True)

    async def expect(code: str, answer: FaceAnswer, who: str) -> None:
        if answer.code != code:
            findings.append(_finding(faces, method, f"{who} is answered {answer}, not {code}"))

    listed = next(
        role for role in _ROLES if role in method.roles and (faces.face is faces.grpc or role is not Role.SERVICE)
    )
    own = episode.caller(listed, method)
    request = episode.request(method, Shape(), own)
    await expect(NOBODY, await faces.face.call(method, request, None), "nobody")
    await expect(NOBODY, await faces.face.call(method, request, own, credential="forged"), "a forged credential")
    for role in _ROLES:
        if faces.face is not faces.grpc and role is Role.SERVICE:
            continue
        if role not in method.roles:
            caller = episode.caller(role)
            await expect(DENIED, await faces.face.call(method, request, caller), f"role {role.value}")
        elif role in method.bindings:
            bound = episode.request(method, Shape(), episode.caller(role, method, other=True))
            caller = episode.caller(role, method)
            await expect(DENIED, await faces.face.call(method, bound, caller), f"another {role.value}")
    for name in mesh.callers_of(method.member) if method.callers and faces.face is faces.grpc else ():
        if name not in method.callers:
            caller = Caller(Role.SERVICE, name, sandbox=True)
            named = episode.request(method, Shape(), caller)
            await expect(DENIED, await faces.face.call(method, named, caller), f"the member {name}")
    return findings


async def check_sandbox_only(faces: Faces, method: MethodContract, explorer: Explorer) -> list[Finding]:
    """Outside a sandbox a method that belongs to one is denied, whoever asks."""
    findings: list[Finding] = []
    episode = explorer.world.episode(stranger=True)
    for role in _ROLES:
        if role in method.roles:
            caller = episode.caller(role, method)
            answer = await faces.face.call(method, episode.request(method, Shape(), caller), caller)
            if (answer.code, answer.reason) != (DENIED, "SANDBOX_ONLY"):
                findings.append(_finding(faces, method, f"outside a sandbox it is answered {answer}"))
    return findings


async def check_replay(faces: Faces, method: MethodContract, explorer: Explorer) -> list[Finding]:
    """The same request id gets the same bytes, also over the other face; with other content CONFLICT, and nothing moved."""
    if method.effect is not Effect.IDEMPOTENT or method.batch:
        return []
    prepared = await explorer.prepare(method)
    first = await faces.face.call(method, prepared.request, prepared.caller)
    if not first.ok:
        return [_finding(faces, method, f"the first call is answered {first}")] if prepared.expected else []
    findings: list[Finding] = []
    again = await faces.face.call(method, prepared.request, prepared.caller)
    if not again.ok or again.raw != first.raw:
        findings.append(_finding(faces, method, f"the same request is answered {again}, not as before"))
    for other in faces.others:
        if other.serves(method):
            there = await other.call(method, prepared.request, prepared.caller)
            if not there.ok or there.message != first.message:
                findings.append(_finding(faces, method, f"the same request over {other.name} is answered {there}"))
    findings += [_finding(faces, method, text) for text in await _other_content(faces.face, prepared, first)]
    last = await faces.face.call(method, prepared.request, prepared.caller)
    if last.raw != first.raw:
        findings.append(_finding(faces, method, f"after a conflict the same request is answered {last}"))
    return findings


async def _other_content(face: Face, prepared: Prepared, first: FaceAnswer) -> list[str]:
    found: list[str] = []
    if all(leaf.name != REQUEST_ID for _, leaf in _texts(prepared.request)):
        # What it is about is all that names it: with another text it is another request.
        return found
    changed = next(iter(changes(prepared)), None)
    if changed is None:
        return ["no field can be changed, so that nobody knows whether content counts"]
    path, request = changed
    answer = await face.call(prepared.method, request, prepared.caller)
    if (answer.code, answer.reason) != REUSED:
        found.append(f"the same id with another {path} is answered {answer}")
    for holder, leaf in _texts(prepared.request):
        if (
            leaf.name == "sign_no"
            and holder.DESCRIPTOR.name == "Desk"
            and prepared.request.DESCRIPTOR.fields_by_name.get("desk")
        ):
            signed = type(prepared.request)()
            signed.CopyFrom(prepared.request)
            signed.desk.sign_no = "another sign-in"
            answer = await face.call(prepared.method, signed, prepared.caller)
            if answer.raw != first.raw:
                found.append(f"the same id with another sign_no, which is no content, is answered {answer}")
    return found


def changes(prepared: Prepared) -> Iterator[tuple[str, Any]]:
    """Copies of a request with one text changed: first texts that decide nothing, then any other."""
    bound = {each.field.rpartition(".")[2] for each in prepared.method.bindings.values()}

    def rank(place: tuple[Message, Field]) -> int:
        leaf = place[1]
        return 2 * rules_of(leaf).needs_value + (data_class_of(leaf) != "PUBLIC")

    for holder, leaf in sorted(_texts(prepared.request), key=rank):
        rules = rules_of(leaf)
        if leaf.name in _NOT_CONTENT or leaf.name in bound or rules.pattern or rules.one_of or leaf.name in _LOADED:
            continue
        before = getattr(holder, leaf.name)
        setattr(holder, leaf.name, "changed"[: rules.max_len or 7])
        copy = type(prepared.request)()
        copy.CopyFrom(prepared.request)
        setattr(holder, leaf.name, before)
        if not before:
            holder.ClearField(leaf.name)
        yield leaf.full_name, copy


# Texts that say where or by whom a thing is looked up in other members, before the row with the request id is.
_LOADED: Final = frozenset(
    {"insuplc_admdvs", "mdtrtarea_admvs", "card_sn", "hosp_lv", "lmtpric_hosp_lv", "uscc", "parent_admdvs"}
)


def _texts(message: Message) -> Iterator[tuple[Message, Field]]:
    """Every single text field of a request, set or not, with the message that holds it; of rows, those of the first."""
    for leaf in message.DESCRIPTOR.fields:
        if leaf.type == FieldDescriptor.TYPE_STRING and not leaf.is_repeated and leaf.containing_oneof is None:
            yield message, leaf
        elif not is_leaf(leaf) and not is_map(leaf):
            if leaf.is_repeated:
                for row in getattr(message, leaf.name)[:1]:
                    yield from _texts(row)
            elif message.HasField(leaf.name):
                yield from _texts(getattr(message, leaf.name))


async def check_deadline(faces: Faces, method: MethodContract, explorer: Explorer) -> list[Finding]:
    """A call whose time ran out leaves nothing half-written: the same request is then answered as a fresh one would be,
    the same bytes from then on, and the ledger agrees with its journal.
    """
    if method.effect is Effect.READ or method.batch:
        return []
    findings: list[Finding] = []
    for deadline_s in SHORT_DEADLINES_S:
        prepared = await explorer.prepare(method)
        if not prepared.expected:
            return []
        cut = await faces.face.call(method, prepared.request, prepared.caller, deadline_s=deadline_s)
        if cut.code not in ("OK", "DEADLINE_EXCEEDED") and cut.reason != OUTCOME_UNKNOWN:
            findings.append(_finding(faces, method, f"a deadline of {deadline_s} s is answered {cut}"))
        then = await faces.face.call(method, prepared.request, prepared.caller)
        if not then.ok:
            findings.append(_finding(faces, method, f"after a deadline of {deadline_s} s it is answered {then}"))
        elif method.effect is Effect.IDEMPOTENT:
            again = await faces.face.call(method, prepared.request, prepared.caller)
            if again.raw != then.raw or (cut.ok and cut.raw != then.raw):
                findings.append(_finding(faces, method, f"after a deadline of {deadline_s} s repeats differ"))
    return findings + await check_ledger(faces, method, explorer)


async def check_ledger(faces: Faces, method: MethodContract, explorer: Explorer) -> list[Finding]:
    """The ledger's own verification finds nothing."""
    verify = faces.grpc.mesh.contract.methods.get("/" + "/".join(VERIFY_LEDGER.rsplit(".", 1)))
    if verify is None or verify.member not in faces.grpc.mesh.members:
        return []
    caller = explorer.world.episode(stranger=True).caller(Role.OPERATOR)
    answer = await faces.grpc.call(verify, verify.request_class(), caller)
    if not answer.ok:
        return [_finding(faces, method, f"the ledger cannot be verified: {answer}")]
    return [_finding(faces, method, f"ledger: {each.rule} at {each.subject}") for each in answer.message.findings]
