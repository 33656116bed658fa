"""The members of all cells, each of which answers for the people that its cell insures and for the codes that it made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.routing.peers.cells import stub_of
from services.runtime.outbound import Peers
from yibao.identity.v1 import credential_pb2, credential_pb2_grpc
from yibao.settlement.v1 import (
    encounter_pb2_grpc,
    insured_pb2,
    ledger_pb2,
    ledger_pb2_grpc,
)

MEMBER: Final = "settlement"
CREDENTIALS: Final = "identity"


class InsuredCellClient:
    """Asks any cell what its own gateway would ask; raises that cell's refusal."""

    def __init__(self, peers: Peers, cells: Iterable[str]) -> None:
        codes = tuple(cells)
        self._peers = peers
        self._encounters = {code: peers.stub(encounter_pb2_grpc.EncounterServiceStub, MEMBER, code) for code in codes}
        self._ledgers = {code: peers.stub(ledger_pb2_grpc.LedgerServiceStub, MEMBER, code) for code in codes}
        self._credentials = {
            code: peers.stub(credential_pb2_grpc.CredentialServiceStub, CREDENTIALS, code) for code in codes
        }

    async def decoded(self, cell: str, request: credential_pb2.DecodeCodeRequest) -> credential_pb2.DecodeCodeResponse:
        """6101."""
        return await self._peers.call(stub_of(self._credentials, cell).DecodeCode, request)

    async def insured_info(
        self, cell: str, request: insured_pb2.GetInsuredInfoRequest
    ) -> insured_pb2.GetInsuredInfoResponse:
        """1101."""
        return await self._peers.call(stub_of(self._encounters, cell).GetInsuredInfo, request)

    async def benefit(self, cell: str, request: insured_pb2.CheckBenefitRequest) -> insured_pb2.CheckBenefitResponse:
        """2001."""
        return await self._peers.call(stub_of(self._encounters, cell).CheckBenefit, request)

    async def cumulations(
        self, cell: str, request: ledger_pb2.ListCumulationsRequest
    ) -> ledger_pb2.ListCumulationsResponse:
        """5206."""
        return await self._peers.call(stub_of(self._ledgers, cell).ListCumulations, request)
