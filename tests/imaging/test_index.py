"""The index as searches read it: own lists at any depth, accession numbers, persons by days, nodes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from services.imaging.domain.own_lists import Days, days_of, list_changes
from services.imaging.domain.scopes import Scope
from services.imaging.operations.looking import seen_of
from services.imaging.operations.nodes import NodeOperations
from services.imaging.operations.searching import Patient
from services.imaging.operations.sightings import Sightings
from services.imaging.store.index import StoredIndex
from services.kernel.requests import RequestStamp
from tests.imaging.conftest import House, key_of
from tests.imaging.entries import HOSPITAL, NODE, NOON, OTHER_NODE, OTHER_PSN_NO, PSN_NO, uid, upsert, withdrawal

OTHER_HOSPITAL = "H99010000002"


def index_of(house: House, now: datetime = NOON) -> StoredIndex:
    return StoredIndex(house.store, lambda: now, lambda: 0.0)


async def own(house: House, offset: int = 0, limit: int = 100, dates: tuple[str, str] | None = None) -> list[str]:
    """A page of the hospital's list."""
    kept, _ = await index_of(house).own(HOSPITAL, dates, offset, limit)
    return [each.uid for each in kept]


async def test_an_own_list_is_paged_whole_and_in_order_at_any_depth(house: House) -> None:
    days = [f"2025{1 + seq % 3:02}{1 + seq % 20:02}" for seq in range(60)]
    await house.upload(
        *(upsert(seq, study_date=days[seq - 1]) for seq in range(1, 61)), upsert(61, fixmedins_code="H99010000002")
    )
    newest = [uid(seq) for _, seq in sorted(((days[seq - 1], seq) for seq in range(1, 61)), reverse=True)]
    assert await own(house) == newest
    assert [each for start in range(0, 63, 7) for each in await own(house, start, 7)] == newest
    index = index_of(house)
    assert await index.own(HOSPITAL, None, 60, 7) == ((), 60)
    assert await index.own(HOSPITAL, None, 0, 0) == ((), 60)
    february = [each for each in newest if days[int(each[5:]) - 10**30 - 1][4:6] == "02"]
    assert await own(house, dates=("20250201", "20250228")) == february
    some = [each for each in newest if "20250110" <= days[int(each[5:]) - 10**30 - 1] <= "20250305"]
    assert await own(house, 3, 5, ("20250110", "20250305")) == some[3:8]
    assert (await index.own(HOSPITAL, ("20250110", "20250305"), 0, 0))[1] == len(some)
    assert (await index.own(HOSPITAL, ("00000000", "20241231"), 0, 7)) == ((), 0)


async def test_what_is_corrected_or_taken_out_stands_where_it_belongs(small_house: House) -> None:
    await small_house.upload(*(upsert(seq) for seq in range(1, 6)))
    await small_house.upload(
        withdrawal(6, 2, 2),
        upsert(7, 3, version=2, study_date="20251130"),
        upsert(8, 4, version=2, fixmedins_code=OTHER_HOSPITAL),
    )
    await small_house.upload(upsert(9, 4, version=3, fixmedins_code=OTHER_HOSPITAL), withdrawal(10, 9, 1))
    assert await own(small_house) == [uid(5), uid(1), uid(3)]
    assert [await own(small_house, start, 1) for start in range(4)] == [[uid(5)], [uid(1)], [uid(3)], []]
    kept, count = await index_of(small_house).own(OTHER_HOSPITAL, None, 0, 9)
    assert ([each.uid for each in kept], count) == ([uid(4)], 1)


async def test_a_study_that_two_nodes_tell_stands_once_in_a_list_as_long_as_one_has_it(house: House) -> None:
    await house.upload(upsert(1), upsert(2))
    await house.upload(upsert(1, 1), upsert(2, 3), node_no=OTHER_NODE.node_no)
    assert sorted(await own(house)) == [uid(1), uid(2), uid(3)]
    assert [len(await own(house, start, 1)) for start in range(4)] == [1, 1, 1, 0]
    await house.upload(withdrawal(3, 1, 2))
    assert sorted(await own(house)) == [uid(1), uid(2), uid(3)]
    await house.upload(withdrawal(3, 1, 2), node_no=OTHER_NODE.node_no)
    assert sorted(await own(house)) == [uid(2), uid(3)]
    assert (await index_of(house).own(HOSPITAL, None, 0, 0))[1] == 2


async def test_a_study_of_one_day_or_month_is_counted_once_though_its_two_nodes_differ(small_house: House) -> None:
    await small_house.upload(upsert(1))
    await small_house.upload(upsert(1, 1, study_date="20260201"), node_no=OTHER_NODE.node_no)
    assert await own(small_house) == [uid(1)]
    assert await own(small_house, dates=("20260201", "20260228")) == []
    await small_house.upload(withdrawal(2, 1, 2))
    assert await own(small_house, dates=("20260201", "20260228")) == [uid(1)]


async def test_accession_numbers_find_the_own_studies_and_no_others(small_house: House) -> None:
    await small_house.upload(upsert(1), upsert(2), upsert(3, accession_no="A1", fixmedins_code=OTHER_HOSPITAL))
    index = index_of(small_house)
    assert [each.uid for each in await index.of_accession(HOSPITAL, "A1")] == [uid(1)]
    assert [each.uid for each in await index.of_accession(OTHER_HOSPITAL, "A1")] == [uid(3)]
    assert await index.of_accession(HOSPITAL, "A9") == []


async def test_a_study_is_read_under_its_uid_only_for_those_whose_it_is(house: House) -> None:
    await house.upload(upsert(1), upsert(2, psn_no=OTHER_PSN_NO))
    index, me, other = index_of(house), key_of(PSN_NO), key_of(OTHER_PSN_NO)
    assert [each.uid for each in await index.of_study(uid(1), [me, other])] == [uid(1)]
    assert list(await index.of_study(uid(2), [me])) == []
    assert list(await index.of_study(uid(1), [])) == []
    await house.upload(upsert(1, 1, psn_no=OTHER_PSN_NO), node_no=OTHER_NODE.node_no)
    assert list(await index.of_study(uid(1), [me, other])) == []


async def test_persons_are_found_by_days_and_one_more_than_wanted_is_told(small_house: House) -> None:
    await small_house.upload(*(upsert(seq, study_date=f"202601{seq:02}") for seq in range(1, 10)))
    index = index_of(small_house)
    found = await index.of_persons([key_of(PSN_NO)], ("20260103", "20260105"), 10)
    assert [each.uid for each in found] == [uid(5), uid(4), uid(3)]
    assert len(await index.of_persons([key_of(PSN_NO)], None, 3)) == 4
    assert await index.of_persons([], None, 3) == ()
    first = await index.of_persons([key_of(PSN_NO)], None, 3)
    rest = await index.of_persons([key_of(PSN_NO)], ("20260102", "20260131"), 9, behind=first[-1].place)
    assert [each.uid for each in (*first, *rest)] == [uid(seq) for seq in range(9, 1, -1)]
    (ref,) = [each.ref for each in await index.of_uids([uid(1)])]
    assert [each.series_instance_uid for each in (await index.series_of([ref]))[ref]] == [f"{uid(1)}.1"]


async def test_those_of_one_minute_go_on_where_a_read_ended(house: House) -> None:
    await house.upload(*(upsert(seq) for seq in range(1, 6)))
    index, keys, behind, found = index_of(house), [key_of(PSN_NO)], None, []
    for _ in range(3):
        page = (await index.of_persons(keys, None, 1, behind=behind))[:2]
        found += [each.uid for each in page]
        behind = page[-1].place
    assert found == [uid(seq) for seq in range(5, 0, -1)]


async def test_whatever_day_a_study_is_told_of_it_is_known_as_whose_it_is_told(house: House) -> None:
    await house.upload(upsert(1), upsert(2, psn_no=OTHER_PSN_NO), upsert(3, fixmedins_code=OTHER_HOSPITAL))
    await house.upload(upsert(1, 1, study_date="20200101", fixmedins_code=OTHER_HOSPITAL), node_no=OTHER_NODE.node_no)
    index, me, other = index_of(house), key_of(PSN_NO), key_of(OTHER_PSN_NO)
    both = [HOSPITAL, OTHER_HOSPITAL]
    assert sorted(await index.told_as([me], [OTHER_HOSPITAL])) == [
        (me, OTHER_HOSPITAL, uid(1)),
        (me, OTHER_HOSPITAL, uid(3)),
    ]
    assert len(await index.told_as([me, other], both)) == 4
    assert list(await index.told_as([], both)) == list(await index.told_as([me], [])) == []


async def test_of_a_person_an_institution_reads_its_own_and_what_others_have_counts_nowhere(house: House) -> None:
    await house.upload(upsert(1), *(upsert(seq, fixmedins_code=OTHER_HOSPITAL) for seq in range(2, 9)))
    await house.upload(upsert(1, 1, psn_no=OTHER_PSN_NO), node_no=OTHER_NODE.node_no)
    found = await index_of(house).of_persons([key_of(PSN_NO)], None, 3, own=HOSPITAL)
    assert [each.uid for each in found] == [uid(1)]


async def test_a_node_is_up_while_it_says_so_and_behind_when_it_is_silent(small_house: House) -> None:
    nodes = NodeOperations(small_house.store)
    await nodes.heard(NODE.node_no, NOON, retrieving=True)
    seen = (await index_of(small_house).places())[1]
    assert (seen.node_no, seen.root, seen.up, seen.behind) == ("SD01", NODE.retrieve_roots[0], True, False)
    never = (await index_of(small_house).places())[2]
    assert (never.up, never.behind, never.heard_at) == (False, True, None)
    late = (await index_of(small_house, NOON + timedelta(seconds=91)).places())[1]
    assert (late.up, late.behind, late.heard_at) == (False, True, NOON)
    await nodes.heard(NODE.node_no, NOON, retrieving=False)
    assert not (await index_of(small_house).places())[1].up
    await nodes.suspend(
        RequestStamp("o", "s", "/s/SuspendNode", "c"), "BJ01", "", NOON, lambda standing: b"", lifted=False
    )
    assert not (await index_of(small_house).places())[2].behind


async def test_a_node_that_made_more_than_has_come_is_behind_until_it_has_come(small_house: House) -> None:
    await NodeOperations(small_house.store).heard(NODE.node_no, NOON, retrieving=True, last_seq=2)
    await small_house.upload(upsert(1))
    assert (await index_of(small_house).places())[1].behind
    await small_house.upload(upsert(2))
    assert not (await index_of(small_house).places())[1].behind


async def test_a_heartbeat_that_says_no_number_leaves_the_one_that_was_said(small_house: House) -> None:
    nodes = NodeOperations(small_house.store)
    await nodes.heard(NODE.node_no, NOON, retrieving=True, last_seq=2)
    await small_house.upload(upsert(1))
    await nodes.heard(NODE.node_no, NOON, retrieving=True)
    assert (await index_of(small_house).places())[1].behind


async def test_nodes_are_read_once_a_second(small_house: House) -> None:
    moment = [0.0]
    index = StoredIndex(small_house.store, lambda: NOON, lambda: moment[0])
    assert not (await index.places())[1].up
    await NodeOperations(small_house.store).heard(NODE.node_no, NOON, retrieving=True)
    moment[0] = 0.9
    assert not (await index.places())[1].up
    moment[0] = 1.0
    assert (await index.places())[1].up


async def test_a_study_of_a_node_that_was_registered_a_moment_ago_has_its_place(small_house: House) -> None:
    index = StoredIndex(small_house.store, lambda: NOON, lambda: 0.0)
    assert len(await index.places()) == 2
    late = replace(NODE, node_no="SD09")
    stamp = RequestStamp("operator:1", "late", "/s/RegisterNode", "c")
    await NodeOperations(small_house.store).register(stamp, late, NOON, lambda standing: b"")
    await small_house.upload(upsert(1), node_no="SD09")
    ((seen, _),) = await seen_of(index, [Patient("G1", key_of(PSN_NO), "")], {"G1": Scope()}, None)
    assert seen.place.node_no == "SD09"


def test_days_of_no_study_are_no_ends() -> None:
    assert days_of("00000000", "99999999") == days_of("17000101", "30000101") == Days()
    assert list_changes({}, {}, {}) == {}


async def test_a_node_that_asks_for_the_list_no_more_is_away_though_its_heartbeat_is_young(small_house: House) -> None:
    await NodeOperations(small_house.store).heard(NODE.node_no, NOON, retrieving=True)
    moment = [0.0]
    seen = Sightings(lambda: moment[0])
    index = StoredIndex(small_house.store, lambda: NOON, lambda: moment[0], seen.is_silent)
    assert (await index.places())[1].up
    seen.see(NODE.node_no)
    moment[0] = 6.0
    assert (await index.places())[1].up
    moment[0] = 7.1
    assert not (await index.places())[1].up
    seen.see(NODE.node_no)
    moment[0] = 8.2
    assert (await index.places())[1].up
