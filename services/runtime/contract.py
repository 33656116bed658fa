"""What the protos say about every method, read once from the descriptors: who may call, what a repeat does, which numbers
it carries. Inbound, outbound, gateway and contract tests read it; nothing of it is written a second time.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Final

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from services import mesh
from services.runtime.attributes import BUSINESS_NUMBERS
from services.runtime.call import Role
from services.runtime.forms import (
    BatchForm,
    Binding,
    DoorForm,
    Effect,
    ElsewhereForm,
    HttpRoute,
    MobileForm,
    Number,
    Transaction,
)
from yibao.common.v1 import error_reason_pb2
from yibao.options.v1 import options_pb2

_SEARCH_DEPTH: Final = 3
_REASONS: Final = frozenset(error_reason_pb2.ErrorReason.keys())


@dataclass(frozen=True, slots=True)
class MethodContract:
    """One method; `path` is `/pkg.Service/Method`, `full_name` `pkg.Service.Method`; where `callers` names any, no others may
    call as services. `stream_of` is the path of the unary method whose stream form it is, "" of a unary one.
    """

    path: str
    full_name: str
    service: str
    name: str
    request_class: type[Message]
    response_class: type[Message]
    roles: frozenset[Role]
    bindings: Mapping[Role, Binding]
    sandbox_only: bool
    callers: frozenset[str]
    effect: Effect
    transactions: tuple[Transaction, ...]
    batch: BatchForm | None
    elsewhere: ElsewhereForm | None
    mobile: MobileForm | None
    door: DoorForm | None
    stream_of: str
    http: tuple[HttpRoute, ...]
    request_numbers: tuple[Number, ...]
    response_numbers: tuple[Number, ...]

    @property
    def member(self) -> str:
        """Name of the member that serves it; KeyError for a service that stands in no mesh."""
        return mesh.owner_of(self.service)


class ContractError(Exception):
    """The protos contradict themselves or lack what the runtime needs; found at start, never during a call."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The methods of some services by path."""

    methods: Mapping[str, MethodContract]

    @staticmethod
    def load(services: Iterable[str], *, partial: bool = False) -> Contract:
        """Reads the services of these full names; ContractError where their options do not hold together.

        A `partial` contract may hold a batch whose unary method is of another service.
        """
        methods: dict[str, MethodContract] = {}
        for service in services:
            methods |= {each.path: each for each in _methods(service)}
        for contract in methods.values():
            if contract.batch and contract.batch.method not in methods and not partial:
                raise ContractError(
                    f"{contract.full_name}: batch of {contract.batch.method}, which is not of its member"
                )
            if contract.stream_of and not _is_stream_of(contract, methods.get(contract.stream_of)):
                raise ContractError(
                    f"{contract.full_name}: stream of {contract.stream_of}, which has not its messages and rules"
                )
        return Contract(methods)

    @staticmethod
    @cache
    def of_mesh() -> Contract:
        """All methods of all members in the mesh table, read once a process."""
        contract = Contract.load(service for member in mesh.MESH for service in member.services)
        contract.check_elsewhere()
        return contract

    def check_elsewhere(self) -> None:
        """ContractError where an option `elsewhere` names what cannot serve the same; needs the methods of all members."""
        for unary in self.methods.values():
            if unary.elsewhere is not None and (wrong := self._wrong_elsewhere(unary, unary.elsewhere)):
                raise ContractError(f"{unary.full_name}: elsewhere {wrong}")

    def _wrong_elsewhere(self, unary: MethodContract, form: ElsewhereForm) -> str:
        """What does not hold together; "" where all does."""
        other = self.methods.get(form.method)
        unknown = sorted(each for each in form.on if f"ERROR_REASON_{each}" not in _REASONS)
        if other is None:
            return f"names {form.method}, which nobody serves"
        if not mesh.is_national(other.member) or mesh.is_national(unary.member):
            return f"leads from {unary.member} to {other.member}: from a cell's member to a national one it must"
        if not form.on or unknown:
            return f"names no reasons that are known: {', '.join(unknown)}"
        if not _holds_only(other.request_class, "request", unary.request_class, form.told):
            return f"names {other.full_name}, whose request is not the unary one in a field `request`"
        if not _holds_only(other.response_class, "response", unary.response_class):
            return f"names {other.full_name}, whose response is not the unary one in a field `response`"
        wanted = {role: f"request.{each.field}" for role, each in unary.bindings.items()}
        # What a named member alone may ask in the role of a service may be asked in its cell alone.
        roles = (unary.roles, unary.roles - {Role.SERVICE} if unary.callers else unary.roles)
        if other.roles not in roles or {role: each.field for role, each in other.bindings.items()} != wanted:
            return f"names {other.full_name}, which has other roles or bindings"
        return "" if other.effect is unary.effect else f"names {other.full_name}, which has another effect"

    def method(self, name: str) -> MethodContract:
        """By path `/pkg.Service/Method` or full name `pkg.Service.Method`; KeyError where there is none."""
        return self.methods[name if name.startswith("/") else method_path(name)]


def _is_stream_of(stream: MethodContract, unary: MethodContract | None) -> bool:
    """Whether a unary method has the messages, callers and effect of a streaming one, of the same service."""

    def rules(method: MethodContract) -> tuple[Any, ...]:
        bindings = {role: each.field for role, each in method.bindings.items()}
        return method.service, method.request_class, method.roles, bindings, method.callers, method.effect

    return unary is not None and (rules(stream), stream.response_class) == (rules(unary), unary.response_class)


def method_path(full_name: str) -> str:
    """`pkg.Service.Method` → `/pkg.Service/Method`."""
    service, _, name = full_name.rpartition(".")
    return f"/{service}/{name}"


def import_package(package: str) -> None:
    """Imports all generated messages of a proto package, so that the descriptor pool knows them."""
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if info.name.endswith("_pb2"):
            importlib.import_module(f"{package}.{info.name}")


@cache
def stub_class(service: str) -> Any:
    """The generated stub of a service by its full name."""
    package, _, name = service.rpartition(".")
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if info.name.endswith("_pb2_grpc"):
            found = getattr(importlib.import_module(f"{package}.{info.name}"), f"{name}Stub", None)
            if found is not None:
                return found
    raise ContractError(f"no generated stub of {service}")


def _service(full_name: str) -> Any:
    try:
        import_package(full_name.rpartition(".")[0])
        return descriptor_pool.Default().FindServiceByName(full_name)
    except (ImportError, KeyError) as error:
        raise ContractError(f"no generated messages of {full_name}: {error}") from error


@cache
def _methods(service: str) -> tuple[MethodContract, ...]:
    """Read once a process: each cell's members serve the same, and each caller looks at whom it calls."""
    return tuple(_read(service, method) for method in _service(service).methods)


def _read(service: str, method: MethodDescriptor) -> MethodContract:
    options = method.GetOptions()
    stream_of = _stream_of(method)
    access = options.Extensions[options_pb2.access]
    effect = options_pb2.Effect.Name(options.Extensions[options_pb2.effect]).removeprefix("EFFECT_")
    if effect == "UNSPECIFIED" or not access.roles:
        raise ContractError(f"{method.full_name}: the options access and effect are needed")
    return MethodContract(
        path=f"/{service}/{method.name}",
        full_name=method.full_name,
        service=service,
        name=method.name,
        request_class=message_factory.GetMessageClass(method.input_type),
        response_class=message_factory.GetMessageClass(method.output_type),
        roles=frozenset(_role(role) for role in access.roles),
        bindings={_role(each.role): _binding(method, each.field) for each in access.bindings},
        sandbox_only=access.sandbox_only,
        callers=frozenset(access.callers),
        effect=Effect(effect),
        transactions=tuple(_transaction(each) for each in options.Extensions[options_pb2.transaction]),
        batch=_batch(method),
        elsewhere=_elsewhere(method),
        mobile=_mobile(method),
        door=_door(method),
        stream_of=stream_of,
        http=_routes(options.Extensions[annotations_pb2.http]) if options.HasExtension(annotations_pb2.http) else (),
        request_numbers=business_numbers(method.input_type),
        response_numbers=business_numbers(method.output_type),
    )


def _role(number: options_pb2.Role.ValueType) -> Role:
    return Role(options_pb2.Role.Name(number).removeprefix("ROLE_").lower())


def _transaction(option: options_pb2.Transaction) -> Transaction:
    wrapper = options_pb2.Wrapper.Name(option.wrapper).removeprefix("WRAPPER_")
    return Transaction(option.infno, "INFNO" if wrapper == "UNSPECIFIED" else wrapper, option.bare_if, option.file)


def _binding(method: MethodDescriptor, path: str) -> Binding:
    owner: Descriptor | None = method.input_type
    field: FieldDescriptor | None = None
    for step in path.split("."):
        field = owner.fields_by_name.get(step) if owner else None
        if field is None or field.is_repeated:
            raise ContractError(f"{method.full_name}: the bound field {path} is no single field of the request")
        owner = field.message_type
    if field is None or field.type != FieldDescriptor.TYPE_STRING:
        raise ContractError(f"{method.full_name}: the bound field {path} is not text")
    return Binding(path, attrgetter(path))


def _batch(method: MethodDescriptor) -> BatchForm | None:
    options = method.GetOptions()
    if not options.HasExtension(options_pb2.batch):
        return None
    option = options.Extensions[options_pb2.batch]
    for owner, name in ((method.input_type, option.items), (method.output_type, option.outcomes)):
        field = owner.fields_by_name.get(name)
        if field is None or not field.is_repeated or field.message_type is None:
            raise ContractError(f"{method.full_name}: {name} is no list of messages in {owner.name}")
    return BatchForm(method_path(option.method), option.items, option.outcomes)


def _elsewhere(method: MethodDescriptor) -> ElsewhereForm | None:
    options = method.GetOptions()
    if not options.HasExtension(options_pb2.elsewhere):
        return None
    option = options.Extensions[options_pb2.elsewhere]
    return ElsewhereForm(method_path(option.method), frozenset(option.on), option.told)


def _door(method: MethodDescriptor) -> DoorForm | None:
    """The door whose deliveries a method takes in, or none. ContractError where its messages cannot hold them."""
    option = method.GetOptions().Extensions[options_pb2.door]
    if not option.path:
        return None
    if not (
        {"door_name", "query", "headers", "body"} <= {*method.input_type.fields_by_name}
        and {"content_type", "body"} <= {*method.output_type.fields_by_name}
    ):
        raise ContractError(f"{method.full_name}: a door needs door_name, query, headers, body, and content_type, body")
    return DoorForm(
        option.path,
        frozenset(option.verbs) or frozenset({"POST"}),
        frozenset(option.headers),
        {"status", "headers"} <= {*method.output_type.fields_by_name},
    )


def _stream_of(method: MethodDescriptor) -> str:
    """The path of the unary method whose stream form a method is, "" for a unary one."""
    options = method.GetOptions()
    unary = options.Extensions[options_pb2.stream_of]
    if (method.client_streaming, method.server_streaming) != (bool(unary), bool(unary)):
        raise ContractError(f"{method.full_name}: streaming goes both ways, and by the option stream_of alone")
    if not unary:
        return ""
    if options.HasExtension(annotations_pb2.http):
        raise ContractError(f"{method.full_name}: a streaming method has no REST form")
    return method_path(unary)


def _mobile(method: MethodDescriptor) -> MobileForm | None:
    options = method.GetOptions()
    if not options.HasExtension(options_pb2.mobile):
        return None
    option = options.Extensions[options_pb2.mobile]
    return MobileForm(option.path, _binding(method, option.number).field if option.number else "")


def _holds_only(message: type[Message], name: str, content: type[Message], told: str = "") -> bool:
    """Whether a message has one single field, of that name and type, and beside it only the bytes `told`, if that names any."""
    descriptor: Any = message.DESCRIPTOR
    fields: list[FieldDescriptor] = list(descriptor.fields)
    if told:
        beside = descriptor.fields_by_name.get(told)
        if beside is None or beside.is_repeated or beside.type != FieldDescriptor.TYPE_BYTES:
            return False
        fields.remove(beside)
    return len(fields) == 1 and (
        fields[0].name == name and not fields[0].is_repeated and fields[0].message_type is content.DESCRIPTOR
    )


def _routes(rule: HttpRule) -> tuple[HttpRoute, ...]:
    routes: list[HttpRoute] = []
    for each in (rule, *rule.additional_bindings):
        verb = each.WhichOneof("pattern")
        if verb == "custom":
            routes.append(HttpRoute(each.custom.kind.upper(), each.custom.path, each.body))
        elif verb:
            routes.append(HttpRoute(verb.upper(), getattr(each, verb), each.body))
    return tuple(routes)


def business_numbers(message: Descriptor) -> tuple[Number, ...]:
    """Where a message holds declared business numbers: PUBLIC text fields of their names, the shallowest of each."""
    found: dict[str, Number] = {}
    level: list[tuple[str, Descriptor]] = [("", message)]
    for _ in range(_SEARCH_DEPTH):
        deeper: list[tuple[str, Descriptor]] = []
        for prefix, owner in level:
            for field in owner.fields:
                attribute = BUSINESS_NUMBERS.get(field.name)
                if field.is_repeated:
                    continue
                if field.message_type is not None:
                    deeper.append((f"{prefix}{field.name}.", field.message_type))
                elif attribute and attribute not in found and is_public(field):
                    found[attribute] = Number(attribute, attrgetter(prefix + field.name))
        level = deeper
    return tuple(found.values())


def national_codes(enum: EnumDescriptor) -> dict[int, str]:
    """The national code of each value of an enumeration that has one, by number."""
    extension: Any = options_pb2.national_code
    codes = {value.number: value.GetOptions().Extensions[extension] for value in enum.values}
    return {number: code for number, code in codes.items() if code}


def is_public(field: FieldDescriptor) -> bool:
    """True where the field's data class says PUBLIC in so many words: nothing is public by omission."""
    return bool(field.GetOptions().Extensions[options_pb2.data_class] == options_pb2.DATA_CLASS_PUBLIC)


def is_judged(field: FieldDescriptor) -> bool:
    """Whether the elements of a list are judged by the member alone, which tells an outcome of each."""
    return bool(field.GetOptions().Extensions[options_pb2.judged_by_member])
