"""Identity and catalogue as settlement calls them: over real loopback servers, with what is kept and what is asked again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.kernel.errors import Fault, FaultKind
from services.kernel.policy.identity import policy_hash
from services.runtime.kept import Bounded
from services.settlement.domain.benefits.stack import StackRequest
from services.settlement.domain.care.catalogue import ItemKey, LocalKind, PriceScope
from services.settlement.domain.care.insured import CredentialQuery, Insured
from services.settlement.peers.catalogue import HEAD_HOLDS_S, CatalogueClient
from services.settlement.peers.identity import IdentityClient
from tests.settlement.peers_played import POLICY, Catalogue, Credentials, Persons, mesh
from yibao.catalogue.v1 import catalogue_pb2_grpc
from yibao.identity.v1 import credential_pb2_grpc, person_pb2_grpc

DAY = date(2025, 3, 10)
SCOPE = PriceScope("990100", "1", "")


class Timer:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


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


async def test_credentials_that_are_shown_at_the_same_time_are_one_call(
    identity: IdentityClient, credentials: Credentials
) -> None:
    shown = [replace(query(psn_no), node="mdtrtinfo") for psn_no in ("p1", "nobody", "p3", "bug")]
    first, second, third, bug = await asyncio.gather(*map(identity.verify, shown), return_exceptions=True)
    assert isinstance(first, Insured)
    assert isinstance(third, Insured)
    assert (first.person.psn_no, third.person.psn_no) == ("p1", "p3")
    assert isinstance(second, Fault)
    assert second.reason == "PERSON_NOT_FOUND"
    assert isinstance(bug, Fault)
    assert (bug.reason, bug.metadata["member"]) == ("PEER_UNAVAILABLE", "identity")
    assert credentials.batches == [4]
    assert isinstance(await identity.verify(query("p5")), Insured)
    assert credentials.batches == [4, 1]


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


async def test_a_silent_catalogue_costs_a_second_now_and_then_and_its_last_head_holds(
    catalogue: CatalogueClient, served: Catalogue, timer: Timer
) -> None:
    assert await catalogue.head() == "head 1"
    served.silent = True
    timer.now += HEAD_HOLDS_S
    begun = time.monotonic()
    assert await asyncio.gather(*(catalogue.head() for _ in range(20))) == ["head 1"] * 20
    assert time.monotonic() - begun < 3
    assert served.asked == ["head", "head"]
    served.silent, served.head = False, "head 2"
    timer.now += HEAD_HOLDS_S
    assert await catalogue.head() == "head 2"


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


async def test_local_kinds_of_care_are_asked_for_once_a_place_also_where_there_are_none(
    catalogue: CatalogueClient, served: Catalogue
) -> None:
    for _ in range(3):
        assert [*await catalogue.local_kinds("990100")] == [LocalKind("110104", "11", date(2023, 1, 1), None)]
        assert [*await catalogue.local_kinds("110000")] == []
    assert served.asked.count("local kinds") == 2


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
