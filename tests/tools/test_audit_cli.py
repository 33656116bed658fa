"""What `yibao audit verify` asks and prints."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tools.cli import audit, main
from tools.cli.language import Words
from tools.cli.mesh_client import MeshClient
from yibao.imaging.v1 import audit_pb2


class Mesh:
    """A log of three parts, of which the last ones may be broken; keeps what it was asked."""

    def __init__(self, *faults: tuple[int, int]) -> None:
        self.faults = faults
        self.asked: list[tuple[int, int, str]] = []

    def call(self, method: str, request: Any, **_: Any) -> Any:
        """A part."""
        self.asked.append((request.after, request.known_seq, request.known_hash))
        if request.after < 4_000:
            return audit_pb2.VerifyAuditResponse(checked=2_000, next=request.after + 2_000)
        findings = [audit_pb2.AuditFinding(seq=seq, fault=cast("Any", fault)) for seq, fault in self.faults]
        return audit_pb2.VerifyAuditResponse(findings=findings, checked=7, end_seq=4_007, end_hash="ab" * 32)


def test_a_log_is_verified_part_by_part_and_its_end_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    mesh = Mesh()
    assert audit.verify(cast("MeshClient", mesh), (9, "cd")) == 0
    assert mesh.asked == [(0, 9, "cd"), (2_000, 9, "cd"), (4_000, 9, "cd")]
    assert capsys.readouterr().out.splitlines() == [
        f"the log ends at 4007:{'ab' * 32}",
        "4007 entries checked: 0 findings",
    ]


@pytest.mark.parametrize("fault", audit_pb2.AuditFault.values()[1:])
def test_every_finding_has_its_place_and_words_and_ends_with_1(fault: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.verify(cast("MeshClient", Mesh((4_003, fault))), (0, "")) == 1
    assert capsys.readouterr().out.startswith("entry 4003: ")
    assert audit.verify(cast("MeshClient", Mesh((4_003, fault))), (0, ""), Words("zh")) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("第4003条：")
    assert told[-1] == "已核对4007条，发现1处异常"


def test_no_more_than_a_hundred_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    many = Mesh(*((seq, audit_pb2.AUDIT_FAULT_CHANGED) for seq in range(1, 200)))
    assert audit.verify(cast("MeshClient", many), (0, "")) == 1
    told = capsys.readouterr().out.splitlines()
    assert (len(told), told[-1]) == (102, "4007 entries checked: 199 findings")


@pytest.mark.parametrize("known", ["12", "x:" + "ab" * 32, "12:ab", "0:" + "ab" * 32])
def test_a_known_end_is_a_place_and_a_hash(known: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["--language", "en", "audit", "verify", "--known", known, "--url", "http://127.0.0.1:9"])
    assert "SEQ:HASH" in capsys.readouterr().err
