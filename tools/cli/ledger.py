"""`yibao ledger verify`: asks a running mesh to recompute every balance and accumulator from the journal."""

from __future__ import annotations

from typing import Final

from tools.cli.mesh_client import MeshClient
from yibao.settlement.v1 import ledger_pb2

# The most that a gateway grants to an operator: a ledger of years takes minutes.
WITHIN_S: Final = 600

_VERIFY: Final = "yibao.settlement.v1.LedgerService.VerifyLedger"


def verify(client: MeshClient) -> int:
    """Prints what was checked and every difference; 1 where there is one."""
    answer = client.call(_VERIFY, ledger_pb2.VerifyLedgerRequest(), within_s=WITHIN_S)
    for finding in answer.findings:
        print(f"{finding.rule} on {finding.subject}: expected {finding.expected}, found {finding.found}")
    print(
        f"{answer.settlements_checked} settlements, {answer.postings_checked} postings, "
        f"{answer.accumulators_checked} accumulators checked: {len(answer.findings)} findings"
    )
    return 1 if answer.findings else 0
