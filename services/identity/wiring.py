"""Puts the member identity together: store, operations, servicers, and the first operator's key."""

from __future__ import annotations

import secrets
from functools import partial
from random import SystemRandom
from typing import Final

from services.identity.operations.changes import ChangeOperations
from services.identity.operations.consent_desk import ConsentDesk
from services.identity.operations.consents import Consents
from services.identity.operations.credentials import CredentialOperations
from services.identity.operations.partners import PartnerOperations, Use
from services.identity.operations.persons import PersonOperations
from services.identity.servicer.changes import ChangeServicer
from services.identity.servicer.consents import ConsentServicer
from services.identity.servicer.credentials import CredentialServicer
from services.identity.servicer.partners import PartnerServicer
from services.identity.servicer.persons import PersonServicer
from services.identity.store.unit import IdentityStore
from services.kernel.clock import Clock
from services.kernel.consents import grant_prefix
from services.kernel.errors import Fault
from services.runtime.auth import TokenSigner
from services.runtime.committer import Committer
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.identifiers import time_ordered_ids
from services.runtime.server import MemberServer, StartError
from services.runtime.telemetry import Telemetry
from yibao.identity.v1 import change_pb2_grpc, consent_pb2_grpc, credential_pb2_grpc, partner_pb2_grpc, person_pb2_grpc

MEMBER: Final = "identity"
BOOTSTRAP_KEY: Final = "YIBAO_BOOTSTRAP_OPERATOR_KEY"

_SHORTEST_KEY: Final = 32
_PURPOSE: Final = "yibao identity: tokens and keys"


async def build(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> MemberServer:
    """The member, not yet started; StartError where the bootstrap key cannot be used."""
    database = Database(config.database_url(MEMBER), clock, config.integer("YIBAO_DATABASE_POOL"))
    store = IdentityStore(database)
    new_id = time_ordered_ids(clock, SystemRandom())
    # The store alone must not give anybody's token or key away: what derives them comes from the member's keys.
    own_keys = partial(signer.derived, _PURPOSE)
    persons = PersonOperations(store, config.cell)
    credentials = CredentialOperations(store, new_id, secrets.token_bytes, own_keys, config.cell)
    partners = PartnerOperations(store, new_id, secrets.token_bytes, own_keys, config.sandbox)
    uses: Committer[Use, None] = Committer("key use", partners.note_uses, telemetry=telemetry)
    partners.submit = uses.submit
    # A grant's number says its cell, so that whoever holds it can ask there.
    new_no = partial(new_id, grant_prefix(config.cell))
    consents = ConsentServicer(Consents(store, new_no), ConsentDesk(store, new_no, secrets.token_bytes, config.cell))
    bootstrap_key = _bootstrap_key(config)

    async def start() -> None:
        try:
            await store.start()
            await partners.bootstrap(bootstrap_key, clock())
        except Fault as fault:
            if fault.reason == "API_KEY_TAKEN":
                raise StartError(f"{BOOTSTRAP_KEY} stands for somebody else already: choose another key") from None
            raise

    async def stop() -> None:
        await uses.stop()
        await database.close()

    return MemberServer(
        MEMBER,
        config,
        telemetry,
        [
            (person_pb2_grpc.add_PersonServiceServicer_to_server, PersonServicer(persons)),
            (change_pb2_grpc.add_ChangeServiceServicer_to_server, ChangeServicer(ChangeOperations(store))),
            (consent_pb2_grpc.add_ConsentServiceServicer_to_server, consents),
            (credential_pb2_grpc.add_CredentialServiceServicer_to_server, CredentialServicer(credentials)),
            (partner_pb2_grpc.add_PartnerServiceServicer_to_server, PartnerServicer(partners)),
        ],
        start,
        stop,
        database.ping,
        store=database,
        signer=signer,
        clock=clock,
    )


def _bootstrap_key(config: Config) -> str:
    key = config.text(BOOTSTRAP_KEY)
    if key and not config.sandbox and len(key) < _SHORTEST_KEY:
        raise StartError(f"{BOOTSTRAP_KEY} needs at least {_SHORTEST_KEY} characters outside the sandbox")
    return key
