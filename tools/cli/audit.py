"""`yibao audit verify`: has a running mesh compute the audit log of the imaging index anew, part by part."""

from __future__ import annotations

from typing import Final

from tools.cli.language import ENGLISH, Words
from tools.cli.mesh_client import MeshClient
from yibao.imaging.v1 import audit_pb2

_VERIFY: Final = "yibao.imaging.v1.AuditService.VerifyAudit"
_MOST_TOLD: Final = 100
"""Findings that are printed; where all is wrong, the first of them say so."""
_SAID: Final = {
    audit_pb2.AUDIT_FAULT_MISSING: "entries are missing from here on",
    audit_pb2.AUDIT_FAULT_CHANGED: "the entry, or the one before it, was changed",
    audit_pb2.AUDIT_FAULT_CUT: "the log was cut off from here on",
    audit_pb2.AUDIT_FAULT_FOREIGN: "from here on the entries are not the member's",
    audit_pb2.AUDIT_FAULT_UNSEALED: "the end of the log has no seal of the member",
    audit_pb2.AUDIT_FAULT_BROKEN: "the member found the log broken here",
    audit_pb2.AUDIT_FAULT_REPLACED: "another entry, or none, stands where the known one stood",
    audit_pb2.AUDIT_FAULT_UNLISTED: "a person whom the entry names does not find it",
}


def verify(client: MeshClient, known: tuple[int, str], words: Words = ENGLISH) -> int:
    """Prints every place where the log does not hold, and its end; 1 where there is one. `known` are place and hash of an entry
    as they were kept elsewhere, 0 for none."""
    asked = audit_pb2.VerifyAuditRequest(known_seq=known[0], known_hash=known[1])
    checked = findings = 0
    while True:
        part = client.call(_VERIFY, asked)
        for each in part.findings[: max(0, _MOST_TOLD - findings)]:
            print(words("entry {seq}: {what}", seq=each.seq, what=words(_SAID[each.fault])))
        checked += part.checked
        findings += len(part.findings)
        if not part.next:
            break
        asked.after = part.next
    if part.end_seq:
        print(words("the log ends at {end}", end=f"{part.end_seq}:{part.end_hash}"))
    print(words("{checked} entries checked: {findings} findings", checked=checked, findings=findings))
    return 1 if findings else 0
