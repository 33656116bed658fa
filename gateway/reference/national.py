"""The national transactions as the reference shows them: nodes and fields with the names that the options give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.national.codec.plan import FieldPlan, Kind, Place, fields_of, unfilled_of
from gateway.national.transactions import Served, Transactions
from gateway.reference.comments import description, errors
from gateway.reference.names import FieldNames
from gateway.reference.schemas import is_required

_TYPES: Final[Mapping[Kind, str]] = {
    Kind.FEN: "yuan, 2 decimals",
    Kind.NUMBER: "number",
    Kind.INTEGER: "integer",
    Kind.TEXT: "text",
    Kind.FLAG: '"1" or "0"',
    Kind.CODE: "code",
    Kind.TIME: "yyyy-MM-dd HH:mm:ss",
    Kind.DAY: "yyyy-MM-dd",
    Kind.ROW: "row",
    Kind.LIST: "list of rows",
}


def transactions(
    table: Transactions, comments: Mapping[str, str], names: FieldNames | None = None
) -> list[dict[str, Any]]:
    """Every served transaction with its nodes; fields with their Chinese names where `names` knows them."""
    found = [_transaction(served, table, comments) for served in table.served]
    if names is None:
        return found
    for one in found:
        for node in (*one["input"], *one["output"]):
            for field in node["fields"]:
                field["zh"] = names.of(one["infno"], (field["name"], *field.get("also", ())))
    return found


def not_served(table: Transactions) -> dict[str, str]:
    """Known numbers that are not served, with their names."""
    served = {each.infno for each in table.served}
    return {infno: title for infno, title in table.titles.items() if infno not in served}


def _transaction(served: Served, table: Transactions, comments: Mapping[str, str]) -> dict[str, Any]:
    method = served.method
    request: Any = method.request_class.DESCRIPTOR
    response: Any = method.response_class.DESCRIPTOR
    return {
        "infno": served.infno,
        "title": table.title(served.infno),
        "wrapper": served.wrapper,
        "rpc": method.full_name,
        "effect": method.effect.value,
        "description": description(comments.get(method.full_name, "")),
        "errors": list(errors(comments, method.service, method.name)),
        "input": list(_nodes(request, comments)),
        # The answer of a download is the file itself.
        "output": [] if served.file else list(_nodes(response, comments)),
        "warnings": [reason for _, reason in served.notices.warnings],
    }


def _nodes(message: Descriptor, comments: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Nodes of `input` or `output`, then what stands beside them."""
    beside: list[dict[str, Any]] = []
    for plan in fields_of(message):
        if plan.place is Place.REQUEST_KEY:
            continue
        if plan.kind in (Kind.ROW, Kind.LIST) and plan.row is not None and plan.place is not Place.ENVELOPE:
            names = {
                "node": plan.name,
                "also": [*plan.names[1:], *(["input"] if plan.bare else [])],
                "list": plan.kind is Kind.LIST,
            }
            fields = [_field(each, plan.row, comments) for each in fields_of(plan.row)]
            yield {**names, "fields": [*fields, *map(_unfilled, unfilled_of(plan.row))]}
        elif plan.row is None:
            beside.append(_field(plan, message, comments))
    if beside:
        yield {"node": "", "also": [], "list": False, "fields": beside}


def _unfilled(name: str) -> dict[str, Any]:
    return {"name": name, "type": "null", "required": False, "description": "Nothing here knows a value for it."}


def _field(plan: FieldPlan, message: Descriptor, comments: Mapping[str, str]) -> dict[str, Any]:
    field: FieldDescriptor = message.fields_by_name[plan.field]
    shown: dict[str, Any] = {
        "name": plan.name,
        "type": _TYPES[plan.kind],
        "required": is_required(field),
        "description": comments.get(field.full_name, ""),
    }
    also = [*plan.names[1:], *(".".join(path) for path in plan.paths if ".".join(path) != plan.name)]
    if also:
        shown["also"] = also
    if plan.kind is Kind.NUMBER:
        shown["decimals"] = plan.scale
    if plan.codes:
        shown["codes"] = {code: _meaning(field, number, comments) for number, code in plan.codes}
    if plan.place is not Place.NODE:
        shown["from"] = "envelope" if plan.place is Place.ENVELOPE else "node, else envelope"
    return shown


def _meaning(field: FieldDescriptor, number: int, comments: Mapping[str, str]) -> str:
    enum = field.enum_type
    if enum is None:
        return ""
    return comments.get(f"{enum.full_name}.{enum.values_by_number[number].name}", "")
