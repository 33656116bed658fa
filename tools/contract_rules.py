"""Rules about the contract, read from its descriptors: options on every method, a data class on every text, reasons.

`python -m tools.contract_rules` prints what breaks one. buf watches names and compatibility; here stands what only this
project means. It compiles the files that people write, so it never judges stale generated code.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

from services import mesh
from tools import gen_protos, reasons
from yibao.options.v1 import options_pb2

TEXTS = frozenset({FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_BYTES})
OPTIONS_PACKAGE = "yibao.options.v1"
CHANNELS = "yibao/payment/v1/channel.proto"
"""The file of all that a payment channel is told."""
CHANNELS_DESK = "yibao.payment.v1.Payment"
"""What an institution says of how it is paid: the desk of channels copies it into those messages."""
TOLD_CHANNELS = frozenset(
    {
        options_pb2.DATA_CLASS_PUBLIC,
        options_pb2.DATA_CLASS_IDENTITY,
        options_pb2.DATA_CLASS_FINANCIAL,
        options_pb2.DATA_CLASS_SECRET,
    }
)
"""Classes that a channel may be told; CLINICAL is none of them, and nothing is allowed by omission."""


class Contract:
    """Our files of a descriptor set, with look-ups of messages, methods and comments by full name."""

    def __init__(self, image: FileDescriptorSet) -> None:
        self.files = [file for file in image.file if file.package.startswith("yibao.")]
        self.messages: dict[str, DescriptorProto] = {}
        self.told_channels = [
            f"{file.package}.{message.name}"
            for file in self.files
            if file.name == CHANNELS
            for message in file.message_type
        ] + [CHANNELS_DESK]
        self.methods: dict[str, MethodDescriptorProto] = {}
        self.enums: dict[str, EnumDescriptorProto] = {}
        self.comments: dict[str, str] = {}
        for file in self.files:
            self._add_messages(file.package, file.message_type)
            self.enums |= {f"{file.package}.{enum.name}": enum for enum in file.enum_type}
            self.comments |= _comments(file)
            for service in file.service:
                self.methods |= {f"{file.package}.{service.name}.{m.name}": m for m in service.method}

    def _add_messages(self, scope: str, messages: Iterable[DescriptorProto]) -> None:
        for message in messages:
            self.messages[f"{scope}.{message.name}"] = message
            self._add_messages(f"{scope}.{message.name}", message.nested_type)

    def field(self, message: str, path: str) -> FieldDescriptorProto | None:
        """The field at a dotted path below a message; None where there is none."""
        name, _, rest = path.partition(".")
        found = next((f for f in self.messages.get(message, DescriptorProto()).field if f.name == name), None)
        return self.field(found.type_name.removeprefix("."), rest) if found is not None and rest else found


def compiled() -> Contract:
    """The contract as the files say it now."""
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch) / "image.binpb"
        gen_protos.write_image(image)
        return Contract(FileDescriptorSet.FromString(image.read_bytes()))


def problems(contract: Contract) -> list[str]:
    """Every broken rule as `full.name: what is wrong`."""
    found = list(_served_twice(contract))
    for name, method in contract.methods.items():
        found += [f"{name}: {text}" for text in _method_problems(contract, name, method)]
    for name, message in contract.messages.items():
        if not name.startswith(OPTIONS_PACKAGE) and not message.options.map_entry:
            found += [f"{name}.{field}: text without a data_class" for field in _unclassed(contract, message)]
    found += _told_channels(contract)
    found += _answered_channels(contract)
    found += reasons.problems(declared(contract), contract.comments, named(contract))
    return sorted(found)


def declared(contract: Contract) -> frozenset[str]:
    """Reasons of the ErrorReason enum, without its prefix and its zero."""
    enum = contract.enums.get(reasons.ENUM, EnumDescriptorProto())
    return frozenset(value.name.removeprefix(reasons.PREFIX) for value in enum.value if value.number)


def named(contract: Contract) -> frozenset[str]:
    """Reasons that options name: what a field of an answer warns of, which value of an enum is a failure."""
    fields = (field for message in contract.messages.values() for field in message.field)
    values = (value for enum in contract.enums.values() for value in enum.value)
    warnings = {field.options.Extensions[options_pb2.national].warning for field in fields}
    return frozenset((warnings | {value.options.Extensions[options_pb2.national_failure] for value in values}) - {""})


def elsewhere(contract: Contract) -> frozenset[str]:
    """Methods that options `elsewhere` name: the gateway calls them, and nobody from outside by a route. What else they must be
    checks whoever starts (`services.runtime.contract`)."""
    named_ones = {method.options.Extensions[options_pb2.elsewhere].method for method in contract.methods.values()}
    return frozenset(named_ones - {""})


def _method_problems(contract: Contract, name: str, method: MethodDescriptorProto) -> Iterator[str]:
    access = method.options.Extensions[options_pb2.access]
    request = method.input_type.removeprefix(".")
    if not access.roles or options_pb2.ROLE_UNSPECIFIED in access.roles:
        yield "no access option: who may call?"
    if not method.options.Extensions[options_pb2.effect]:
        yield "no effect option: what does a repeat do?"
    if not contract.comments.get(name):
        yield "no comment"
    for binding in access.bindings:
        if binding.role not in access.roles:
            yield f"binds {options_pb2.Role.Name(binding.role)}, which may not call"
        if contract.field(request, binding.field) is None:
            yield f"binds the field {binding.field!r}, which {request} has not"
    yield from caller_problems(name, access)
    served_by_http = method.options.HasExtension(annotations_pb2.http)
    by_routing = name in elsewhere(contract)
    if by_routing and served_by_http:
        yield "has a google.api.http route, though the gateway leads there by the option elsewhere"
    is_stream = bool(method.options.Extensions[options_pb2.stream_of])
    if is_stream and served_by_http:
        yield "has a google.api.http route, though a stream has no REST form"
    if list(access.roles) != [options_pb2.ROLE_SERVICE] and not (served_by_http or by_routing or is_stream):
        yield "no google.api.http route, though not for services only"
    if method.options.HasExtension(options_pb2.batch):
        yield from _batch_problems(contract, method)


def caller_problems(name: str, access: options_pb2.Access) -> Iterator[str]:
    """What is wrong with the callers that an option names."""
    if not access.callers:
        return
    if options_pb2.ROLE_SERVICE not in access.roles:
        yield "names callers, though no service may call"
    try:
        admitted = mesh.callers_of(mesh.owner_of(name.rpartition(".")[0]))
    except KeyError:
        admitted = ()
    for caller in access.callers:
        if caller not in admitted:
            yield f"names the caller {caller!r}, whom the mesh table does not let call it"


def _batch_problems(contract: Contract, method: MethodDescriptorProto) -> Iterator[str]:
    batch, access = method.options.Extensions[options_pb2.batch], options_pb2.access
    unary = contract.methods.get(batch.method)
    if unary is None:
        yield f"is a batch of {batch.method!r}, which does not exist"
    elif list(unary.options.Extensions[access].callers) != list(method.options.Extensions[access].callers):
        yield f"has other callers than {batch.method}"
    for message, path in ((method.input_type, batch.items), (method.output_type, batch.outcomes)):
        field = contract.field(message.removeprefix("."), path)
        if field is None or field.label != FieldDescriptorProto.LABEL_REPEATED:
            yield f"names {path!r} as its list, which {message.removeprefix('.')} has not"


def _served_twice(contract: Contract) -> Iterator[str]:
    served: dict[tuple[str, int], str] = {}
    for name, method in contract.methods.items():
        for transaction in method.options.Extensions[options_pb2.transaction]:
            wrapper = transaction.wrapper or options_pb2.WRAPPER_INFNO
            other = served.setdefault((transaction.infno, wrapper), name)
            if other != name:
                yield f"{name}: serves {transaction.infno}, as {other} does"


def _unclassed(contract: Contract, message: DescriptorProto) -> Iterator[str]:
    for field in message.field:
        entry = contract.messages.get(field.type_name.removeprefix("."))
        types = {part.type for part in entry.field} if entry is not None and entry.options.map_entry else {field.type}
        if types & TEXTS and not field.options.Extensions[options_pb2.data_class]:
            yield field.name


def _told_channels(contract: Contract) -> Iterator[str]:
    """What a channel must not be told: fields of those messages, and of all that they hold, without a class or of a wrong one."""
    seen: set[str] = set()
    ahead = list(contract.told_channels)
    while ahead:
        name = ahead.pop()
        if name in seen or name not in contract.messages:
            continue
        seen.add(name)
        for field in contract.messages[name].field:
            held = contract.messages.get(field.type_name.removeprefix("."))
            if held is not None and not held.options.map_entry:
                ahead.append(field.type_name.removeprefix("."))  # Its own fields have classes.
            elif field.options.Extensions[options_pb2.data_class] not in TOLD_CHANNELS:
                yield f"{name}.{field.name}: a channel is told it, so that it needs a data_class, and not that of clinical data"


def _answered_channels(contract: Contract) -> Iterator[str]:
    """What channels that call are answered with: nothing clinical either."""
    for name, method in contract.methods.items():
        if options_pb2.ROLE_CHANNEL in method.options.Extensions[options_pb2.access].roles:
            for field in _clinical(contract, method.output_type.removeprefix("."), set()):
                yield f"{name}: answers a channel with {field}, which is clinical"


def _clinical(contract: Contract, name: str, seen: set[str]) -> Iterator[str]:
    """Fields of clinical data in a message and all that it holds."""
    if name in seen or name not in contract.messages:
        return
    seen.add(name)
    for field in contract.messages[name].field:
        if field.options.Extensions[options_pb2.data_class] == options_pb2.DATA_CLASS_CLINICAL:
            yield f"{name}.{field.name}"
        yield from _clinical(contract, field.type_name.removeprefix("."), seen)


def _comments(file: FileDescriptorProto) -> dict[str, str]:
    """Leading comments of methods and of the values of top-level enums, by full name."""
    at = {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}
    found = {
        f"{file.package}.{service.name}.{method.name}": at.get((6, s, 2, m), "")
        for s, service in enumerate(file.service)
        for m, method in enumerate(service.method)
    }
    return found | {
        f"{file.package}.{enum.name}.{value.name}": at.get((5, e, 2, v), "")
        for e, enum in enumerate(file.enum_type)
        for v, value in enumerate(enum.value)
    }


def main() -> int:
    """Prints every problem; 1 when there is one."""
    try:
        found = problems(compiled())
    except gen_protos.CompileError as error:
        print(error)
        return 1
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
