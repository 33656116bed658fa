"""Two nodes that tell one study of two persons, what an operator decides, and what the nodes hear of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.imaging.domain import conflicts
from services.imaging.domain.conflicts import Conflict, Waiting
from services.imaging.domain.studies import State
from services.imaging.operations.conflicts import ConflictOperations
from services.imaging.operations.nodes import NodeOperations
from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from services.runtime.call import Caller, Role
from tests.imaging.conftest import House, Running, key_of
from tests.imaging.entries import (
    HOSPITAL,
    NODE,
    NOON,
    OTHER_NODE,
    OTHER_PSN_NO,
    OTHER_USCC,
    PSN_NO,
    USCC,
    move,
    uid,
    upsert,
    withdrawal,
)
from tests.imaging.test_rpc import registering
from yibao.imaging.v1 import conflict_pb2, node_pb2, upload_pb2

HERE, THERE = NODE.node_no, OTHER_NODE.node_no


async def in_conflict(house: House) -> House:
    """Study 7, of a person here and of another one there."""
    await house.upload(upsert(1, 7))
    assert await house.results(upsert(1, 7, psn_no=OTHER_PSN_NO), node_no=THERE) == ["CONFLICT"]
    return house


async def decide(house: House, right: str, request: str = "d1", study: int = 7) -> bytes:
    """An operator's decision."""
    stamp = RequestStamp("operator:1", request, "/s/DecideConflict", right)
    operations = ConflictOperations(house.store)
    return await operations.decide(
        stamp, uid(study), right, "已核对申请单", "OP1", NOON, lambda found: found.uid.encode()
    )


async def listed(house: House) -> list[Conflict]:
    """All conflicts."""
    return list((await ConflictOperations(house.store).listed("", 10)).entries)


async def notices(house: House, node_no: str) -> list[tuple[str, bool]]:
    """What a node hears."""
    heard = await NodeOperations(house.store).heard(node_no, NOON, retrieving=True)
    return [(each.uid, each.wrong) for each in heard.notices]


async def found_of(house: House, psn_no: str, own: str = "") -> list[str]:
    """UIDs that are found of a person by those who may."""
    async with house.store.read() as work:
        return [each.uid for each in await work.search.of_persons([key_of(psn_no)], own=own)]


async def test_a_conflict_is_listed_with_its_sides_and_both_nodes_hear_of_it(small_house: House) -> None:
    await in_conflict(small_house)
    (conflict,) = await listed(small_house)
    assert (conflict.uid, conflict.decided_at, conflict.found_at) == (uid(7), None, NOON)
    assert [(each.node_no, each.kept.state) for each in conflict.sides] == [
        (THERE, State.CONFLICT),
        (HERE, State.CONFLICT),
    ]
    assert conflict.persons() == [1, 2]
    assert await notices(small_house, HERE) == await notices(small_house, THERE) == [(uid(7), False)]


async def test_the_right_one_is_found_and_the_wrong_one_only_by_its_own_institution(house: House) -> None:
    await in_conflict(house)
    assert await decide(house, HERE) == await decide(house, HERE)
    assert (await found_of(house, PSN_NO), await found_of(house, OTHER_PSN_NO)) == ([uid(7)], [])
    assert await found_of(house, OTHER_PSN_NO, own=HOSPITAL) == [uid(7)]
    (conflict,) = await listed(house)
    assert (conflict.decided_at, conflict.decided_by, conflict.memo) == (NOON, "OP1", "已核对申请单")
    assert (await notices(house, HERE), await notices(house, THERE)) == ([], [(uid(7), True)])


async def test_neither_may_be_right_and_a_later_decision_replaces_an_earlier_one(small_house: House) -> None:
    await in_conflict(small_house)
    await decide(small_house, "")
    assert (await found_of(small_house, PSN_NO), await found_of(small_house, OTHER_PSN_NO)) == ([], [])
    assert await notices(small_house, HERE) == [(uid(7), True)]
    await decide(small_house, THERE, "d2")
    assert (await found_of(small_house, PSN_NO), await found_of(small_house, OTHER_PSN_NO)) == ([], [uid(7)])


async def test_a_wrong_one_stays_wrong_until_it_names_another_person(house: House) -> None:
    await in_conflict(house)
    await decide(house, HERE)
    again = upsert(2, 7, version=2, psn_no=OTHER_PSN_NO, description="复查")
    assert await house.results(again, node_no=THERE) == ["CONFLICT"]
    assert await house.results(again, node_no=THERE) == ["CONFLICT"]
    assert await found_of(house, PSN_NO) == [uid(7)]
    assert await house.results(move(3, 7, 3, PSN_NO), node_no=THERE) == ["ACCEPTED"]
    assert await found_of(house, PSN_NO) == [uid(7), uid(7)]
    assert await listed(house) == []
    assert await notices(house, THERE) == []


async def test_who_was_right_may_still_follow_the_other(small_house: House) -> None:
    await in_conflict(small_house)
    await decide(small_house, HERE)
    assert await small_house.results(move(2, 7, 2)) == ["ACCEPTED"]
    assert await found_of(small_house, OTHER_PSN_NO) == [uid(7), uid(7)]
    assert await listed(small_house) == []


async def test_a_conflict_ends_where_a_side_is_taken_out(small_house: House) -> None:
    await in_conflict(small_house)
    assert await small_house.results(withdrawal(2, 7, 2), node_no=THERE) == ["ACCEPTED"]
    assert await found_of(small_house, PSN_NO) == [uid(7)]
    assert await listed(small_house) == []


async def test_what_cannot_be_decided(small_house: House) -> None:
    await in_conflict(small_house)
    with pytest.raises(Fault, match="INVALID_REQUEST") as refused:
        await decide(small_house, "XX99")
    assert refused.value.violations[0].path == "right_node_no"
    with pytest.raises(Fault, match="CONFLICT_NOT_FOUND"):
        await decide(small_house, HERE, study=8)
    await decide(small_house, HERE)
    with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
        await decide(small_house, THERE)
    assert await found_of(small_house, PSN_NO) == [uid(7)]


HELD = "CONFLICT entry.conflict_held"


async def flooded(house: House, monkeypatch: pytest.MonkeyPatch, studies: int = 5) -> list[str]:
    """Studies of a person here, all told of another one there, where two conflicts may be caused within an hour."""
    monkeypatch.setattr(conflicts, "MOST_CAUSED", 2)
    await house.upload(*(upsert(seq) for seq in range(1, studies + 1)))
    return await house.results(*(upsert(seq, psn_no=OTHER_PSN_NO) for seq in range(1, studies + 1)), node_no=THERE)


async def test_a_node_hides_only_so_many_studies_of_others_within_an_hour(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await flooded(house, monkeypatch) == ["CONFLICT", "CONFLICT", HELD, HELD, HELD]
    assert await found_of(house, PSN_NO) == [uid(5), uid(4), uid(3)]
    # Nobody but the institution itself finds what is held, and nothing of it is lost.
    assert await found_of(house, OTHER_PSN_NO) == []
    assert len(await found_of(house, OTHER_PSN_NO, own=HOSPITAL)) == 5
    # The bound is in the store: another member, or the same one begun anew, knows it.
    anew = House(house.store)
    assert await anew.results(upsert(6, 3, 2, psn_no=OTHER_PSN_NO), upsert(7, 1, 2), node_no=THERE) == [
        HELD,
        "ACCEPTED",
    ]
    # To agree and to differ again is one more, which may not be either.
    assert await anew.results(move(8, 1, 3), node_no=THERE) == [HELD]
    assert uid(1) in await found_of(house, PSN_NO)
    # Who is told of it tells it again, after an hour as before.
    assert await anew.results(upsert(6, 3, 2, psn_no=OTHER_PSN_NO), node_no=THERE) == [HELD]
    assert await anew.results(upsert(9, 9), node_no=THERE, at=NOON + timedelta(minutes=59)) == ["ACCEPTED"]
    later = NOON + timedelta(hours=1)
    told = [upsert(10, 3, 3, psn_no=OTHER_PSN_NO), upsert(11, 4, 2, psn_no=OTHER_PSN_NO), move(12, 5, 2)]
    assert await anew.results(*told, node_no=THERE, at=later) == ["CONFLICT", "CONFLICT", HELD]
    assert await found_of(house, PSN_NO) == [uid(9), uid(5), uid(1)]


async def test_the_bound_is_each_nodes_own_and_who_agrees_is_not_counted(
    small_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await flooded(small_house, monkeypatch, studies=3)
    await small_house.upload(*(upsert(seq, seq + 10) for seq in range(4, 7)))
    assert await small_house.results(*(upsert(seq, seq + 10) for seq in range(4, 7)), node_no=THERE) == ["ACCEPTED"] * 3
    # The node here has caused nothing: what it corrects hides as before.
    assert await small_house.results(move(7, 14, 2), move(8, 15, 2), move(9, 16, 2)) == ["CONFLICT", "CONFLICT", HELD]


async def test_what_is_held_is_listed_counted_and_decided(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await flooded(house, monkeypatch, studies=4)
    sides = [[(each.node_no, each.kept.state) for each in found.sides] for found in await listed(house)]
    assert sides[2:] == [[(THERE, State.HELD), (HERE, State.ACTIVE)]] * 2
    assert [found.decided_at for found in await listed(house)] == [None] * 4
    async with house.store.read() as work:
        assert await work.conflicts.waiting() == Waiting(open=2, held=2)
    assert len(await notices(house, THERE)) == 4
    await decide(house, THERE, "d1", study=3)
    await decide(house, HERE, "d2", study=4)
    assert (await found_of(house, PSN_NO), await found_of(house, OTHER_PSN_NO)) == ([uid(4)], [uid(3)])
    async with house.store.read() as work:
        assert await work.conflicts.waiting() == Waiting(open=2, held=0)


async def test_what_is_held_is_heard_once_nobody_differs(small_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await flooded(small_house, monkeypatch, studies=4)
    assert await small_house.results(move(5, 3, 2), withdrawal(6, 4, 2)) == ["ACCEPTED", "ACCEPTED"]
    assert sorted(await found_of(small_house, OTHER_PSN_NO)) == [uid(3), uid(3), uid(4)]
    assert [each.uid for each in await listed(small_house)] == [uid(1), uid(2)]


async def test_over_the_wire_both_nodes_hear_of_a_conflict_and_no_person_is_named(running: Running) -> None:
    callers = {each: Caller(Role.NODE, each, sandbox=True) for each in (HERE, THERE)}
    for node_no, uscc, psn_no in ((HERE, USCC, PSN_NO), (THERE, OTHER_USCC, OTHER_PSN_NO)):
        await running.call("NodeService.RegisterNode", registering(node_no, node_no=node_no, uscc=uscc))
        entries = [upsert(1, 7, psn_no=psn_no)]
        told = upload_pb2.UploadEntriesRequest(node_no=node_no, entries=entries)
        await running.call("UploadService.UploadEntries", told, callers[node_no])

    async def heard(node_no: str) -> list[tuple[str, bool]]:
        beat = node_pb2.HeartbeatRequest(node_no=node_no, last_seq=1)
        answer = await running.call("NodeService.Heartbeat", beat, callers[node_no])
        return [(each.study_instance_uid, each.wrong) for each in answer.conflicts]

    assert await heard(HERE) == await heard(THERE) == [(uid(7), False)]
    (conflict,) = (await running.call("ConflictService.ListConflicts", conflict_pb2.ListConflictsRequest())).conflicts
    assert [(each.node_no, each.state, each.person) for each in conflict.sides] == [
        (THERE, conflict_pb2.SIDE_STATE_OPEN, 1),
        (HERE, conflict_pb2.SIDE_STATE_OPEN, 2),
    ]
    assert not conflict.HasField("decided_at")
    assert PSN_NO not in str(conflict)
    asked = conflict_pb2.DecideConflictRequest(
        request_id="d1", study_instance_uid=uid(7), right_node_no=HERE, memo="已核对申请单"
    )
    decided = (await running.call("ConflictService.DecideConflict", asked)).conflict
    assert {each.node_no: each.state for each in decided.sides} == {
        HERE: conflict_pb2.SIDE_STATE_RIGHT,
        THERE: conflict_pb2.SIDE_STATE_WRONG,
    }
    assert (decided.decided_by, decided.memo, decided.HasField("decided_at")) == ("OP1", "已核对申请单", True)
    assert (await heard(HERE), await heard(THERE)) == ([], [(uid(7), True)])
