"""Authorisations of payments at institutions of other cells: routing keeps them for the payment there."""

from __future__ import annotations

from collections.abc import Callable

from services.kernel.authorisations import GOOD_S, Authorisation, digest_of
from services.kernel.clock import to_micros
from services.kernel.credential_marks import cell_of_authorisation
from services.payment.peers.elsewhere import ROUTING, asked
from services.runtime.outbound import Peers
from services.runtime.wire import moment_of
from yibao.routing.v1 import pay_authorisation_pb2, pay_authorisation_pb2_grpc

_DIVISION = slice(1, 7)
"""Where an institution's code says its division: after H or P (nhsa-interface: H or P and 11 digits)."""
_GOOD: int = GOOD_S * 1_000_000


class AuthorisationsElsewhere:
    """Keeps and spends them at routing; in a mesh of one cell (not `beside_others`) there is nothing to do. `cell_of` names the
    cell of a division. Raises routing's refusals, and ROUTING_UNAVAILABLE.
    """

    def __init__(self, peers: Peers, own_cell: str, cell_of: Callable[[str], str], *, beside_others: bool) -> None:
        self._peers = peers
        self._stub = peers.stub(pay_authorisation_pb2_grpc.PayAuthorisationServiceStub, ROUTING)
        self._own_cell = own_cell
        self._cell_of = cell_of
        self._beside_others = beside_others

    async def keep(self, auth: str, psn_no: str, fixmedins_code: str) -> None:
        """Has one kept where the institution's cell finds it; nothing where that is the own one."""
        if self._beside_others and self._cell_of(fixmedins_code[_DIVISION]) != self._own_cell:
            await asked(
                self._peers,
                self._stub.KeepAuthorisation,
                pay_authorisation_pb2.KeepAuthorisationRequest(auth=auth, psn_no=psn_no, fixmedins_code=fixmedins_code),
            )

    async def spent(self, pay_auth_no: str, psn_no: str, fixmedins_code: str, used_by: str) -> Authorisation | None:
        """One that another cell has made, spent for an order; None for one of the own cell."""
        if not self._beside_others or cell_of_authorisation(pay_auth_no) == self._own_cell:
            return None
        auth = digest_of(pay_auth_no)
        request = pay_authorisation_pb2.SpendAuthorisationRequest(
            auth=auth, psn_no=psn_no, fixmedins_code=fixmedins_code, used_by=used_by
        )
        expires_at = to_micros(
            moment_of((await asked(self._peers, self._stub.SpendAuthorisation, request)).expires_time)
        )
        return Authorisation(auth, psn_no, fixmedins_code, expires_at - _GOOD, expires_at)
