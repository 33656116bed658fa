"""The store of identity keeps its promises on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.identity.domain.credential import CodeState, Credential, EcToken, ShownCode
from services.identity.domain.digests import digest
from services.identity.domain.enrolment import revise
from services.identity.domain.journal import SecretEntry
from services.identity.domain.partner import (
    ApiKey,
    AuthStyle,
    Dialect,
    KeyHolder,
    KeyList,
    Partner,
    PartnerLimit,
    SignIn,
)
from services.identity.domain.person import PersonRecord, in_order
from services.identity.operations.journal import written
from services.identity.store import credentials, journal, partners, persons
from services.identity.store.statements import make_statements
from services.identity.store.tables import make_tables
from services.identity.store.unit import IdentityStore, Unit
from services.kernel.errors import Fault, FaultKind
from services.kernel.requests import Moved, RequestStamp
from services.runtime.db import Database
from tests.identity.people import NOON, enrolment, identity, link, person, record
from tests.plans import scanned, statements_in

KEY = RequestStamp("operator:1", "r1", "/s/Write", "hash")
RICH = in_order(
    replace(
        record(
            1,
            enrolment(
                to_day=date(2024, 12, 31),
                insured_since=date(2001, 2, 3),
                cvlserv_flag=True,
                facts={"级别": "𬌗", "a": "1"},
            ),
            enrolment(insutype="390", from_day=date(2025, 1, 1), emp_name="测试单位"),
            card_no="C1",
            card_sn="SN1",
        ),
        identities=(identity(memo="备注", psn_type_lv="2"), identity(to_day=date(2025, 1, 1))),
        family_links=(
            link(2),
            link(2, owner_insutype="390", to_day=date(2026, 1, 1)),
            link(9, owner_cell="370000"),
        ),
    )
)


async def test_a_record_comes_back_as_it_went_in(any_store: IdentityStore) -> None:
    async with any_store.write() as work:
        await work.persons.add([RICH, record(2)])
    async with any_store.read() as work:
        found = {each.person.psn_no: each for each in await work.persons.find([person(1).psn_no, person(2).psn_no])}
    assert found == {person(1).psn_no: RICH, person(2).psn_no: record(2)}


async def test_persons_are_found_by_number_certificate_and_card_each_once(any_store: IdentityStore) -> None:
    passport = record(3, psn_cert_type="08", certno=person(9).certno)
    async with any_store.write() as work:
        await work.persons.add([record(1, card_no="C1"), record(2), passport, record(4), record(9)])
    async with any_store.read() as work:
        found = await work.persons.find([person(1).psn_no], [person(2).certno], ["C1"])
        assert sorted(each.person.psn_no for each in found) == [person(1).psn_no, person(2).psn_no]
        assert await work.persons.find([], [], []) == []
        of_any_type = await work.persons.find((), [person(9).certno])
    assert sorted(each.person.psn_no for each in of_any_type) == [person(3).psn_no, person(9).psn_no]


async def test_many_persons_without_a_card_do_not_meet(any_store: IdentityStore) -> None:
    async with any_store.write() as work:
        await work.persons.add([record(number) for number in range(1000)])
    async with any_store.read() as work:
        assert len(await work.persons.find([person(number).psn_no for number in range(1000)])) == 1000


@pytest.mark.parametrize(
    "twin",
    [record(1, certno="x"), record(2, certno=person(1).certno), record(2, card_no="C1")],
    ids=["number", "certificate", "card"],
)
async def test_the_same_number_certificate_or_card_collides_and_nothing_stays(
    any_store: IdentityStore, twin: PersonRecord
) -> None:
    async with any_store.write() as work:
        await work.persons.add([record(1, card_no="C1")])
    with pytest.raises(Moved):
        async with any_store.write() as work:
            await work.persons.add([record(7), twin])
    async with any_store.read() as work:
        assert await work.persons.find([person(7).psn_no]) == []


async def test_what_stands_is_told_of_everything_that_a_registration_touches(any_store: IdentityStore) -> None:
    async with any_store.write() as work:
        await work.persons.add([record(1, card_no="C1"), record(2), record(3)])
        asked = [record(1), replace(record(8, certno=person(2).certno), family_links=(link(3), link(9)))]
        standing = await work.persons.standing([*asked, record(6, card_no="C1")])
    assert standing.records == {person(1).psn_no: record(1, card_no="C1")}
    assert standing.certificates["01", person(2).certno] == person(2).psn_no
    assert standing.cards == {"C1": person(1).psn_no}
    assert standing.owners == {person(3).psn_no}


async def test_a_revision_ends_one_row_and_adds_one(any_store: IdentityStore) -> None:
    number = person(1).psn_no
    async with any_store.write() as work:
        await work.persons.add([record(1)])
        held = await work.persons.hold(number)
        assert held == record(1)
        await work.persons.revise(
            number, revise(held.enrolments, enrolment(from_day=date(2026, 1, 1), status="retired"))
        )
        assert await work.persons.hold("nobody") is None
    async with any_store.read() as work:
        (after,) = await work.persons.find([number])
    assert after.enrolments == (
        enrolment(to_day=date(2025, 12, 31)),
        enrolment(from_day=date(2026, 1, 1), status="retired"),
    )


async def test_an_entry_is_found_by_scope_and_request_id_and_stands_once(any_store: IdentityStore) -> None:
    entry = SecretEntry(KEY, b"\x00\xff", NOON, b"seed", "digest")
    async with any_store.write() as work:
        assert await work.journal.find(KEY) is None
        await work.journal.add(entry)
    with pytest.raises(Moved):
        async with any_store.write() as work:
            await work.journal.add(replace(entry, response=b"other"))
    async with any_store.write() as work:
        assert await work.journal.find(replace(KEY, content_hash="other")) == entry
        assert await work.journal.find(replace(KEY, scope="other")) is None


async def test_of_writers_of_one_request_id_the_second_sees_the_first(any_store: IdentityStore) -> None:
    seen: list[bool] = []

    async def write() -> None:
        async with any_store.write() as work:
            standing = await work.journal.find(KEY)
            seen.append(standing is not None)
            if standing is None:
                await asyncio.sleep(0.01)
                await work.journal.add(SecretEntry(KEY, b"", NOON))

    await asyncio.gather(*(write() for _ in range(5)))
    assert sorted(seen) == [False, True, True, True, True]


async def test_a_person_has_one_credential_and_one_unused_code(any_store: IdentityStore) -> None:
    number, dead = person(1).psn_no, NOON + timedelta(seconds=60)
    codes = [ShownCode(f"d{place}", number, CodeState.SHOWN, dead) for place in range(2)]
    async with any_store.write() as work:
        await work.persons.add([record(1)])
        await work.credentials.add(Credential("c1", number, "APP", NOON))
        for code in codes:
            await work.credentials.show(code, NOON, NOON)
        assert await work.credentials.hold_code("d0") == replace(codes[0], state=CodeState.REPLACED)
        assert await work.credentials.hold_code("d1") == codes[1]
        assert await work.credentials.hold_code("d9") is None
        assert await work.credentials.find(number) == Credential("c1", number, "APP", NOON)
    with pytest.raises(Moved):
        async with any_store.write() as work:
            await work.credentials.add(Credential("c2", number, "BANK", NOON))


async def test_codes_that_ran_out_long_ago_are_forgotten(any_store: IdentityStore) -> None:
    number = person(1).psn_no
    async with any_store.write() as work:
        await work.persons.add([record(1)])
        await work.credentials.show(ShownCode("old", number, CodeState.SHOWN, NOON), NOON, NOON)
        later = NOON + timedelta(seconds=1)
        await work.credentials.show(ShownCode("new", number, CodeState.SHOWN, later), NOON, later)
        assert await work.credentials.hold_code("old") is None


async def test_a_code_gives_one_token(any_store: IdentityStore) -> None:
    number = person(1).psn_no
    token = EcToken("t1", number, "H1", "d1", NOON, NOON + timedelta(minutes=30))
    async with any_store.write() as work:
        await work.persons.add([record(1)])
        await work.credentials.show(ShownCode("d1", number, CodeState.SHOWN, NOON), NOON, NOON)
        await work.credentials.use(token, NOON)
        used = await work.credentials.hold_code("d1")
    assert used is not None
    assert used.state is CodeState.USED
    async with any_store.read() as work:
        assert await work.credentials.tokens(["t1", "t2"]) == {"t1": token}
    with pytest.raises(Moved):
        async with any_store.write() as work:
            await work.credentials.use(replace(token, token_digest="t2"), NOON)


async def test_tokens_that_ran_out_long_ago_are_forgotten_each_with_its_own_person(any_store: IdentityStore) -> None:
    old = EcToken("old", person(1).psn_no, "H1", "d1", NOON, NOON + timedelta(minutes=30))
    new = replace(old, token_digest="new", code_digest="d2", expires_at=NOON + timedelta(days=2))
    other = replace(old, token_digest="other", code_digest="d3", psn_no=person(2).psn_no)
    async with any_store.write() as work:
        await work.persons.add([record(1), record(2)])
        await work.credentials.use(old, NOON)
        await work.credentials.use(other, old.expires_at)
        assert set(await work.credentials.tokens(["old", "other"])) == {"old", "other"}
        await work.credentials.use(new, old.expires_at + timedelta(microseconds=1))
        assert set(await work.credentials.tokens(["old", "new", "other"])) == {"new", "other"}


LIMITS = (PartnerLimit(date(2026, 1, 1), date(2026, 1, 31), 600, 0), PartnerLimit(date(2026, 2, 1), None, 0, 32))
PARTNER = Partner(
    "H1",
    "测试医院",
    "institution",
    AuthStyle.CSB,
    "ak",
    "sk",
    False,
    Dialect(infcode_as_text=True, null_output=True),
    LIMITS,
)


async def test_a_profile_is_replaced_under_its_code_and_found_by_each_of_its_names(any_store: IdentityStore) -> None:
    by_header = replace(PARTNER, partner_code="H2", auth_style=AuthStyle.API_KEY, access_key="", secret="header").kept()
    async with any_store.write() as work:
        await work.partners.save(replace(PARTNER, access_key="old"), NOON)
        await work.partners.save(PARTNER, NOON)
        await work.partners.save(by_header, NOON)
    async with any_store.read() as work:
        assert await work.partners.find(code="H1") == PARTNER
        assert await work.partners.find(access_key="ak") == PARTNER
        assert await work.partners.find(access_key="old") is None
        assert await work.partners.find(secret_digest=digest("header")) == by_header
        assert await work.partners.find(secret_digest=digest("sk")) is None


async def test_two_partners_cannot_share_an_access_key(any_store: IdentityStore) -> None:
    async with any_store.write() as work:
        await work.partners.save(PARTNER, NOON)
    with pytest.raises(Moved):
        async with any_store.write() as work:
            await work.partners.save(replace(PARTNER, partner_code="H2"), NOON)


async def test_a_write_before_which_others_are_again_and_again_finds_the_store_away(any_store: IdentityStore) -> None:
    async def act(work: Unit) -> None:
        raise Moved

    with pytest.raises(Fault) as refused:
        await written(any_store, act)
    assert (refused.value.kind, refused.value.reason) == (FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE")


async def test_partners_without_an_access_key_share_none(any_store: IdentityStore) -> None:
    nameless = replace(PARTNER, auth_style=AuthStyle.API_KEY, access_key="")
    several = [replace(nameless, partner_code=code, secret=f"of {code}").kept() for code in ("H1", "H2")]
    async with any_store.write() as work:
        for each in several:
            await work.partners.save(each, NOON)
    async with any_store.read() as work:
        assert [await work.partners.find(code=each.partner_code) for each in several] == several


async def test_keys_stand_under_their_digest_and_old_bootstrap_keys_go(any_store: IdentityStore) -> None:
    holder = KeyHolder("operator", "bootstrap")
    first, second = (ApiKey(name, holder, NOON, bootstrap=True, key_id=name) for name in ("d1", "d2"))
    issued = ApiKey("d3", holder, NOON, key_id="d3")
    async with any_store.write() as work:
        for key in (first, second, issued):
            await work.partners.add_key(key)
        await work.partners.drop_bootstrap(holder, "d2")
        assert [await work.partners.find_key(name) for name in ("d1", "d2", "d3")] == [None, second, issued]


async def test_keys_are_listed_along_their_ids_by_holder_and_page(any_store: IdentityStore) -> None:
    holders = [KeyHolder(role, subject) for role in ("operator", "person") for subject in ("1", "2")]
    keys = [
        ApiKey(f"d{n}", holder, NOON, key_id=f"k{n}", label=f"用途{n}", last_used_at=NOON if n else None)
        for n, holder in enumerate(holders)
    ]
    async with any_store.write() as work:
        for key in reversed(keys):
            await work.partners.add_key(key)
        await work.partners.revoke_key("k3", NOON)
        assert await work.partners.hold_key("k3") == replace(keys[3], revoked_at=NOON)
        assert await work.partners.hold_key("k9") is None

    async def listed(
        role: str = "", subject: str = "", after: str = "", size: int = 9, *, revoked: bool = False
    ) -> list[str]:
        async with any_store.read() as work:
            return [each.key_id for each in await work.partners.list_keys(KeyList(role, subject, revoked, after, size))]

    assert await listed() == ["k0", "k1", "k2"]
    assert await listed(revoked=True) == ["k0", "k1", "k2", "k3"]
    assert (await listed(size=2), await listed(after="k1")) == (["k0", "k1"], ["k2"])
    assert (await listed("person"), await listed("", "2", revoked=True)) == (["k2"], ["k1", "k3"])
    assert await listed("operator", "2") == ["k1"]
    async with any_store.write() as work:
        await work.partners.reissue_key("k3", "neu")
        await work.partners.note_use("d3", NOON + timedelta(hours=1))
        again = replace(keys[3], label="neu", last_used_at=NOON + timedelta(hours=1))
        assert await work.partners.find_key("d3") == again


async def test_a_sign_in_is_open_until_it_is_signed_out(any_store: IdentityStore) -> None:
    sign_in = SignIn("1", "H1", "op", "mac", "ip", NOON, None)
    async with any_store.write() as work:
        await work.partners.add_sign_in(sign_in)
        assert await work.partners.hold_sign_in("1") == sign_in
        await work.partners.sign_out("1", NOON)
    async with any_store.read() as work:
        assert await work.partners.find_sign_in("1") == replace(sign_in, signed_out_at=NOON)
        assert await work.partners.find_sign_in("2") is None


async def test_the_look_ups_of_the_hot_path_search_by_index(tmp_path: Path) -> None:
    tables = make_tables()
    statements = make_statements(tables)
    rows = [*statements_in(credentials), *statements_in(journal), *statements_in(partners), *statements_in(persons)]
    # The few bootstrap keys are looked through when a member starts.
    rows.remove(partners._DROP_KEYS["sqlite"])
    hot = [
        *rows,
        *(each["sqlite"] for each in (*statements.people.values(), statements.dated, *statements.whole.values())),
    ]
    database = Database(f"sqlite:///{tmp_path / 'plan.sqlite'}", lambda: NOON)
    await database.start(tables.metadata)
    assert await scanned(database, hot) == []
    await database.close()


async def test_on_postgresql_a_credential_reads_no_table_of_thousands_whole(
    postgres_database: str,
) -> None:
    database = Database(postgres_database, lambda: NOON)
    store = IdentityStore(database)
    await store.start()
    try:
        async with store.write() as work:
            await work.persons.add([record(number) for number in range(1, 3001)])
        read: dict[str, list[str]] = {}
        async with database.driver_read() as connection:
            for number, statement in enumerate(make_statements(make_tables()).whole.values()):
                text = statement["postgresql"]
                count = max(place for place in range(1, 5) if f"${place}" in text)
                await connection.fetch(f"PREPARE asked{number} AS {text}")
                plan = await connection.fetch(f"EXPLAIN EXECUTE asked{number}({', '.join(['NULL'] * count)})")
                whole = [line for (line,) in plan if "Seq Scan on" in line and "ec_token" not in line]
                read |= {text: whole} if whole else {}
        assert read == {}
    finally:
        await database.close()
