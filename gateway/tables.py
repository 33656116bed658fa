"""What the faces serve, compiled from the contract once a process: nothing writes to it, so that the gateways of all cells of a
process share it. Options that contradict themselves are a ContractError here, which stops the start.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from gateway import rest
from gateway.mobile import routes as mobile
from gateway.national.transactions import Transactions, known_titles, planned_numbers
from services.runtime.contract import Contract

ENVELOPE_SERVICE: Final = "yibao.gateway.v1.EnvelopeService"
"""Served by the gateway itself, for it alone knows the envelope; no member has it."""


@cache
def transactions() -> Transactions:
    """The transactions of the national face."""
    return Transactions(Contract.of_mesh(), known_titles(), planned_numbers())


@cache
def rest_routes() -> rest.Routes:
    """The routes of the REST face, the gateway's own included."""
    own = Contract.load((ENVELOPE_SERVICE,))
    return rest.Routes(Contract({**Contract.of_mesh().methods, **own.methods}))


@cache
def mobile_routes() -> mobile.MobileRoutes:
    """The paths of the mobile face."""
    return mobile.MobileRoutes(Contract.of_mesh(), transactions())
