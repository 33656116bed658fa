"""`yibao ledger verify`: asks a running mesh to recompute every balance and accumulator from the journal."""

from __future__ import annotations

from tools.cli.mesh_client import MeshClient
from yibao.settlement.v1 import ledger_pb2


def verify(client: MeshClient) -> int:
    """Prints what was checked and every difference; 1 where there is one."""
    answer = client.call("yibao.settlement.v1.LedgerService.VerifyLedger", ledger_pb2.VerifyLedgerRequest())
    for finding in answer.findings:
        print(f"{finding.rule} on {finding.subject}: expected {finding.expected}, found {finding.found}")
    print(
        f"{answer.settlements_checked} settlements, {answer.postings_checked} postings, "
        f"{answer.accumulators_checked} accumulators checked: {len(answer.findings)} findings"
    )
    return 1 if answer.findings else 0
