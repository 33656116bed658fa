"""`yibao imaging drift`: nodes that know other studies than the index, or that are behind; `yibao imaging conflicts`: studies
that two nodes tell of two persons, and with `--right` what is decided about one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import uuid4

from google.protobuf.message import Message

from services.kernel.clock import BEIJING
from services.runtime.wire import moment_of
from tools.cli.language import ENGLISH, Words
from tools.cli.mesh_client import MeshClient, pages
from yibao.imaging.v1 import conflict_pb2, digest_pb2

NONE: Final = "none"
"""What is typed where no node is right."""
_DIGESTS: Final = "yibao.imaging.v1.DigestService"
_CONFLICTS: Final = "yibao.imaging.v1.ConflictService"
_STATES: Final = {
    conflict_pb2.SIDE_STATE_OPEN: "waits for a decision",
    conflict_pb2.SIDE_STATE_RIGHT: "right",
    conflict_pb2.SIDE_STATE_WRONG: "wrong",
    conflict_pb2.SIDE_STATE_WITHDRAWN: "withdrawn by its node",
    conflict_pb2.SIDE_STATE_HELD: "held, waits for a decision",
}


def drift(client: MeshClient, words: Words = ENGLISH) -> int:
    """Prints each node that somebody should look at, with its days; ends with 1 where there is one."""
    count = 0
    for each in _drifting(client):
        count += 1
        print(f"{each.node_no}  {each.node_name}".rstrip())
        if each.last_seq > each.watermark:
            told = {"watermark": each.watermark, "last": each.last_seq, "behind": each.last_seq - each.watermark}
            print("    " + words("behind by {behind} entries: kept up to {watermark}, made up to {last}", **told))
        if each.silent:
            compared = _shown(each, "compared_at") or words("never")
            print("    " + words("no comparison for two days; the last one: {moment}", moment=compared))
        for day in each.days:
            counts = {"node": day.node_count, "index": day.index_count}
            said = "{day}: the node has {node}, the index {index}; since {since}"
            print("    " + words(said, day=day.day, since=_shown(day, "found_at"), **counts))
        if each.day_count > len(each.days):
            print("    " + words("and {more} days more", more=each.day_count - len(each.days)))
    print(words("{count} nodes differ or are behind", count=count))
    return 1 if count else 0


def conflicts(client: MeshClient, words: Words = ENGLISH) -> int:
    """Prints each conflict with its sides, and nodes that told too many; ends with 1 where one waits for a decision."""
    waiting, held = 0, Counter[str]()
    for each in _listed(client):
        waiting += not each.HasField("decided_at")
        held.update(side.node_no for side in each.sides if side.state == conflict_pb2.SIDE_STATE_HELD)
        print(each.study_instance_uid)
        for line in _sides(each, words):
            print("    " + line)
    for node_no, count in sorted(held.items()):
        print(
            words(
                "{node} caused more conflicts than it may within an hour: {count} are held", node=node_no, count=count
            )
        )
    print(words("{count} conflicts wait for a decision", count=waiting))
    return 1 if waiting else 0


def decide(client: MeshClient, uid: str, right: str, memo: str, words: Words = ENGLISH) -> int:
    """Decides about one, and prints how its sides stand then."""
    asked = conflict_pb2.DecideConflictRequest(
        request_id=f"conflict-{uuid4().hex}",
        study_instance_uid=uid,
        right_node_no="" if right == NONE else right,
        memo=memo,
    )
    decided = client.call(f"{_CONFLICTS}.DecideConflict", asked)
    for line in _sides(decided.conflict, words):
        print(line)
    return 0


def _sides(conflict: conflict_pb2.Conflict, words: Words) -> Iterator[str]:
    for each in conflict.sides:
        told = (each.node_no, each.fixmedins_code, each.study_date, ",".join(each.modalities), each.accession_no)
        shown = "  ".join(part for part in told if part)
        if each.person:
            shown += "  " + words("person {number}", number=each.person)
        is_found = each.state == conflict_pb2.SIDE_STATE_RIGHT and not conflict.HasField("decided_at")
        yield f"{shown}  {words('found still' if is_found else _STATES[each.state])}"
    if conflict.HasField("decided_at"):
        told_of = {"moment": _shown(conflict, "decided_at"), "who": conflict.decided_by, "memo": conflict.memo}
        yield words("decided {moment} by {who}: {memo}", **told_of)


def _drifting(client: MeshClient) -> Iterator[digest_pb2.DriftingNode]:
    for page in pages(client, f"{_DIGESTS}.ListDrift", digest_pb2.ListDriftRequest()):
        yield from page.nodes


def _listed(client: MeshClient) -> Iterator[conflict_pb2.Conflict]:
    for page in pages(client, f"{_CONFLICTS}.ListConflicts", conflict_pb2.ListConflictsRequest()):
        yield from page.conflicts


def _shown(message: Message, field: str) -> str:
    """A moment in Beijing's time, "" where there is none."""
    if not message.HasField(field):
        return ""
    moment: datetime = moment_of(getattr(message, field))
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}"
