"""Tickets: to whom one is given, what it says, and that a node takes it; keys and how they change."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from services.imaging.domain.audit import Access, AccessOutcome, Action
from services.imaging.domain.scopes import Scope
from services.imaging.domain.sessions import Purpose, Reader, Session
from services.imaging.domain.studies import Availability
from services.imaging.domain.tickets import GrantEnd, grant_digest
from services.imaging.operations.ports import Also
from services.imaging.operations.searching import Patient, Searching, Sitting
from services.imaging.operations.tickets import Given, KeyRing, Tickets
from services.imaging.store.unit import ImagingStore
from services.kernel.clock import to_micros
from services.kernel.errors import Fault, FaultKind
from services.runtime.jws import JwsKey
from tests.imaging.conftest import opened
from tests.imaging.memory import ME, OTHER, OWN, SITTING, Memory, Names, kept
from tools.pacs_node.refusals import Refusal
from tools.pacs_node.tickets import Tickets as TicketsOfNode

NOW = datetime(2026, 3, 5, 4, 0, 30, 500_000, tzinfo=UTC)
FAR = to_micros(NOW + timedelta(days=900))
GRANT = "G110000" + "1".zfill(20)
READING = replace(
    SITTING,
    ends_at=FAR,
    patients=(Patient(GRANT, ME, "PSEUDO1"), Patient("G370000" + "2".zfill(20), OTHER, "PSEUDO2")),
)
LISTING = replace(OWN, ends_at=FAR)


@dataclass
class Desk:
    """Tickets over an index in memory, an audit log that is kept, and secrets made of their names."""

    store: ImagingStore
    memory: Memory = field(default_factory=Memory)
    written: list[Access] = field(default_factory=list)
    now: datetime = NOW
    passed: float = 0.0

    def __post_init__(self) -> None:
        self.memory.scopes_now = {each.grant_no: Scope() for each in READING.patients}
        searching = Searching(self.memory, self.memory, self.memory, Names())
        numbers = iter(range(100))
        self.ring = KeyRing(self, JwsKey, lambda: self.now)
        self.tickets = Tickets(
            searching,
            self,
            self.ring,
            lambda: self.now,
            lambda size: bytes([next(numbers)]) * size,
            lambda: self.passed,
        )

    async def key(self, name: str, length: int) -> bytes:
        return hashlib.sha256(name.encode()).digest()[:length]

    async def write(self, accesses: Sequence[Access], also: Also | None = None) -> None:
        if self.memory.audit_down:
            raise Fault(FaultKind.UNAVAILABLE, "AUDIT_UNAVAILABLE")
        self.written += accesses
        if also is not None:
            async with self.store.write() as work:
                await also(work)

    async def sits(self, session_no: str) -> None:
        """A session goes on."""
        token = session_no.encode()
        reader = Reader(Purpose.TREATMENT, "H11010100901", "D1")
        async with self.store.write() as work:
            await work.sessions.add(Session(session_no, token, token, reader, 0, FAR))

    async def close(self, session_no: str) -> None:
        """It is closed, as `Sessions` does it."""
        async with self.store.write() as work:
            await work.sessions.end(session_no.encode(), to_micros(self.now))
            await work.tickets.end_sessions([session_no], self.now)

    async def refused(self, study_uid: str, sitting: Sitting = READING) -> Fault:
        with pytest.raises(Fault) as caught:
            await self.tickets.issue(sitting, study_uid)
        return caught.value

    async def living(self, grant_no: str = GRANT) -> list[str]:
        async with self.store.read() as work:
            return [each.study_uid for each in await work.tickets.of_grants([grant_no], self.now)]

    async def node(self, node_no: str = "N1") -> TicketsOfNode:
        node = TicketsOfNode(node_no)
        node.learn_keys({"keys": await self.ring.told()})
        node.learn_revoked([])
        return node


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(f"sqlite:///{tmp_path / 'imaging.sqlite'}") as store:
        made = Desk(store)
        for each in ("R1", "R2", "R9"):
            await made.sits(each)
        yield made


def claims(given: Given) -> dict[str, Any]:
    return jwt.decode(given.text, options={"verify_signature": False})


async def test_a_ticket_opens_one_study_at_its_node_for_five_minutes_and_names_no_person(desk: Desk) -> None:
    desk.memory.studies = [kept("1.1", fixmedins_code="H37010200901")]
    given = await desk.tickets.issue(READING, "1.1")
    assert given.url == f"https://node1.example/t/{given.text}/studies/1.1"
    told = claims(given)
    jti, at = told.pop("jti"), int(NOW.timestamp())
    assert told == {
        "iss": "imaging",
        "aud": "N1",
        "sub": "R1",
        "org": "H11010100901",
        "pur": "TREATMENT",
        "stu": "1.1",
        "gra": grant_digest(GRANT),
        "nbf": at,
        "exp": at + 300,
    }
    assert len(jti) == 22
    assert given.expires_at == NOW + timedelta(seconds=300)
    assert await desk.living() == ["1.1"]
    (entry,) = desk.written
    assert (entry.action, entry.outcome, entry.node_no, entry.grant_no) == (
        Action.TICKET_GIVEN, AccessOutcome.SUCCESS, "N1", GRANT,
    )  # fmt: skip
    assert (entry.study_uid, entry.session_no, entry.person_key) == ("1.1", "R1", ME)


async def test_the_node_takes_a_ticket_without_asking_back_and_no_other(desk: Desk) -> None:
    desk.now = datetime.now(UTC)
    desk.memory.studies = [kept("1.1"), kept("1.2")]
    given = await desk.tickets.issue(READING, "1.1")
    node = await desk.node()
    node.check(given.text, "1.1")
    for text, study, reason in (
        (given.text, "1.2", "TICKET_FOREIGN"),
        (given.text[:-4] + "AAAA", "1.1", "TICKET_INVALID"),
    ):
        with pytest.raises(Refusal) as refused:
            node.check(text, study)
        assert refused.value.reason == reason
    with pytest.raises(Refusal) as refused:
        (await desk.node("N2")).check(given.text, "1.1")
    assert refused.value.reason == "TICKET_FOREIGN"
    other = await desk.tickets.issue(READING, "1.2")
    node.learn_revoked([claims(given)["jti"]])
    node.check(other.text, "1.2")
    node.learn_revoked([grant_digest(GRANT)])
    with pytest.raises(Refusal) as refused:
        node.check(other.text, "1.2")
    assert refused.value.reason == "TICKET_REVOKED"


async def test_of_no_such_study_and_of_one_that_is_not_the_readers_the_same_is_answered(desk: Desk) -> None:
    desk.memory.studies = [kept("1.1", b"x" * 16), kept("1.2")]
    desk.memory.scopes_now[GRANT] = Scope(study_uid="9.9")
    faults = [await desk.refused(uid) for uid in ("1.1", "1.2", "1.3")]
    assert {(each.kind, each.reason, tuple(each.metadata)) for each in faults} == {
        (FaultKind.NOT_FOUND, "STUDY_NOT_FOUND", ())
    }
    assert [(each.outcome, each.study_uid, each.person_key) for each in desk.written] == [
        (AccessOutcome.REFUSED, uid, None) for uid in ("1.1", "1.2", "1.3")
    ]


async def test_a_ticket_ends_with_its_grant_and_is_not_given_once_that_is_over(desk: Desk) -> None:
    desk.memory.studies = [kept("1.1")]
    desk.memory.scopes_now[GRANT] = Scope(until=NOW + timedelta(seconds=20))
    given = await desk.tickets.issue(READING, "1.1")
    assert given.expires_at == NOW + timedelta(seconds=20)
    assert claims(given)["exp"] <= (NOW + timedelta(seconds=20)).timestamp()
    desk.now = NOW + timedelta(seconds=20)
    assert (await desk.refused("1.1")).reason == "STUDY_NOT_FOUND"
    desk.memory.scopes_now[GRANT] = Scope()
    over = replace(READING, ends_at=to_micros(NOW + timedelta(seconds=60)))
    assert (await desk.tickets.issue(over, "1.1")).expires_at == NOW + timedelta(seconds=60)
    desk.now = NOW + timedelta(seconds=60)
    assert await desk.living() == []


async def test_where_a_node_is_away_the_other_one_serves_and_where_both_are_it_is_said(desk: Desk) -> None:
    desk.memory.studies = [
        kept("1.1", availability=Availability.ONLINE),
        kept("1.1", node_ref=2, availability=Availability.NEARLINE),
    ]
    desk.memory.up = {1: False}
    assert (await desk.tickets.issue(READING, "1.1")).url.startswith("https://node2.example/t/")
    desk.memory.up = {1: False, 2: False}
    fault = await desk.refused("1.1")
    assert (fault.kind, fault.reason, fault.retry_after_s) == (FaultKind.UNAVAILABLE, "NODE_AWAY", 30.0)


async def test_without_the_log_no_ticket_is_given(desk: Desk) -> None:
    desk.memory.studies = [kept("1.1")]
    desk.memory.audit_down = True
    assert (await desk.refused("1.1")).reason == "AUDIT_UNAVAILABLE"
    assert await desk.living() == []


async def test_an_institution_opens_its_own_study_under_no_grant(desk: Desk) -> None:
    desk.memory.studies = [kept("1.1"), kept("1.2", fixmedins_code="H1")]
    told = claims(await desk.tickets.issue(LISTING, "1.1"))
    assert (told["sub"], told["org"], told["pur"]) == ("R2", "H37010200901", "OWN")
    assert (await desk.refused("1.2", LISTING)).reason == "STUDY_NOT_FOUND"
    assert [each.grant_no for each in desk.written] == ["", ""]


async def test_no_ticket_is_given_in_a_session_that_is_closed_while_the_cell_is_asked(desk: Desk) -> None:
    desk.memory.studies = [kept("1.1")]
    for sitting in (READING, LISTING):
        await desk.close(sitting.session_no)
        assert (await desk.refused("1.1", sitting)).reason == "SESSION_UNKNOWN"
    assert await desk.living() == []


async def test_requests_for_one_study_share_a_ticket_for_a_second(desk: Desk) -> None:
    desk.memory.studies = [kept("1.1"), kept("1.2")]
    first = await desk.tickets.address(READING, "1.1")
    desk.passed = 0.9
    assert await desk.tickets.address(READING, "1.1") == first
    assert await desk.tickets.address(READING, "1.2") != first
    assert await desk.tickets.address(replace(READING, session_no="R9"), "1.1") != first
    desk.passed = 1.0
    assert await desk.tickets.address(READING, "1.1") != first
    desk.memory.scopes_now = {}
    desk.passed = 2.0
    with pytest.raises(Fault):
        await desk.tickets.address(READING, "1.1")


async def test_keys_change_each_month_and_both_are_told_around_that(desk: Desk) -> None:
    async def told(at: datetime) -> list[str]:
        desk.now = at
        return [each["kid"] for each in await desk.ring.told()]

    change = datetime(2026, 3, 8, tzinfo=UTC)
    assert int(change.timestamp()) // 86_400 % 30 == 0
    (before,) = await told(change - timedelta(days=2))
    first, *others = await told(change - timedelta(seconds=1))
    (after,) = others
    assert first == before != after
    assert await told(change) == [after, before]
    assert await told(change + timedelta(days=2)) == [after]
    desk.now = change
    desk.memory.studies = [kept("1.1")]
    given = await desk.tickets.issue(READING, "1.1")
    assert jwt.get_unverified_header(given.text) == {"alg": "EdDSA", "kid": after, "typ": "JWT"}


def test_a_key_is_named_by_its_thumbprint() -> None:
    # The key of RFC 8037, appendix A.1, whose thumbprint appendix A.3 tells.
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert JwsKey(seed).jwk() == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "kPrK_qmxVWaYVA9w",
        "use": "sig",
        "alg": "EdDSA",
    }


async def test_a_ticket_dies_with_each_institution_as_whose_a_node_tells_its_study(desk: Desk) -> None:
    desk.memory.studies = [kept("1.1"), kept("1.1", node_ref=2, fixmedins_code="H11010100001")]
    await desk.tickets.issue(READING, "1.1")
    async with desk.store.read() as work:
        (ticket,) = await work.tickets.of_grants([GRANT], NOW)
    for code, dies in (("H37010200901", True), ("H11010100001", True), ("H1", False)):
        assert GrantEnd(1, GRANT, "", code, NOW).hides(ticket) is dies
