"""`yibao ledger verify`: asks a running mesh to recompute every balance and accumulator from the journal."""

from __future__ import annotations

from typing import Final

from tools.cli.language import ENGLISH, Words
from tools.cli.mesh_client import MeshClient
from yibao.settlement.v1 import ledger_pb2

# The most that a gateway grants to an operator: a ledger of years takes minutes.
WITHIN_S: Final = 600

_VERIFY: Final = "yibao.settlement.v1.LedgerService.VerifyLedger"


def verify(client: MeshClient, words: Words = ENGLISH) -> int:
    """Prints what was checked and every difference; 1 where there is one."""
    answer = client.call(_VERIFY, ledger_pb2.VerifyLedgerRequest(), within_s=WITHIN_S)
    for finding in answer.findings:
        told = {"rule": finding.rule, "subject": finding.subject}
        said = "{rule} on {subject}: expected {expected}, found {found}"
        print(words(said, **told, expected=finding.expected, found=finding.found))
    print(
        words(
            "{settlements} settlements, {postings} postings, {accumulators} accumulators checked: {findings} findings",
            settlements=answer.settlements_checked,
            postings=answer.postings_checked,
            accumulators=answer.accumulators_checked,
            findings=len(answer.findings),
        )
    )
    return 1 if answer.findings else 0
