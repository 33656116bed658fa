"""What `yibao imaging` asks and prints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from services.runtime.wire import moment_message
from tools.cli import imaging, main
from tools.cli.language import Words
from tools.cli.mesh_client import MeshClient
from yibao.imaging.v1 import conflict_pb2, digest_pb2

NOON = moment_message(datetime(2026, 3, 5, 4, 0, tzinfo=UTC))


class Mesh:
    """Two pages of nodes, and one conflict; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.states = (conflict_pb2.SIDE_STATE_OPEN, conflict_pb2.SIDE_STATE_WITHDRAWN)

    def call(self, method: str, request: Any, **_: Any) -> Any:
        """The answer of a method."""
        self.asked.append(request)
        if method.endswith(".ListDrift"):
            return self._drift(request.page_token)
        sides = [
            conflict_pb2.Side(
                node_no="BJ01",
                state=self.states[0],
                person=1,
                fixmedins_code="H99010000001",
                study_date="20260301",
                modalities=["CT"],
            ),
            conflict_pb2.Side(node_no="SD01", state=self.states[1]),
        ]
        conflict = conflict_pb2.Conflict(study_instance_uid="2.25.7", found_at=NOON, sides=sides)
        if method.endswith(".DecideConflict"):
            conflict.decided_at.CopyFrom(NOON)
            conflict.decided_by, conflict.memo = "op1", request.memo
            return conflict_pb2.DecideConflictResponse(conflict=conflict)
        return conflict_pb2.ListConflictsResponse(conflicts=[conflict])

    @staticmethod
    def _drift(page_token: str) -> digest_pb2.ListDriftResponse:
        if not page_token:
            day = digest_pb2.DriftingDay(day="20260301", node_count=3, index_count=2, found_at=NOON)
            node = digest_pb2.DriftingNode(node_no="SD01", node_name="一号影像中心", day_count=4, days=[day])
            return digest_pb2.ListDriftResponse(nodes=[node], next_page_token="t")
        behind = digest_pb2.DriftingNode(node_no="SD02", watermark=7, last_seq=9, silent=True)
        return digest_pb2.ListDriftResponse(nodes=[behind])


def test_drift_names_nodes_and_days_and_how_far_one_is_behind(capsys: pytest.CaptureFixture[str]) -> None:
    assert imaging.drift(cast("MeshClient", Mesh())) == 1
    assert capsys.readouterr().out.splitlines() == [
        "SD01  一号影像中心",
        "    20260301: the node has 3, the index 2; since 2026-03-05 12:00",
        "    and 3 days more",
        "SD02",
        "    behind by 2 entries: kept up to 7, made up to 9",
        "    no comparison for two days; the last one: never",
        "2 nodes differ or are behind",
    ]
    imaging.drift(cast("MeshClient", Mesh()), Words("zh"))
    assert "20260301：节点3项，索引2项；2026-03-05 12:00起" in capsys.readouterr().out


def test_conflicts_are_listed_and_decided(capsys: pytest.CaptureFixture[str]) -> None:
    mesh = Mesh()
    assert imaging.conflicts(cast("MeshClient", mesh)) == 1
    assert capsys.readouterr().out.splitlines() == [
        "2.25.7",
        "    BJ01  H99010000001  20260301  CT  person 1  waits for a decision",
        "    SD01  withdrawn by its node",
        "1 conflicts wait for a decision",
    ]
    mesh.states = (conflict_pb2.SIDE_STATE_RIGHT, conflict_pb2.SIDE_STATE_HELD)
    assert imaging.conflicts(cast("MeshClient", mesh)) == 1
    assert capsys.readouterr().out.splitlines() == [
        "2.25.7",
        "    BJ01  H99010000001  20260301  CT  person 1  found still",
        "    SD01  held, waits for a decision",
        "SD01 caused more conflicts than it may within an hour: 1 are held",
        "1 conflicts wait for a decision",
    ]
    assert imaging.decide(cast("MeshClient", mesh), "2.25.7", "none", "两边均有误") == 0
    assert (mesh.asked[-1].right_node_no, mesh.asked[-1].memo) == ("", "两边均有误")
    assert "decided 2026-03-05 12:00 by op1: 两边均有误" in capsys.readouterr().out


@pytest.mark.parametrize(
    "half", [("2.25.7", "--right", "SD01"), ("2.25.7",), ("--right", "SD01"), ("--right", "SD01", "--memo", "why")]
)
def test_a_decision_needs_a_study_a_side_and_a_reason(
    capsys: pytest.CaptureFixture[str], half: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit):
        main.main(["--lang", "en", "imaging", "conflicts", *half, "--url", "http://127.0.0.1:1", "--key", "k"])
    assert "--memo" in capsys.readouterr().err
