"""The REST face: JSON under `/v1/` for every RPC with a `google.api.http` route, a bearer key for whoever calls.

Routes, roles and fields are the contract's; the member that serves the RPC decides. It holds no state.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gateway import reading
from gateway.aside import Aside
from gateway.backend import Backend, CallOptions
from gateway.bugs import internal_error
from gateway.failures import Failures
from gateway.http import Request, Response, asked_timeout_s, business_date, network_of, query_values
from gateway.jsoncodec.read import JsonReaders
from gateway.jsoncodec.unknown import unknown_field
from gateway.jsoncodec.write import JsonWriters
from gateway.naming import as_sent
from gateway.nested import trim_texts
from gateway.observing import Observed, Observer, RequestOutcome
from gateway.partners import Partners
from gateway.problems import refusal
from gateway.reading import Unreadable
from gateway.shares import Shares
from services.kernel.errors import Fault, FaultKind, Violation, denied
from services.runtime.bounds import check_json, count_limit
from services.runtime.call import Caller, Role
from services.runtime.contract import Contract, ContractError, MethodContract, is_judged
from services.runtime.forms import HttpRoute
from services.runtime.status import InternalError
from services.runtime.texts.gateway import rule_text

PREFIX: Final = "/v1/"
# An answer must come within this time, counted from the arrival of the request's body, look-up of the key included. A
# caller may ask for less by `Grpc-Timeout`, an operator for more.
TIMEOUT_S: Final = 10.0
OPERATOR_TIMEOUT_S: Final = 600.0

_VARIABLE: Final = re.compile(r"\{([a-z0-9_.]+)\}")
_BEARER: Final = "bearer "
_JSON: Final = msgspec.json.Decoder()

Own = Callable[[Request], Message]


@dataclass(frozen=True, slots=True)
class Route:
    """One route with what it needs: its template as a pattern, the reader of its request, the writer of its answer; `judged` are
    beginnings of paths into lists whose elements the member judges."""

    http: HttpRoute
    method: MethodContract
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    read: Callable[[Any], Message]
    write: Callable[[Message], dict[str, Any]]
    lists: Mapping[str, int]
    judged: tuple[str, ...]


class Routes:
    """The routes of a contract: those without variables by their path, the others one after the other."""

    def __init__(self, contract: Contract) -> None:
        readers, writers = JsonReaders(), JsonWriters()
        self._exact: dict[tuple[str, str], Route] = {}
        self._patterns: list[Route] = []
        for method in contract.methods.values():
            for http in method.http:
                self._add(_route(http, method, readers, writers))

    @property
    def all(self) -> tuple[Route, ...]:
        """Every route."""
        return (*self._exact.values(), *self._patterns)

    def find(self, verb: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and the values of its variables, decoded; Fault ROUTE_NOT_FOUND. `path` is not decoded."""
        exact = self._exact.get((verb, unquote(path)))
        if exact is not None:
            return exact, {}
        for route in self._patterns:
            found = route.pattern.fullmatch(path) if route.http.verb == verb else None
            if found is not None:
                return route, {name: unquote(value) for name, value in zip(route.names, found.groups(), strict=True)}
        raise Fault(FaultKind.NOT_FOUND, "ROUTE_NOT_FOUND")

    def _add(self, route: Route) -> None:
        if route.names:
            self._patterns.append(route)
        elif self._exact.setdefault((route.http.verb, route.http.path), route) is not route:
            raise ContractError(f"{route.method.full_name}: {route.http.verb} {route.http.path} is served twice")


class RestFace:
    """Serves `/v1/`. `own` are the methods that the gateway serves itself, by full name: they get the request as it came,
    and in a sandbox they want no key."""

    def __init__(
        self,
        routes: Routes,
        partners: Partners,
        shares: Shares,
        aside: Aside,
        backend: Backend,
        observer: Observer,
        sandbox: bool,
        own: Mapping[str, Own],
        failures: Failures,
    ) -> None:
        self._failures = failures
        self.routes = routes
        self._own = own
        self._partners = partners
        self._shares = shares
        self._aside = aside
        self._backend = backend
        self._observer = observer
        self._sandbox = sandbox
        self._anybody = Caller(Role.PUBLIC, "", sandbox)
        self._log = logging.getLogger("yibao.gateway")

    async def handle(self, request: Request) -> Response:
        """The answer to one request; never raises but when it is cancelled."""
        try:
            route, variables = self.routes.find(request.method, request.path)
        except Fault as fault:
            return self.refused(request, fault)
        with self._observer.request(request, route.http.path, route.method.full_name) as observed:
            try:
                return await self._answer(request, route, variables, observed)
            except Fault as fault:
                return refusal(as_sent(fault, request.body, request.query), observed)
            except InternalError as error:
                return refusal(error, observed)
            except Exception as error:  # noqa: BLE001  # a bug of ours: told by an id, found in the log
                return refusal(internal_error(self._log, error, self._sandbox), observed)

    def refused(self, request: Request, error: Fault) -> Response:
        """Refuses a request before it has a route."""
        with self._observer.request(request, f"{PREFIX}*") as observed:
            return refusal(error, observed)

    async def _answer(self, request: Request, route: Route, variables: dict[str, str], observed: Observed) -> Response:
        asked_s = asked_timeout_s(request.headers)
        caller = await self._caller_in_time(request, route.method, asked_s)
        claimant = self._partners.claimant(caller)
        async with self._shares.place(claimant, request.received):
            return await self._served(request, route, variables, observed, caller, asked_s)

    async def _served(
        self,
        request: Request,
        route: Route,
        variables: dict[str, str],
        observed: Observed,
        caller: Caller,
        asked_s: float | None,
    ) -> Response:
        day = business_date(request.headers, self._sandbox and caller.sandbox)
        own = self._own.get(route.method.full_name)
        if own is not None:
            if caller is not self._anybody and caller.role not in route.method.roles:
                raise denied("ROLE_NOT_ALLOWED", role=caller.role.value, method=route.method.full_name)
            # Of a large message it takes some tenths of a second, in which the loop serves others.
            answer = await self._aside.run(network_of(request.source), lambda: own(request))
            observed.ended(RequestOutcome(200))
            return Response(200, msgspec.json.encode(route.write(answer)))
        partner, method, size = caller.subject, route.method.full_name, len(request.body)
        message = await self._aside.read(partner, size, lambda: route.read(_value(request, route, variables)))
        limit_s = _limit_s(asked_s, caller)
        async with self._aside.place(partner, method, size, request.left_s(limit_s)):
            options = CallOptions(caller, request.left_s(limit_s), day)
            answer = await self._backend.call(route.method, message, options)
            text = await self._aside.written(partner, method, answer, lambda: msgspec.json.encode(route.write(answer)))
        numbers = (*route.method.request_numbers, *route.method.response_numbers)
        sources = [message] * len(route.method.request_numbers) + [answer] * len(route.method.response_numbers)
        found = {number.attribute: number.get(source) for number, source in zip(numbers, sources, strict=True)}
        observed.ended(RequestOutcome(200), more={name: value for name, value in found.items() if value})
        return Response(200, text)

    async def _caller_in_time(self, request: Request, method: MethodContract, asked_s: float | None) -> Caller:
        """Who calls, found within the time asked for. Only that needs a timer: a look-up ends in less than TIMEOUT_S."""
        if asked_s is None or asked_s >= TIMEOUT_S:
            return await self._caller(request, method)
        try:
            async with asyncio.timeout(request.left_s(asked_s)):
                return await self._caller(request, method)
        except TimeoutError:
            raise Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED") from None

    async def _caller(self, request: Request, method: MethodContract) -> Caller:
        header = request.headers.get("authorization", "")
        if not header and (Role.PUBLIC in method.roles or (self._sandbox and method.full_name in self._own)):
            return self._anybody
        if header[: len(_BEARER)].casefold() != _BEARER or not header[len(_BEARER) :].strip():
            raise Fault(FaultKind.UNAUTHENTICATED, "AUTHENTICATION_MISSING", {"headers": "Authorization: Bearer"})
        key = header[len(_BEARER) :].strip()
        known = self._partners.known(key)
        if known is not None:
            return known
        if self._partners.was_known(key):
            return await self._proven_by(key, request.source)
        async with self._failures.looking(request.source):
            return await self._proven_by(key, request.source)

    async def _proven_by(self, key: str, source: str) -> Caller:
        try:
            return await self._partners.bearer(key)
        except Fault as fault:
            raise await self._failures.told(source, "", fault) from None


def _limit_s(asked_s: float | None, caller: Caller) -> float:
    """The time that a caller gets: what it asked for, up to what its role may ask for."""
    if asked_s is None:
        return TIMEOUT_S
    return min(asked_s, OPERATOR_TIMEOUT_S if caller.role is Role.OPERATOR else TIMEOUT_S)


def _route(http: HttpRoute, method: MethodContract, readers: JsonReaders, writers: JsonWriters) -> Route:
    if not http.path.startswith(PREFIX) or not _serves_body(http, method) or _VARIABLE.sub("", http.path).count("{"):
        raise ContractError(f"{method.full_name}: the REST face does not serve {http.verb} {http.path}")
    names = tuple(_VARIABLE.findall(http.path))
    parts = _VARIABLE.split(http.path)
    pattern = "".join("([^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    read, write_answer = readers.message(method.request_class), writers.message(method.response_class)
    message: Any = method.request_class.DESCRIPTOR
    judged = tuple(f"{name}[" for each in message.fields if is_judged(each) for name in (each.name, each.json_name))
    return Route(http, method, re.compile(pattern), names, read, write_answer, _lists(message), judged)


def _lists(message: Any) -> Mapping[str, int]:
    """The most elements of each list of a request, by the names that it may be sent under."""
    limits = ((field, count_limit(field)) for field in message.fields if field.is_repeated)
    return {name: most for field, most in limits if most is not None for name in (field.name, field.json_name)}


def _serves_body(http: HttpRoute, method: MethodContract) -> bool:
    """Whether the body is nothing, the whole request, or the raw bytes of one of its fields."""
    field = method.request_class.DESCRIPTOR.fields_by_name.get(http.body)
    return http.body in ("", "*") or (field is not None and field.type == FieldDescriptor.TYPE_BYTES)


def _value(request: Request, route: Route, variables: dict[str, str]) -> Any:
    """What the request says, as the JSON of its message."""
    value: Any = _parsed(request, route) if route.http.body == "*" else {}
    parameters = [] if route.http.body == "*" else query_values(request.query)
    if variables or parameters:
        descriptor: Any = route.method.request_class.DESCRIPTOR
        for name, text in (*parameters, *variables.items()):
            _place(value, descriptor, name.split("."), text.strip(reading.BLANKS), name)
    return value


def _parsed(request: Request, route: Route) -> dict[str, Any]:
    """The object in the body. UTF-8 alone, as RFC 8259 has it: who speaks REST can, and nothing is guessed of it."""
    body = request.body
    if not body.strip():
        return {}
    check_json(body, lists=route.lists)
    try:
        value = reading.strictly(_JSON, body, request.headers.get("content-encoding", ""))
        # At its ends they are no part of any text (our decision).
        trim_texts(value, reading.BLANKS, partial(_refuse_nul, route.judged) if b"\\u0000" in body else None)
        return value
    except Unreadable as broken:
        raise broken.fault("INVALID_REQUEST", "", "en") from None
    except RecursionError:
        raise Unreadable("body.too_deep").fault("INVALID_REQUEST", "", "en") from None


def _refuse_nul(judged: tuple[str, ...], path: str) -> None:
    if path.startswith(judged):
        return
    raise Unreadable("body.nul").fault("INVALID_REQUEST", path, "en")


def _place(value: dict[str, Any], message: Descriptor, steps: list[str], text: str, name: str) -> None:
    """Puts the text of a parameter where its path says."""
    field = _field(message, steps[0])
    if field is None:
        unknown = unknown_field(message, name, steps[0])
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[unknown])
    if len(steps) > 1:
        if field.message_type is None or field.is_repeated:
            raise _unreadable(name[:200], "json.unknown_field")
        inner = value.setdefault(field.name, {})
        _place(inner if type(inner) is dict else {}, field.message_type, steps[1:], text, name)
        return
    raw: Any = (
        {"true": True, "false": False}.get(text.strip(), text) if field.type == FieldDescriptor.TYPE_BOOL else text
    )
    if field.is_repeated:
        value.setdefault(field.name, []).append(raw)
    else:
        value[field.name] = raw


def _field(message: Descriptor, name: str) -> FieldDescriptor | None:
    fields: Iterable[FieldDescriptor] = message.fields
    return next((field for field in fields if name in (field.name, field.json_name)), None)


def _unreadable(path: str, rule: str, **values: str) -> Fault:
    broken = Violation(path, rule, rule_text(rule, values, "en"), values)
    return Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[broken])
