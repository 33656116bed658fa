"""The outer forms of the national interface as paths of the OpenAPI document, with a played example for each transaction.

The gateway takes them on any path but `/v1/`; these are the ones that the official client and the credential's decoder use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

from gateway.national.envelope import EC_LOCAL, INFNO
from gateway.national.transactions import Served, Transactions
from gateway.reference.examples import Examples
from gateway.reference.schemas import Schemas
from yibao.gateway.v1 import envelope_pb2
from yibao.options.v1 import options_pb2

PATHS: Final[Mapping[str, str]] = {
    INFNO: "/fsi/api/rsfComIfsService/callService",
    EC_LOCAL: "/localcfc/api/hsecfc/localQrCodeQuery",
}
TAG: Final = "NationalInterface"
TAG_TEXT: Final = (
    "国家接口：一个报文，交易由infno决定。 The national interface: one message, whose transaction is named by infno."
)

_CALL: Final = (
    "按报文中的infno执行交易；除/v1/外任何路径都行。业务应答的HTTP状态一律为200，infcode为0成功、-1失败，失败时err_msg以"
    "[原因]开头。请求收齐后7.5秒内必有应答；503、504、500表示结果未知，请以同一msgid重发。\n\n"
    "Serves the transaction that infno names, on any path but /v1/. HTTP 200 stands for every business answer: infcode 0 is "
    "success, -1 a refusal, whose err_msg begins with its [REASON]. An answer comes within 7.5 s of the request's arrival; "
    "503, 504 and 500 mean that the outcome is unknown: send the same msgid again."
)
_DECODE: Final = (
    "解码服务自己的报文：orgId、transType、data；code为0成功。\n\n"
    "The decoder's own form: orgId, transType and data; code 0 is success."
)
_TEXTS: Final[Mapping[str, tuple[str, str, str]]] = {
    INFNO: ("callService", "国家接口报文 · A message of the national interface", _CALL),
    EC_LOCAL: ("decodeCredential", "电子凭证解码 · The decoder of electronic credentials", _DECODE),
}
_TEXT: Final = {"type": "string"}
_ANSWER: Final[Mapping[str, Any]] = {
    "infcode": {"type": "integer", "enum": [0, -1], "description": "0 success, -1 refused; text by partner profile."},
    "inf_refmsgid": _TEXT,
    "refmsg_time": {**_TEXT, "description": "When the message arrived, yyyyMMddHHmmssSSS."},
    "respond_time": {**_TEXT, "description": "When it was answered, yyyyMMddHHmmssSSS."},
    "enctype": _TEXT,
    "signtype": _TEXT,
    "cainfo": _TEXT,
    "err_msg": {"type": ["string", "null"], "description": "null, or [REASON] and what to do, at most 200 characters."},
    "warn_msg": {"type": ["string", "null"], "description": "null, or what is true of a message that was served."},
    "output": {"type": ["object", "null"], "description": "Nodes of the transaction; null where it is refused."},
}


def paths(table: Transactions, schemas: Schemas, examples: Examples) -> dict[str, dict[str, Any]]:
    """Path item by path."""
    schemas.by_name["gateway.v1.Envelope"] = _request(schemas)
    answer = {"type": "object", "properties": dict(_ANSWER), "required": list(_ANSWER)}
    schemas.by_name["gateway.v1.EnvelopeAnswer"] = answer
    free = {"type": "object"}
    forms = {
        INFNO: ({"$ref": "#/components/schemas/gateway.v1.Envelope"}, "gateway.v1.EnvelopeAnswer"),
        EC_LOCAL: (free, ""),
    }
    found = {}
    for wrapper, path in PATHS.items():
        request, name = forms[wrapper]
        served = [each for each in table.served if each.wrapper == wrapper]
        schema = {"$ref": f"#/components/schemas/{name}"} if name else free
        found[path] = {"post": _operation(wrapper, served, table, examples, request, schema)}
    return found


def _operation(
    wrapper: str,
    served: list[Served],
    table: Transactions,
    examples: Examples,
    request: Mapping[str, Any],
    answer: Mapping[str, Any],
) -> dict[str, Any]:
    name, summary, description = _TEXTS[wrapper]
    shown = [(each.infno, f"{each.infno} {table.title(each.infno)}".strip()) for each in served]
    played = [(infno, title, examples.national[infno]) for infno, title in shown if infno in examples.national]

    def content(schema: Mapping[str, Any], side: str) -> dict[str, Any]:
        pairs = {infno: {"summary": title, "value": pair[side]} for infno, title, pair in played}
        return {"application/json": {"schema": dict(schema), "examples": pairs}}

    # Postman names a saved answer by its description, and only without one by the example's own title (2207 门诊结算).
    answered = {"description": "", "content": content(answer, "answer")}
    return {
        "operationId": f"{TAG}_{name}",
        "tags": [TAG],
        "summary": summary,
        "description": description,
        "x-roles": ["institution"],
        "x-infno": [each.infno for each in served],
        "x-errors": [],
        "parameters": [{"$ref": "#/components/parameters/BusinessDate"}],
        "requestBody": {"required": True, "content": content(request, "request")},
        "responses": {"200": answered},
        "security": [{}],
    }


def _request(schemas: Schemas) -> dict[str, Any]:
    fields = envelope_pb2.Envelope.DESCRIPTOR.fields
    needed = [each.name for each in fields if each.GetOptions().Extensions[options_pb2.national].required]
    properties = {each.name: _field(each, schemas) for each in fields}
    return {"type": "object", "properties": properties, "required": needed}


def _field(field: FieldDescriptor, schemas: Schemas) -> dict[str, Any]:
    """As the envelope carries it: times as texts, `input` as the nodes of its transaction."""
    if field.message_type is None:
        return schemas.field(field)
    kind = {"type": "object"} if field.message_type.full_name == "google.protobuf.Struct" else dict(_TEXT)
    comment = schemas.comment(field)
    return {**kind, "description": comment} if comment else kind
