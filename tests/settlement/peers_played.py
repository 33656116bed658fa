"""Identity and catalogue as a test plays them for settlement, served over real loopback: they count what they are asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.type.date_pb2 import Date

from services.kernel.clock import system_clock
from services.kernel.errors import Fault, FaultKind, not_found
from services.kernel.policy.identity import policy_hash
from services.runtime import keys
from services.runtime.batch import Admitted, one_by_one, serve_batch
from services.runtime.call import current_call
from services.runtime.config import Config
from services.runtime.outbound import Peers
from services.runtime.server import MemberServer
from services.runtime.telemetry import Telemetry
from tests.settlement.stacks import document
from tests.tokens import Tokens
from yibao.catalogue.v1 import catalogue_pb2, catalogue_pb2_grpc, records_pb2
from yibao.common.v1 import codes_pb2
from yibao.identity.v1 import credential_pb2, credential_pb2_grpc, person_pb2, person_pb2_grpc

POLICY = "beijing-employee@2023-01-01"


class Catalogue(catalogue_pb2_grpc.CatalogueServiceServicer):
    """A catalogue of items whose codes begin with K; it counts what it is asked."""

    def __init__(self) -> None:
        self.head = "head 1"
        self.asked: list[str] = []
        self.keys = 0
        self.down = False
        self.silent = False
        self.policy = document(POLICY)
        self.stack = True

    async def GetHead(self, request: Any, context: Any) -> Any:  # noqa: N802  # the name is the contract's
        self._note("head")
        if self.silent:
            await asyncio.sleep(30)
        return catalogue_pb2.GetHeadResponse(head=self.head)

    async def BatchGetItems(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note("items")
        self.keys += len(request.keys)
        return catalogue_pb2.BatchGetItemsResponse(outcomes=[self._item(key, request.hosp_lv) for key in request.keys])

    async def BatchGetInstitutions(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note("institution")
        outcomes = []
        for code in request.fixmedins_codes:
            outcome = catalogue_pb2.InstitutionOutcome()
            if code.startswith("H"):
                outcome.institution.fixmedins_code = code
                outcome.institution.admdvs = "990100"
                outcome.institution.hosp_lv = "1"
            outcomes.append(outcome)
        return catalogue_pb2.BatchGetInstitutionsResponse(outcomes=outcomes)

    async def BatchGetDiseases(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note("diseases")
        outcomes = []
        for code in request.dise_codgs:
            outcome = catalogue_pb2.DiseaseOutcome()
            if code.startswith("M"):
                outcome.disease.dise_codg, outcome.disease.chronic_class = code, "I"
            outcomes.append(outcome)
        return catalogue_pb2.BatchGetDiseasesResponse(outcomes=outcomes)

    async def ListLocalMedTypes(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note("local kinds")
        kind = records_pb2.LocalMedType(local_med_type="110104", med_type=codes_pb2.MED_TYPE_OUTPATIENT)
        kind.validity.from_day.CopyFrom(Date(year=2023, month=1, day=1))
        return catalogue_pb2.ListLocalMedTypesResponse(local_med_types=[kind] if request.admdvs == "990100" else [])

    async def ResolveStack(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note("stack")
        if not self.stack:
            raise not_found("STACK_NOT_FOUND", admdvs=request.admdvs, insutype=request.insutype)
        policy = catalogue_pb2.StackPolicy(
            policy_id=self.policy["id"],
            version=self.policy["version"],
            policy_hash=policy_hash(self.policy),
            from_day=Date(year=2023, month=1, day=1),
            version_on=self.policy["version_on"],
        )
        return catalogue_pb2.ResolveStackResponse(policies=[policy], head=self.head)

    async def GetPolicy(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note("policy")
        return catalogue_pb2.GetPolicyResponse(document_json=json.dumps(self.policy), policy_hash=request.policy_hash)

    def _note(self, what: str) -> None:
        if self.down:
            raise Fault(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE")
        self.asked.append(what)

    def _item(self, key: catalogue_pb2.ItemKey, hosp_lv: str) -> catalogue_pb2.PricedItemOutcome:
        if not key.med_list_codg.startswith("K"):
            return catalogue_pb2.PricedItemOutcome()
        item = records_pb2.Item(
            med_list_codg=key.med_list_codg, chrgitm_lv=codes_pb2.CHRGITM_LV_B, item_name=f"{self.head} {hosp_lv}"
        )
        limit = "12.5" if key.med_list_codg == "K1" else None
        priced = catalogue_pb2.PricedItem(item=item, selfpay_prop="0.1", pric_uplmt_amt=limit)
        return catalogue_pb2.PricedItemOutcome(priced_item=priced)


class Credentials(credential_pb2_grpc.CredentialServiceServicer):
    """Knows everybody but those called `nobody`, and fails on those called `bug`."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.callers: list[str] = []

    async def Verify(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise AssertionError("settlement asks by lists")

    async def BatchVerify(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.batches.append(len(request.items))
        self.callers.append(current_call().caller.subject)
        return await serve_batch(request, credential_pb2.BatchVerifyResponse(), handle=one_by_one(self._verify))

    async def _verify(self, item: Admitted) -> Any:
        asked = item.request
        if asked.psn_no == "nobody":
            raise not_found("PERSON_NOT_FOUND")
        if asked.psn_no == "bug":
            raise ValueError("a bug")
        record = person_record(asked.psn_no)
        return credential_pb2.VerifyResponse(
            person=record.person,
            enrolments=record.enrolments,
            identities=record.identities,
            family_links=record.family_links,
            ec_token_digest="digest" if asked.mdtrt_cert_type == codes_pb2.MDTRT_CERT_TYPE_EC else "",
        )


class Persons(person_pb2_grpc.PersonServiceServicer):
    """The same people by number."""

    async def BatchGetPersons(self, request: Any, context: Any) -> Any:  # noqa: N802
        outcomes = [
            person_pb2.PersonOutcome(record=None if number == "nobody" else person_record(number))
            for number in request.psn_nos
        ]
        return person_pb2.BatchGetPersonsResponse(outcomes=outcomes)


def person_record(psn_no: str) -> person_pb2.PersonRecord:
    since = Date(year=2020, month=2, day=29)
    return person_pb2.PersonRecord(
        person=person_pb2.Person(psn_no=psn_no, psn_name="测试人", brdy=Date(year=1980, month=1, day=1)),
        enrolments=[
            person_pb2.Enrolment(
                insutype="310", insuplc_admdvs="990100", psn_insu_stas="1", from_day=since, facts={"contracted": "1"}
            )
        ],
        identities=[person_pb2.PersonIdentity(psn_idet_type="2303", identity="dibao", from_day=since, to_day=since)],
        family_links=[person_pb2.FamilyLink(owner_psn_no="owner", owner_insutype="310", from_day=since)],
    )


@asynccontextmanager
async def mesh(folder: Path, member: str, servicers: list[tuple[Callable[..., None], Any]]) -> AsyncIterator[Peers]:
    """One member on a free port, seen from settlement."""
    address = f"YIBAO_{member.upper()}_ADDRESS"
    settings = {"YIBAO_SANDBOX": "on", "YIBAO_DATA_DIR": str(folder), "YIBAO_TRACE_EXPORTER": "none"}
    config = Config.load({**settings, address: "127.0.0.1:0", "YIBAO_PEER_ATTEMPTS": "1"})
    tokens = Tokens(keys.load(config), system_clock)
    telemetry = Telemetry(member, config)
    server = MemberServer(member, config, telemetry, servicers, signer=tokens.signer(member))
    await server.start()
    reached = replace(config, values={**config.values, address: server.address})
    peers = Peers("settlement", reached, tokens.signer("settlement"), telemetry)
    try:
        yield peers
    finally:
        await peers.close()
        await server.stop(0)
        telemetry.stop()
