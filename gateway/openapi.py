"""OpenAPI 3.1 of the gateway, from the descriptors: routes, schemas, roles, errors; the national face as an extension.

What it says of a field or an error is the proto's own comment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

from gateway.national.transactions import Transactions
from gateway.reference import envelope
from gateway.reference.comments import description, errors
from gateway.reference.examples import Examples
from gateway.reference.names import FieldNames
from gateway.reference.national import not_served, transactions
from gateway.reference.schemas import Schemas
from gateway.rest import OPERATOR_TIMEOUT_S, TIMEOUT_S, Route, Routes
from services.runtime.call import Role
from services.runtime.texts.table import TEXTS

_PROBLEM: Final = "Problem"
_DATE_HEADER: Final = "BusinessDate"
_TIMEOUT_HEADER: Final = "GrpcTimeout"
_ABOUT: Final = """\
医保平台的开放实现：REST接口（`/v1/…`，`Authorization: Bearer 密钥`）与国家接口报文（其余任何路径，交易由`infno`决定）。
示例都是在沙箱里发送过的请求和收到的应答，人员、机构均为虚构；沙箱里带上`X-Yibao-Business-Date: 2026-06-10`，日期就与示例相符。
金额在REST里以分为单位（`…Fen`），在国家接口里以元为单位；被拒绝的调用给出原因、字段和下一步，各原因见`x-error-reasons`。

The open healthcare-security platform: REST (`/v1/…`, `Authorization: Bearer KEY`) and messages of the national interface (any
other path; `infno` names the transaction). The examples were sent to a sandbox and answered by it; people and institutions are
invented. With `X-Yibao-Business-Date: 2026-06-10` a sandbox decides on the day of the examples. Money is fen in REST (`…Fen`) and
yuan in the national interface; a refusal names its reason, its fields and what to do, see `x-error-reasons`.
"""


def document(
    routes: Routes,
    table: Transactions,
    comments: Mapping[str, str],
    version: str,
    *,
    examples: Examples,
    names: FieldNames,
    server: str,
) -> dict[str, Any]:
    """The whole document; `server` is the URL at which the gateway believes to be reached."""
    schemas = Schemas(comments)
    paths = envelope.paths(table, schemas, examples)
    for route in sorted(routes.all, key=lambda each: (each.http.path, each.http.verb)):
        operation = _operation(route, schemas, comments, examples)
        paths.setdefault(route.http.path, {})[route.http.verb.lower()] = operation
    schemas.by_name[_PROBLEM] = _problem_schema()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "yibao",
            "version": version,
            "summary": "Healthcare-security platform: REST face and national envelope.",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {"url": server, "description": "网关本机地址 · The gateway as it knows itself"},
            {"url": "/", "description": "本文档所在之处 · Where this document came from"},
        ],
        "tags": [{"name": envelope.TAG, "description": envelope.TAG_TEXT}, *_tags(routes, comments)],
        "paths": paths,
        "components": {
            "schemas": schemas.by_name,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key of a role."}},
            "responses": {_PROBLEM: _problem_response()},
            "parameters": {_DATE_HEADER: _business_date(), _TIMEOUT_HEADER: _grpc_timeout()},
        },
        "x-national-transactions": transactions(table, comments, names),
        "x-national-not-served": not_served(table),
        "x-error-reasons": _reasons(comments),
        "x-field-names-zh": dict(names.names),
    }


def _operation(route: Route, schemas: Schemas, comments: Mapping[str, str], examples: Examples) -> dict[str, Any]:
    method = route.method
    played = examples.rest.get(method.full_name, {})
    comment = description(comments.get(method.full_name, ""))
    response: Any = method.response_class.DESCRIPTOR
    request: Any = method.request_class.DESCRIPTOR
    operation: dict[str, Any] = {
        "operationId": f"{method.service.rpartition('.')[2]}_{method.name}",
        "tags": [method.service.rpartition(".")[2]],
        "summary": comment.partition(". ")[0].rstrip("."),
        "description": comment,
        "x-roles": sorted(role.value for role in method.roles if role is not Role.SERVICE),
        "x-effect": method.effect.value,
        "x-errors": list(errors(comments, method.service, method.name)),
        "x-infno": [each.infno for each in method.transactions],
        "parameters": [
            *_parameters(route, schemas, examples.parameters(route)),
            *({"$ref": f"#/components/parameters/{name}"} for name in (_DATE_HEADER, _TIMEOUT_HEADER)),
        ],
        "responses": {
            "200": {"description": "The answer.", "content": _content(schemas.ref(response), played, "answer")},
            "default": {"$ref": f"#/components/responses/{_PROBLEM}"},
        },
        "security": [{}] if Role.PUBLIC in method.roles else [{"key": []}],
    }
    if method.sandbox_only:
        operation["x-sandbox-only"] = True
    if route.http.body == "*":
        operation["requestBody"] = {"required": True, "content": _content(schemas.ref(request), played, "request")}
    elif route.http.body:
        # A body that is taken as it is: a message of the national interface.
        comment = comments.get(f"{request.full_name}.{route.http.body}", "")
        content = _content({"type": "object"}, played, "request")
        operation["requestBody"] = {"required": True, "description": comment, "content": content}
    return operation


def _content(schema: Mapping[str, Any], played: Mapping[str, Any], side: str) -> dict[str, Any]:
    """JSON of a schema, with the side of a played pair as its example."""
    shown: dict[str, Any] = {"schema": dict(schema)}
    if side in played:
        shown["example"] = played[side]
    return {"application/json": shown}


def _parameters(route: Route, schemas: Schemas, played: Mapping[str, str]) -> list[dict[str, Any]]:
    request: Any = route.method.request_class.DESCRIPTOR
    found: list[dict[str, Any]] = []
    for field in request.fields:
        if field.name in route.names:
            found.append({"name": field.name, "in": "path", "required": True, "schema": schemas.field(field)})
        elif route.http.body not in ("*", field.name):
            found += _query(field, "", schemas)
    # A day may be written whole, and is here; as it was played it stands in three parameters.
    return [{**each, "example": played[each["name"]]} if each["name"] in played else each for each in found]


def _query(field: FieldDescriptor, prefix: str, schemas: Schemas) -> list[dict[str, Any]]:
    """A field as query parameters: messages by dotted names, days as a date."""
    name = prefix + field.json_name
    if field.message_type is None:
        return [{"name": name, "in": "query", "schema": schemas.field(field)}]
    if field.message_type.full_name == "google.type.Date":
        return [{"name": name, "in": "query", "schema": {"type": "string", "format": "date"}}]
    return [each for inner in field.message_type.fields for each in _query(inner, f"{name}.", schemas)]


def _tags(routes: Routes, comments: Mapping[str, str]) -> list[dict[str, str]]:
    services = dict.fromkeys(route.method.service for route in routes.all)
    return [{"name": name.rpartition(".")[2], "description": comments.get(name, "")} for name in sorted(services)]


def _problem_schema() -> dict[str, Any]:
    text = {"type": "string"}
    error = {
        "code": {"type": "integer", "description": "HTTP status."},
        "status": {"type": "string", "description": "Canonical code."},
        "message": {"type": "string", "description": "For developers, in English."},
        "details": {
            "type": "array",
            "description": "ErrorInfo, BadRequest, RetryInfo, LocalizedMessage (zh-CN, en-US) of google.rpc.",
            "items": {"type": "object", "properties": {"@type": text}, "required": ["@type"]},
        },
    }
    inner = {"type": "object", "properties": error, "required": list(error)}
    return {"type": "object", "properties": {"error": inner}, "required": ["error"]}


def _problem_response() -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{_PROBLEM}"}
    return {"description": "A refusal (AIP-193).", "content": {"application/json": {"schema": schema}}}


def _business_date() -> dict[str, Any]:
    return {
        "name": "X-Yibao-Business-Date",
        "in": "header",
        "description": "Sandbox only: the day on which the request is decided, yyyy-MM-dd.",
        # `format: date` is right too, but a generator of Python clients dropped every operation with such a header.
        "schema": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "examples": ["2026-11-20"]},
    }


def _grpc_timeout() -> dict[str, Any]:
    return {
        "name": "Grpc-Timeout",
        "in": "header",
        "description": (
            "Time in which an answer is wanted: at most eight digits and a unit (H M S m u n), such as 300S or 500m. "
            f"Without it {TIMEOUT_S:.0f} s; only operators get more, up to {OPERATOR_TIMEOUT_S:.0f} s."
        ),
        "schema": {"type": "string", "pattern": "^[0-9]{1,8}[HMSmun]$"},
    }


def _reasons(comments: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Every reason with its meaning and its texts."""
    prefix = "yibao.common.v1.ErrorReason.ERROR_REASON_"
    meanings = {name.removeprefix(prefix): text for name, text in comments.items() if name.startswith(prefix)}
    nothing = ("", "")
    return {
        reason: {"meaning": meaning, "zh": TEXTS.get(reason, nothing)[0], "en": TEXTS.get(reason, nothing)[1]}
        for reason, meaning in sorted(meanings.items())
    }
