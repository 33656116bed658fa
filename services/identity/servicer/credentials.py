"""CredentialService on the wire. The unary check is a list of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from services.identity.domain.credential import Credential
from services.identity.domain.verification import CertType, Query, Verified
from services.identity.operations.credentials import Activation, CredentialOperations, Decoded
from services.identity.servicer.convert import write_enrolment, write_identity, write_link, write_person
from services.kernel.errors import Fault
from services.runtime.batch import Admitted, serve_batch
from services.runtime.call import Role, current_call
from services.runtime.idempotency import stamp_of
from services.runtime.wire import day_message, day_of, moment_message
from yibao.common.v1 import codes_pb2
from yibao.identity.v1 import credential_pb2, credential_pb2_grpc

_CERT_TYPES: Final = {
    codes_pb2.MDTRT_CERT_TYPE_UNSPECIFIED: CertType.NONE,
    codes_pb2.MDTRT_CERT_TYPE_EC: CertType.EC,
    codes_pb2.MDTRT_CERT_TYPE_ID_CARD: CertType.ID_CARD,
    codes_pb2.MDTRT_CERT_TYPE_SOCIAL_SECURITY_CARD: CertType.SOCIAL_SECURITY_CARD,
}


class CredentialServicer(credential_pb2_grpc.CredentialServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: CredentialOperations) -> None:
        self._operations = operations

    async def ActivateCredential(  # noqa: N802 - the contract's name
        self, request: credential_pb2.ActivateCredentialRequest, context: Any
    ) -> credential_pb2.ActivateCredentialResponse:
        """Through the calling channel."""
        call = current_call()
        asked = Activation(request.channel_code, request.psn_name, request.psn_cert_type, request.certno)
        stored = await self._operations.activate(stamp_of(call, request), asked, call.now, _activated)
        return credential_pb2.ActivateCredentialResponse.FromString(stored)

    async def ShowCode(  # noqa: N802 - the contract's name
        self, request: credential_pb2.ShowCodeRequest, context: Any
    ) -> credential_pb2.ShowCodeResponse:
        """For the person, or for the channel that activated the credential."""
        call = current_call()
        channel_code = call.caller.subject if call.caller.role is Role.CHANNEL else None
        code, expires_at = await self._operations.show_code(request.psn_no, channel_code, call.now)
        return credential_pb2.ShowCodeResponse(ec_qr_code=code, expire_time=moment_message(expires_at))

    async def DecodeCode(  # noqa: N802 - the contract's name
        self, request: credential_pb2.DecodeCodeRequest, context: Any
    ) -> credential_pb2.DecodeCodeResponse:
        """The stored answer lacks the token, which is put in here. The request id is the institution's, whoever brings it."""
        call, asked = current_call(), request.in_data
        stamp = replace(stamp_of(call, request), scope=asked.org_id)
        stored, token = await self._operations.decode(stamp, asked.org_id, asked.ec_qr_code, call.now, _decoded)
        response = credential_pb2.DecodeCodeResponse.FromString(stored)
        response.out_data.ec_token = token
        return response

    async def Verify(  # noqa: N802 - the contract's name
        self, request: credential_pb2.VerifyRequest, context: Any
    ) -> credential_pb2.VerifyResponse:
        """A list of one."""
        outcome = (await self._operations.verify([_query(request, current_call().now)]))[0]
        if isinstance(outcome, Fault):
            raise outcome
        return _verified(outcome)

    async def BatchVerify(  # noqa: N802 - the contract's name
        self, request: credential_pb2.BatchVerifyRequest, context: Any
    ) -> credential_pb2.BatchVerifyResponse:
        """One look-up for all items."""
        return await serve_batch(request, credential_pb2.BatchVerifyResponse(), handle=self._verify_all)

    async def _verify_all(self, items: Sequence[Admitted]) -> Sequence[credential_pb2.VerifyResponse | Fault]:
        read = [_query_or_fault(item) for item in items]
        verified = iter(await self._operations.verify([each for each in read if isinstance(each, Query)]))
        outcomes = [next(verified) if isinstance(each, Query) else each for each in read]
        return [each if isinstance(each, Fault) else _verified(each) for each in outcomes]


def _query_or_fault(item: Admitted) -> Query | Fault:
    try:
        return _query(item.request, item.call.now)
    except Fault as fault:
        return fault


def _query(request: credential_pb2.VerifyRequest, now: datetime) -> Query:
    return Query(
        _CERT_TYPES[request.mdtrt_cert_type],
        request.mdtrt_cert_no,
        request.card_sn,
        request.psn_no,
        request.psn_cert_type,
        request.certno,
        request.fixmedins_code,
        request.insutype,
        day_of(request.day, "day"),
        now,
    )


def _verified(verified: Verified) -> credential_pb2.VerifyResponse:
    return credential_pb2.VerifyResponse(
        person=write_person(verified.person),
        enrolments=[write_enrolment(each) for each in verified.enrolments],
        identities=[write_identity(each) for each in verified.identities],
        family_links=[write_link(each) for each in verified.family_links],
        ec_token_digest=verified.ec_token_digest,
    )


def _activated(credential: Credential) -> bytes:
    return credential_pb2.ActivateCredentialResponse(
        credential_id=credential.credential_id,
        psn_no=credential.psn_no,
        activated_time=moment_message(credential.activated_at),
    ).SerializeToString()


def _decoded(decoded: Decoded) -> bytes:
    person = decoded.person
    return credential_pb2.DecodeCodeResponse(
        out_data=credential_pb2.DecodeOutput(
            user_name=person.psn_name,
            id_no=person.certno,
            id_type=person.psn_cert_type,
            insu_org=decoded.insuplc_admdvs,
            auth_no=decoded.auth_no,
            ec_index_no=decoded.credential_id,
            gender=person.gend,
            birthday=day_message(person.brdy),
        )
    ).SerializeToString()
