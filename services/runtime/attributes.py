"""The declared names of everything a span may carry. Business numbers are attributes; personal data never is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Field name in a message → span attribute. Only fields whose data class is PUBLIC are read.
BUSINESS_NUMBERS: Final[Mapping[str, str]] = {
    "msgid": "yibao.msgid",
    "request_id": "yibao.request_id",
    "setl_id": "yibao.setl_id",
    "mdtrt_id": "yibao.mdtrt_id",
    "order_no": "yibao.order_no",
    "pay_ord_id": "yibao.pay_ord_id",
    "med_org_ord": "yibao.med_org_ord",
    "charge_no": "yibao.charge_no",
    "trade_no": "yibao.trade_no",
    "mix_trade_no": "yibao.mix_trade_no",
    "refd_sn": "yibao.refund_no",
    "fixmedins_code": "yibao.fixmedins_code",
}

ATTRIBUTES: Final[Mapping[str, str]] = {
    "yibao.msgid": "Message number of the national envelope.",
    "yibao.request_id": "The caller's request id.",
    "yibao.setl_id": "Settlement number.",
    "yibao.mdtrt_id": "Encounter number.",
    "yibao.order_no": "Number of a settlement in two phases.",
    "yibao.pay_ord_id": "Number of an order of mobile payment.",
    "yibao.med_org_ord": "The institution's own number of such an order.",
    "yibao.charge_no": "Number of a charge at a payment channel, ours.",
    "yibao.trade_no": "The channel's number of it.",
    "yibao.mix_trade_no": "The channel's number of a mixed order.",
    "yibao.refund_no": "Number of a refund at a channel, ours.",
    "yibao.infno": "Number of the national transaction.",
    "yibao.infcode": "Code answered in the national envelope.",
    "yibao.fixmedins_code": "Code of the designated institution.",
    "yibao.code": "Canonical status code of a failed call.",
    "yibao.reason": "Reason of a failed call.",
    "yibao.error_id": "Id under which an internal error stands in the log.",
    "yibao.batch_size": "Items of a batch RPC or of a commit.",
    "yibao.messages": "Messages of a stream that were answered.",
    "yibao.queue": "Name of a committer.",
    "yibao.peer": "Member that is called.",
    "yibao.circuit": "Before a call to a peer: closed, open (it is not sent), or half_open (it tries for all).",
    "rpc.system": "Always grpc.",
    "rpc.service": "Full name of the proto service.",
    "rpc.method": "Name of the method.",
    "http.request.method": "HTTP method.",
    "http.route": "Route template, never the path with its values.",
    "http.response.status_code": "HTTP status answered.",
    "db.system": "sqlite or postgresql.",
    "db.operation": "Name of a database operation, never its text.",
}

CELL: Final = "yibao.cell"
"""Of all spans of a member of a cell, as `service.name` is its member's: an attribute of what makes them, never of one span."""

# Attributes by whose value a trace is found.
SEARCHABLE: Final[frozenset[str]] = frozenset(BUSINESS_NUMBERS.values()) - {"yibao.fixmedins_code"}
