"""Identity and catalogue as settlement calls them: over real loopback servers, with what is kept and what is asked again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from google.type.date_pb2 import Date

from services.kernel.clock import system_clock
from services.kernel.errors import Fault, FaultKind, not_found
from services.kernel.policy.identity import policy_hash
from services.runtime.auth import TokenSigner
from services.runtime.batch import Admitted, one_by_one, serve_batch
from services.runtime.call import current_call
from services.runtime.config import Config
from services.runtime.outbound import Peers
from services.runtime.server import MemberServer
from services.runtime.telemetry import Telemetry
from services.settlement.domain.catalogue import ItemKey, PriceScope, StackRequest
from services.settlement.domain.insured import CredentialQuery, Insured
from services.settlement.peers.bounded import Bounded
from services.settlement.peers.catalogue import HEAD_HOLDS_S, CatalogueClient
from services.settlement.peers.identity import IdentityClient
from tests.settlement.stacks import document
from yibao.catalogue.v1 import catalogue_pb2, catalogue_pb2_grpc, records_pb2
from yibao.common.v1 import codes_pb2
from yibao.identity.v1 import credential_pb2, credential_pb2_grpc, person_pb2, person_pb2_grpc

DAY = date(2025, 3, 10)
SCOPE = PriceScope("990100", "1", "")
POLICY = "beijing-employee@2023-01-01"


class Timer:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Catalogue(catalogue_pb2_grpc.CatalogueServiceServicer):
    """A catalogue of items whose codes begin with K; it counts what it is asked."""

    def __init__(self) -> None:
        self.head = "head 1"
        self.asked: list[str] = []
        self.keys = 0
        self.down = False
        self.policy = document(POLICY)
        self.stack = True

    async def GetHead(self, request: Any, context: Any) -> Any:  # noqa: N802  # the name is the contract's
        self._note("head")
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
        outcomes = await serve_batch(request, handle=one_by_one(self._verify))
        return credential_pb2.BatchVerifyResponse(outcomes=outcomes)

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
    signer = TokenSigner(config.mesh_key(), system_clock)
    telemetry = Telemetry(member, config)
    server = MemberServer(member, config, telemetry, servicers, signer=signer)
    await server.start()
    reached = replace(config, values={**config.values, address: server.address})
    peers = Peers("settlement", reached, signer, telemetry)
    try:
        yield peers
    finally:
        await peers.close()
        await server.stop(0)
        telemetry.stop()


@pytest.fixture
def served() -> Catalogue:
    """The catalogue that is called."""
    return Catalogue()  # type: ignore[abstract]  # it serves what settlement calls


@pytest.fixture
def timer() -> Timer:
    """The client's seconds."""
    return Timer()


@pytest.fixture
async def catalogue(tmp_path: Path, served: Catalogue, timer: Timer) -> AsyncIterator[CatalogueClient]:
    """Settlement's client of it."""
    add = catalogue_pb2_grpc.add_CatalogueServiceServicer_to_server
    async with mesh(tmp_path, "catalogue", [(add, served)]) as peers:
        yield CatalogueClient(peers, timer)


@pytest.fixture
def credentials() -> Credentials:
    """The identity that is called."""
    return Credentials()  # type: ignore[abstract]  # it serves what settlement calls


@pytest.fixture
async def identity(tmp_path: Path, credentials: Credentials) -> AsyncIterator[IdentityClient]:
    """Settlement's client of it."""
    servicers: list[tuple[Callable[..., None], Any]] = [
        (credential_pb2_grpc.add_CredentialServiceServicer_to_server, credentials),
        (person_pb2_grpc.add_PersonServiceServicer_to_server, Persons()),  # type: ignore[abstract]  # it serves what settlement calls
    ]
    async with mesh(tmp_path, "identity", servicers) as peers:
        yield IdentityClient(peers)


def query(psn_no: str, mdtrt_cert_type: str = "") -> CredentialQuery:
    return CredentialQuery("H99010000001", DAY, mdtrt_cert_type, "c" if mdtrt_cert_type else "", psn_no=psn_no)


async def test_a_list_of_credentials_is_one_call_with_an_answer_for_each(
    identity: IdentityClient, credentials: Credentials
) -> None:
    first, second, third = await identity.verify_batch([query("p1", "01"), query("nobody"), query("p3", "02")])
    assert isinstance(first, Insured)
    assert (first.person.psn_no, first.ec_token_digest) == ("p1", "digest")
    assert isinstance(second, Fault)
    assert (second.kind, second.reason) == (FaultKind.NOT_FOUND, "PERSON_NOT_FOUND")
    assert isinstance(third, Insured)
    assert third.ec_token_digest == ""
    assert (credentials.batches, credentials.callers) == ([3], ["settlement"])


async def test_a_bug_of_identity_fails_its_own_item_only(identity: IdentityClient) -> None:
    first, second = await identity.verify_batch([query("bug"), query("p1")])
    assert isinstance(first, Fault)
    assert (first.reason, first.metadata["member"]) == ("PEER_UNAVAILABLE", "identity")
    assert isinstance(second, Insured)


async def test_a_long_list_is_asked_in_parts(identity: IdentityClient, credentials: Credentials) -> None:
    answers = await identity.verify_batch([query(f"p{number}") for number in range(130)])
    assert [entry.person.psn_no for entry in answers if isinstance(entry, Insured)] == [f"p{n}" for n in range(130)]
    assert credentials.batches == [64, 64, 2]


async def test_a_person_is_told_with_days_and_facts(identity: IdentityClient) -> None:
    found = await identity.persons(["p1", "nobody"])
    assert set(found) == {"p1"}
    (enrolment,) = found["p1"].enrolments
    assert (enrolment.from_day, enrolment.to_day, enrolment.insured_since) == (
        date(2020, 2, 29),
        None,
        date(2020, 2, 29),
    )
    assert enrolment.facts == {"contracted": "1"}
    assert found["p1"].identities[0].to_day == date(2020, 2, 29)
    assert found["p1"].family_links[0].owner_psn_no == "owner"


async def test_items_are_asked_for_together_and_only_once(catalogue: CatalogueClient, served: Catalogue) -> None:
    keys = [ItemKey("K1", DAY), ItemKey("K2", DAY), ItemKey("K1", DAY), ItemKey("X", DAY)]
    found = await catalogue.priced_items(SCOPE, keys)
    assert set(found) == {ItemKey("K1", DAY), ItemKey("K2", DAY)}
    priced = found[ItemKey("K1", DAY)]
    assert (priced.price_limit_e6, priced.price_limit, priced.selfpay_prop_e4, priced.chrg_class) == (
        12_500_000,
        "12.5",
        1000,
        "B",
    )
    assert (found[ItemKey("K2", DAY)].price_limit_e6, found[ItemKey("K2", DAY)].price_limit) == (None, "")
    await catalogue.priced_items(SCOPE, keys[:3])
    assert (served.asked, served.keys) == (["head", "items"], 3)


async def test_an_item_of_another_level_or_day_is_another_item(catalogue: CatalogueClient, served: Catalogue) -> None:
    await catalogue.priced_items(SCOPE, [ItemKey("K1", DAY)])
    other = await catalogue.priced_items(replace(SCOPE, hosp_lv="5"), [ItemKey("K1", DAY)])
    assert other[ItemKey("K1", DAY)].item_name == "head 1 5"
    await catalogue.priced_items(SCOPE, [ItemKey("K1", date(2025, 3, 11))])
    assert served.asked.count("items") == 3


async def test_an_unknown_item_is_asked_for_again(catalogue: CatalogueClient, served: Catalogue) -> None:
    for _ in range(2):
        assert await catalogue.priced_items(SCOPE, [ItemKey("X", DAY)]) == {}
    assert served.asked.count("items") == 2


async def test_more_items_than_a_call_takes_are_asked_in_parts(catalogue: CatalogueClient, served: Catalogue) -> None:
    found = await catalogue.priced_items(SCOPE, [ItemKey(f"K{number}", DAY) for number in range(2001)])
    assert len(found) == 2001
    assert served.asked.count("items") == 2


async def test_what_was_read_at_an_older_head_is_read_again(
    catalogue: CatalogueClient, served: Catalogue, timer: Timer
) -> None:
    await catalogue.priced_items(SCOPE, [ItemKey("K1", DAY)])
    served.head = "head 2"
    assert (await catalogue.priced_items(SCOPE, [ItemKey("K1", DAY)]))[ItemKey("K1", DAY)].item_name == "head 1 1"
    timer.now += HEAD_HOLDS_S
    assert (await catalogue.priced_items(SCOPE, [ItemKey("K1", DAY)]))[ItemKey("K1", DAY)].item_name == "head 2 1"


async def test_while_the_catalogue_is_away_what_is_kept_still_serves(
    catalogue: CatalogueClient, served: Catalogue, timer: Timer
) -> None:
    await catalogue.priced_items(SCOPE, [ItemKey("K1", DAY)])
    served.down = True
    timer.now += HEAD_HOLDS_S
    assert await catalogue.priced_items(SCOPE, [ItemKey("K1", DAY)])
    with pytest.raises(Fault) as caught:
        await catalogue.priced_items(SCOPE, [ItemKey("K2", DAY)])
    assert caught.value.kind is FaultKind.UNAVAILABLE


async def test_a_catalogue_that_never_answered_is_a_refusal(catalogue: CatalogueClient, served: Catalogue) -> None:
    served.down = True
    with pytest.raises(Fault) as caught:
        await catalogue.head()
    assert caught.value.kind is FaultKind.UNAVAILABLE


async def test_an_institution_is_kept_and_an_unknown_one_refused(catalogue: CatalogueClient, served: Catalogue) -> None:
    for _ in range(2):
        assert (await catalogue.institution("H99010000001", DAY)).hosp_lv == "1"
    assert served.asked.count("institution") == 1
    with pytest.raises(Fault) as caught:
        await catalogue.institution("X", DAY)
    assert (caught.value.kind, caught.value.reason) == (FaultKind.PRECONDITION, "INSTITUTION_UNKNOWN")


async def test_diseases_are_kept_and_unknown_ones_absent(catalogue: CatalogueClient, served: Catalogue) -> None:
    for _ in range(2):
        found = await catalogue.diseases("990100", DAY, ["M1", "M1"])
        assert found["M1"].chronic_class == "I"
    assert served.asked.count("diseases") == 1
    assert await catalogue.diseases("990100", DAY, ["X"]) == {}


async def test_a_stack_is_chosen_compiled_and_kept(catalogue: CatalogueClient, served: Catalogue) -> None:
    request = StackRequest("990100", "310", DAY, DAY)
    choice = await catalogue.stack(request)
    assert choice.stack.names == (POLICY,)
    assert choice.versions[0].content_hash == policy_hash(served.policy)
    assert await catalogue.stack(request) is choice
    other = await catalogue.stack(StackRequest("990100", "310", date(2025, 3, 11), DAY))
    assert other.stack is choice.stack
    assert (served.asked.count("stack"), served.asked.count("policy")) == (2, 1)


async def test_a_stack_without_a_version_on_the_day_is_refused(catalogue: CatalogueClient) -> None:
    with pytest.raises(Fault) as caught:
        await catalogue.stack(StackRequest("990100", "310", date(2020, 1, 1), date(2020, 1, 1)))
    assert caught.value.reason == "POLICY_NOT_EFFECTIVE"


async def test_a_place_without_a_stack_is_refused_as_the_catalogue_says(
    catalogue: CatalogueClient, served: Catalogue
) -> None:
    served.stack = False
    with pytest.raises(Fault) as caught:
        await catalogue.stack(StackRequest("990100", "310", DAY, DAY))
    assert (caught.value.kind, caught.value.reason) == (FaultKind.NOT_FOUND, "STACK_NOT_FOUND")


def test_a_bounded_table_forgets_what_was_asked_for_longest_ago() -> None:
    kept: Bounded[str, int] = Bounded(2)
    kept.keep("a", 1)
    kept.keep("b", 2)
    assert kept.get("a") == 1
    kept.keep("c", 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c"), len(kept)) == (1, None, 3, 2)
