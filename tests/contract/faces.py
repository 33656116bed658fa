"""The two faces of the mesh as the checks see them: one call, one answer in canonical words, whatever carried it.

Each face also keeps what the personal-data check needs: which values of which data class went over it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import quote

import httpx
from google.protobuf import json_format
from google.protobuf.message import Message

from services.kernel.errors import Fault
from services.runtime.attributes import BUSINESS_NUMBERS
from services.runtime.call import CALLER_KEY, Caller, Role
from services.runtime.contract import MethodContract
from services.runtime.forms import HttpRoute
from services.runtime.status import InternalError
from tests.contract.messages import data_class_of, leaves
from tests.mesh.harness import Mesh, Metadata
from yibao.identity.v1.api_key_pb2 import IssueApiKeyRequest
from yibao.options.v1 import options_pb2

OK: Final = "OK"
BUGS: Final = frozenset({"INTERNAL", "UNKNOWN", "DATA_LOSS", "UNIMPLEMENTED"})
_SENSITIVE: Final = frozenset({"IDENTITY", "CLINICAL", "SECRET"})
_PARTNERS: Final = frozenset({"partner_code", "channel_code", "org_id"})
_PARAMETER: Final = re.compile(r"\{([^}=]+)(?:=[^}]*)?\}")
_WATCHED_BYTES: Final = 100_000
# Field 15000: one as a number and one as text, as a newer client might send them.
_UNKNOWN_WIRE: Final = b"\xc0\xa9\x07\x01" + b"\xca\xa9\x07\x05newer"
UNKNOWN_NAME: Final = "newerField"
_UNKNOWN_JSON: Final = {UNKNOWN_NAME: {"nested": [1, "x", None]}}
_UNKNOWN_QUERY: Final = f"{UNKNOWN_NAME}=1"


@dataclass(frozen=True, slots=True)
class FaceAnswer:
    """What came back: the canonical code, reason and broken paths of a refusal, the message and bytes of an answer."""

    code: str
    reason: str = ""
    paths: frozenset[str] = frozenset()
    message: Any = None
    raw: bytes = b""

    @property
    def ok(self) -> bool:
        """True for an answer, False for a refusal."""
        return self.code == OK

    def __str__(self) -> str:
        where = f" at {', '.join(sorted(self.paths))}" if self.paths else ""
        return f"{self.code} {self.reason}{where}".strip()


@dataclass(slots=True)
class Watched:
    """Values that went over the wire in fields that hold a person's data, each with the name of its field.

    `numbers` are business numbers: an institution's code is told openly even where a field of another class holds it.
    """

    sensitive: dict[str, str] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)

    def watch(self, message: Message) -> None:
        """Remembers the values of a request or response; huge ones, which only repeat a row, are left out."""
        if message.ByteSize() > _WATCHED_BYTES:
            return
        for _, leaf, _, value in leaves(message):
            if isinstance(value, str):
                kind = data_class_of(leaf)
                if kind in _SENSITIVE:
                    self.sensitive.setdefault(value, leaf.full_name)
                elif leaf.name in BUSINESS_NUMBERS or leaf.name in _PARTNERS:
                    self.numbers.add(value)


class Face(Protocol):
    """One way into the mesh."""

    name: str
    ignores_unknown_fields: bool
    """What the face promises of a field that no proto knows: it is ignored, or it is refused by its path."""

    def serves(self, method: MethodContract) -> bool:
        """Whether the method can be called this way at all."""
        ...

    def can_say(self, method: MethodContract, request: Message) -> bool:
        """Whether this way can express the request: an empty value has no place in a path."""
        ...

    async def call(
        self,
        method: MethodContract,
        request: Any,
        caller: Caller | None,
        *,
        deadline_s: float = 30.0,
        unknown_fields: bool = False,
        credential: str | None = None,
    ) -> FaceAnswer:
        """One call; `credential` replaces the caller's token or key by another text."""
        ...


@dataclass(slots=True)
class GrpcFace:
    """Straight to the member."""

    mesh: Mesh
    watched: Watched
    name: str = "grpc"
    ignores_unknown_fields: bool = True

    def serves(self, method: MethodContract) -> bool:
        """gRPC serves every method."""
        return True

    def can_say(self, method: MethodContract, request: Message) -> bool:
        """gRPC can express everything."""
        return True

    async def call(
        self,
        method: MethodContract,
        request: Any,
        caller: Caller | None,
        *,
        deadline_s: float = 30.0,
        unknown_fields: bool = False,
        credential: str | None = None,
    ) -> FaceAnswer:
        """A refusal comes back as its code and reason."""
        self.watched.watch(request)
        metadata: Metadata = self.mesh.metadata(method.member, caller)
        if credential is not None:
            metadata = ((CALLER_KEY, credential),)
        sent = with_unknown_fields(request) if unknown_fields else request
        try:
            raw = await self.mesh.send(method, sent.SerializeToString(), metadata, deadline_s)
        except Fault as fault:
            return FaceAnswer(fault.kind.value, fault.reason, frozenset(each.path for each in fault.violations))
        except InternalError as error:
            return FaceAnswer("INTERNAL", str(error))
        message = method.response_class.FromString(raw)
        self.watched.watch(message)
        return FaceAnswer(OK, message=message, raw=raw)


@dataclass(slots=True)
class RestFace:
    """Through the gateway, as JSON over HTTP with a bearer key."""

    mesh: Mesh
    watched: Watched
    client: httpx.AsyncClient
    keys: dict[Caller, str] = field(default_factory=dict)
    name: str = "rest"
    # A misspelt field that is dropped in silence costs its sender a day; JSON has no field numbers to be newer by.
    ignores_unknown_fields: bool = False

    def serves(self, method: MethodContract) -> bool:
        """REST serves what has a route and is not for members only."""
        return bool(method.http) and method.roles != {Role.SERVICE}

    def can_say(self, method: MethodContract, request: Message) -> bool:
        """A path needs a value for each of its parameters."""
        data = json_format.MessageToDict(request, preserving_proto_field_name=True)
        return all(_dig(data, name) not in (None, "") for name in _PARAMETER.findall(method.http[0].path))

    async def call(
        self,
        method: MethodContract,
        request: Any,
        caller: Caller | None,
        *,
        deadline_s: float = 30.0,
        unknown_fields: bool = False,
        credential: str | None = None,
    ) -> FaceAnswer:
        """A problem body comes back as its code and reason; anything else than JSON is UNKNOWN."""
        self.watched.watch(request)
        key = credential if credential is not None else await self._key(caller) if caller else None
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        route = method.http[0]
        url, body = http_form(route, request, unknown_fields)
        if body is not None:
            headers["Content-Type"] = "application/json"
        response = await self.client.request(
            route.verb, self.mesh.url + url, content=body, headers=headers, timeout=deadline_s
        )
        if response.is_success:
            message = json_format.Parse(response.content, method.response_class())
            self.watched.watch(message)
            return FaceAnswer(OK, message=message, raw=response.content)
        return _problem(response)

    async def _key(self, caller: Caller) -> str:
        """A bearer key of the caller, issued once."""
        key = self.keys.get(caller)
        if key is None:
            role = options_pb2.Role.Value(f"ROLE_{caller.role.name}")
            request = IssueApiKeyRequest(
                # A request id is told openly, so it is not made of a person's number.
                request_id=f"key-{len(self.keys)}",
                role=role,
                subject=caller.subject,
            )
            answer = await self.mesh.call("yibao.identity.v1.PartnerService.IssueApiKey", request)
            key = self.keys[caller] = answer.api_key
        return key


def with_unknown_fields(request: Message) -> Message:
    """A copy in which every message, however deep, has fields that no proto knows."""
    copy = type(request)()
    copy.CopyFrom(request)
    for each in _messages(copy):
        each.MergeFromString(_UNKNOWN_WIRE)
    return copy


def _messages(message: Message) -> Iterator[Message]:
    for leaf, value in message.ListFields():
        if leaf.message_type is not None and not leaf.message_type.GetOptions().map_entry:
            for each in value if leaf.is_repeated else (value,):
                yield from _messages(each)
    yield message


def http_form(route: HttpRoute, request: Message, unknown_fields: bool) -> tuple[str, bytes | None]:
    """Path with query, and body, of a request on a route."""
    data = json_format.MessageToDict(request)
    named = json_format.MessageToDict(request, preserving_proto_field_name=True)
    path = _PARAMETER.sub(lambda each: quote(str(_dig(named, each[1])), safe=""), route.path)
    if route.body:
        return path, json.dumps(_newer(request) if unknown_fields else data, ensure_ascii=False).encode()
    in_path = {json_name for each in _PARAMETER.findall(route.path) for json_name in (_camel(each),)}
    pairs = [f"{name}={quote(value, safe='')}" for name, value in _flat(data) if name not in in_path]
    query = "&".join([*pairs, _UNKNOWN_QUERY] if unknown_fields else pairs)
    return f"{path}?{query}" if query else path, None


def _newer(message: Message) -> Any:
    """A message as JSON in which every object has a name that no proto knows; a map may hold any name and is left."""
    data: Any = json_format.MessageToDict(message)
    if not isinstance(data, dict):
        return data
    for leaf, value in message.ListFields():
        if leaf.message_type is not None and not leaf.message_type.GetOptions().map_entry:
            data[leaf.json_name] = [_newer(each) for each in value] if leaf.is_repeated else _newer(value)
    return data | _UNKNOWN_JSON


def _flat(data: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(data, dict):
        for name, value in data.items():
            yield from _flat(value, f"{prefix}.{name}" if prefix else name)
    elif isinstance(data, list):
        for value in data:
            yield from _flat(value, prefix)
    else:
        yield prefix, json.dumps(data) if isinstance(data, bool) else str(data)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _snake(path: str) -> str:
    """A path as the contract has it: a refusal names fields as the client wrote them."""
    steps = (each if each == UNKNOWN_NAME else re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", each)
             for each in path.split("."))  # fmt: skip
    return ".".join(steps)


def _dig(data: Mapping[str, Any], path: str) -> Any:
    found: Any = data
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _problem(response: httpx.Response) -> FaceAnswer:
    """The canonical code of a problem body (AIP-193)."""
    try:
        error = response.json()["error"]
        details = {str(each.get("@type", "")).rpartition(".")[2]: each for each in error.get("details", ())}
        broken = details.get("BadRequest", {}).get("fieldViolations", ())
        reason = str(details.get("ErrorInfo", {}).get("reason", ""))
        return FaceAnswer(
            str(error["status"]), reason, frozenset(_snake(each["field"]) for each in broken), raw=response.content
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return FaceAnswer("UNKNOWN", f"HTTP {response.status_code} without a problem body", raw=response.content)


@dataclass(frozen=True, slots=True)
class Faces:
    """The face under test, and gRPC, which prepares what the test needs."""

    face: Face
    grpc: GrpcFace
    rest: RestFace | None = None

    @property
    def others(self) -> tuple[Face, ...]:
        """The faces that are not under test."""
        every: tuple[Face | None, ...] = (self.grpc, self.rest)
        return tuple(each for each in every if each is not None and each is not self.face)
