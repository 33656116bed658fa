"""AuthorisationService on the wire."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from services.kernel.credential_marks import AUTHORISATION_LENGTH, marked_authorisation
from services.payment.operations.saving import Saving
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.wire import micros_message
from yibao.payment.v1 import authorisation_pb2, authorisation_pb2_grpc


class AuthorisationServicer(authorisation_pb2_grpc.AuthorisationServiceServicer):
    """The RPC. The number is made of the request by a key, so that a repeat makes it again and it is kept nowhere."""

    def __init__(self, saving: Saving, key: Callable[[], bytes], cell: str) -> None:
        self._saving = saving
        self._cell = cell
        self._key = key

    async def AuthorisePayment(  # noqa: N802 - the contract's name
        self, request: authorisation_pb2.AuthorisePaymentRequest, context: Any
    ) -> authorisation_pb2.AuthorisePaymentResponse:
        """The person's word."""
        call = current_call()
        stamp = stamp_of(call, request)
        named = f"auth\n{stamp.scope}\n{stamp.request_id}\n{stamp.content_hash}".encode()
        pay_auth_no = marked_authorisation(
            hmac.new(self._key(), named, hashlib.sha256).hexdigest()[:AUTHORISATION_LENGTH], self._cell
        )
        made = await self._saving.authorise(stamp, request.psn_no, request.fixmedins_code, pay_auth_no)
        return authorisation_pb2.AuthorisePaymentResponse(
            pay_auth_no=pay_auth_no, expires_time=micros_message(made.expires_at)
        )
