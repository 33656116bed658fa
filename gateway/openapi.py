"""OpenAPI 3.1 of the gateway, from the descriptors: routes, schemas, roles, errors; the national face as an extension.

What it says of a field or an error is the proto's own comment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

from gateway.national.transactions import Transactions
from gateway.reference.comments import description, errors
from gateway.reference.national import not_served, transactions
from gateway.reference.schemas import Schemas
from gateway.rest import OPERATOR_TIMEOUT_S, TIMEOUT_S, Route, Routes
from services.runtime.call import Role
from services.runtime.texts.table import TEXTS

_PROBLEM: Final = "Problem"
_DATE_HEADER: Final = "BusinessDate"
_TIMEOUT_HEADER: Final = "GrpcTimeout"


def document(routes: Routes, table: Transactions, comments: Mapping[str, str], version: str) -> dict[str, Any]:
    """The whole document."""
    schemas = Schemas(comments)
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(routes.all, key=lambda each: (each.http.path, each.http.verb)):
        paths.setdefault(route.http.path, {})[route.http.verb.lower()] = _operation(route, schemas, comments)
    schemas.by_name[_PROBLEM] = _problem_schema()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "yibao",
            "version": version,
            "summary": "Healthcare-security platform: REST face and national envelope.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": _tags(routes, comments),
        "paths": paths,
        "components": {
            "schemas": schemas.by_name,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key of a role."}},
            "responses": {_PROBLEM: _problem_response()},
            "parameters": {_DATE_HEADER: _business_date(), _TIMEOUT_HEADER: _grpc_timeout()},
        },
        "x-national-transactions": transactions(table, comments),
        "x-national-not-served": not_served(table),
        "x-error-reasons": _reasons(comments),
    }


def _operation(route: Route, schemas: Schemas, comments: Mapping[str, str]) -> dict[str, Any]:
    method = route.method
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
            *_parameters(route, schemas),
            *({"$ref": f"#/components/parameters/{name}"} for name in (_DATE_HEADER, _TIMEOUT_HEADER)),
        ],
        "responses": {
            "200": {"description": "The answer.", "content": {"application/json": {"schema": schemas.ref(response)}}},
            "default": {"$ref": f"#/components/responses/{_PROBLEM}"},
        },
        "security": [{}] if Role.PUBLIC in method.roles else [{"key": []}],
    }
    if method.sandbox_only:
        operation["x-sandbox-only"] = True
    if route.http.body == "*":
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schemas.ref(request)}}}
    elif route.http.body:
        operation["requestBody"] = _raw_body(comments.get(f"{request.full_name}.{route.http.body}", ""))
    return operation


def _raw_body(comment: str) -> dict[str, Any]:
    """A body that is taken as it is: a message of the national interface."""
    return {"required": True, "description": comment, "content": {"application/json": {"schema": {"type": "object"}}}}


def _parameters(route: Route, schemas: Schemas) -> list[dict[str, Any]]:
    request: Any = route.method.request_class.DESCRIPTOR
    found: list[dict[str, Any]] = []
    for field in request.fields:
        if field.name in route.names:
            found.append({"name": field.name, "in": "path", "required": True, "schema": schemas.field(field)})
        elif route.http.body not in ("*", field.name):
            found += _query(field, "", schemas)
    return found


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
