"""What the audit log is told of a batch that a node uploads: one entry, and one more for each study that it takes out. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from services.imaging.domain.audit import Access, AccessOutcome, Action
from services.imaging.domain.entries import EntryOutcome
from services.imaging.domain.studies import KeptStudy, State

NODES: Final = "node"
"""The organisation of a node."""


def of_batch(
    node_no: str, outcomes: Sequence[EntryOutcome], before: Mapping[str, KeptStudy], after: Mapping[str, KeptStudy]
) -> list[Access]:
    """A batch by its outcomes, and what stood under its UIDs before and stands after it."""
    counts = Counter(each.result.name for each in outcomes)
    told = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    detail = f"entries {outcomes[0].source_seq}-{outcomes[-1].source_seq}: {told}"
    batch = Access(Action.UPLOADED, AccessOutcome.SUCCESS, NODES, node_no=node_no, detail=detail)
    return [
        batch,
        *(_withdrawal(node_no, uid, before.get(uid)) for uid in after if _is_gone(before.get(uid), after[uid])),
    ]


def _is_gone(before: KeptStudy | None, after: KeptStudy) -> bool:
    return after.state is State.WITHDRAWN and (before is None or before.state is not State.WITHDRAWN)


def _withdrawal(node_no: str, uid: str, before: KeptStudy | None) -> Access:
    key = None if before is None else before.person_key
    return Access(Action.WITHDRAWN, AccessOutcome.SUCCESS, NODES, person_key=key, study_uid=uid, node_no=node_no)
