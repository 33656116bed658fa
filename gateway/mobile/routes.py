"""Paths of the mobile payment centre and what each serves: read from the option `mobile` of the contract, not written here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from gateway.national.codec.plan import FieldPlan, fields_of, find, is_absent
from gateway.national.transactions import Served, Transactions
from services.runtime.contract import Contract, ContractError, MethodContract
from services.runtime.forms import MobileForm

NODE: Final = "data"
"""What the envelope encrypts, as the national codec knows it."""


@dataclass(frozen=True, slots=True)
class MobileRoute:
    """One path: its transaction, which writes and reads as the national envelope's does, and how its messages are numbered."""

    path: str
    served: Served
    numbered_by: tuple[str, ...]

    def read(self, data: dict[str, Any], institution: str, new_id: Callable[[str], str]) -> Message:
        """The request; INVALID_REQUEST with what is broken. One without a number of its own gets a new one."""
        number = self._number(data) or new_id("")
        envelope = {"fixmedins_code": institution, "msgid": number}
        return self.served.read(envelope, {NODE: data}, f"{self.served.key}:{number}")

    def _number(self, data: dict[str, Any]) -> str:
        """The number of the message; one that is no text is refused where the field is read."""
        found = next((raw for name in self.numbered_by if not is_absent(raw := find(data, name))), "")
        return str(found).strip() if type(found) in (str, int) else ""

    def write(self, answer: Message) -> dict[str, Any]:
        """What the answer's `data` holds: numbers as texts, yuan with two decimals, and nothing that is null."""
        write = self.served.answer.bare or self.served.answer.output
        text = write(answer)
        found = json.loads(text, parse_float=str, parse_int=str, object_hook=_without_null)
        return found if isinstance(found, dict) else {}


class MobileRoutes:
    """The paths of one contract; letter case is not looked at, for the sources' own is odd (`refund_Order`)."""

    def __init__(self, contract: Contract, transactions: Transactions) -> None:
        self._routes: dict[str, MobileRoute] = {}
        for method in contract.methods.values():
            if method.mobile is not None:
                route = _route(method, method.mobile, transactions)
                if self._routes.setdefault(route.path.casefold(), route) is not route:
                    raise ContractError(f"{method.full_name}: {route.path} is served twice")

    def find(self, path: str) -> MobileRoute | None:
        """What a path serves; None for any other."""
        return self._routes.get(path.casefold())

    @property
    def all(self) -> tuple[MobileRoute, ...]:
        """All of them, along their paths."""
        return tuple(self._routes[path] for path in sorted(self._routes))


def _route(method: MethodContract, form: MobileForm, transactions: Transactions) -> MobileRoute:
    if len(method.transactions) != 1:
        raise ContractError(f"{method.full_name}: a mobile path needs one transaction")
    descriptor: Any = method.request_class.DESCRIPTOR
    node = next((plan for plan in fields_of(descriptor) if NODE in plan.names), None)
    if node is None:
        raise ContractError(f"{method.full_name}: a mobile path needs a node {NODE}")
    own = method.transactions[0]
    return MobileRoute(form.path, transactions.find(own.infno, own.wrapper), _names(method, form, node))


def _names(method: MethodContract, form: MobileForm, node: FieldPlan) -> tuple[str, ...]:
    """Names in the node of the field that numbers messages."""
    if not form.number:
        return ()
    field = form.number.removeprefix(f"{node.field}.")
    found = next((plan for plan in fields_of(node.row) if plan.field == field), None) if node.row else None
    if found is None:
        raise ContractError(f"{method.full_name}: {form.number} is no field of the node {NODE}")
    return found.names


def _without_null(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
