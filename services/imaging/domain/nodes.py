"""Nodes: who they are, for which institutions they speak, and whether they may. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from services.imaging.domain.conflicts import Caused
from services.kernel.errors import Fault, FaultKind, conflict, invalid, not_found, precondition
from services.kernel.uscc import uscc_holds

AWAY_AFTER: Final = timedelta(seconds=90)
"""A node that was not heard for so long counts as away (our decision: three heartbeats of thirty seconds)."""

_NONE_CAUSED: Final = Caused()
_ROOT: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,253}(/[A-Za-z0-9._~-]{1,100}){0,8}")
_INSTITUTION: Final = re.compile(r"[A-Z][A-Z0-9]{0,11}")
_PROVINCE: Final = slice(0, 2)
_OF_INSTITUTION: Final = slice(1, 3)


class NodeState(IntEnum):
    """Whether a node is heard."""

    ACTIVE = 1
    SUSPENDED = 2


@dataclass(frozen=True, slots=True)
class Node:
    """What an operator says of a node: number, name, division, credit code of the storing unit, addresses of DICOMweb, the best
    one first, and institutions it may speak for, by beginnings of their codes; none means all of its province.
    """

    node_no: str
    node_name: str
    admdvs: str
    uscc: str
    retrieve_roots: tuple[str, ...]
    institutions: tuple[str, ...] = ()

    def speaks_for(self, fixmedins_code: str) -> bool:
        """Whether it may tell of studies of an institution. A province's are those whose code has its two digits behind the
        first letter (our decision)."""
        if self.institutions:
            return fixmedins_code.startswith(self.institutions)
        return fixmedins_code[_OF_INSTITUTION] == self.admdvs[_PROVINCE]


@dataclass(frozen=True, slots=True)
class StandingNode:
    """A node with what is known of it. `ref` is its number in the store, `watermark` the highest source sequence up to which
    everything is decided and kept, `last_ref` how many studies it ever told, `last_seq` the highest number that it has made, as
    it said last, 0 where it said none; `compared_at` is when digests were compared last; `caused` are conflicts.
    """

    ref: int
    node: Node
    state: NodeState
    memo: str
    registered_at: datetime
    heard_at: datetime | None = None
    retrieving: bool = False
    uploaded_at: datetime | None = None
    watermark: int = 0
    last_ref: int = 0
    last_seq: int = 0
    compared_at: datetime | None = None
    caused: Caused = _NONE_CAUSED

    def is_heard(self, now: datetime) -> bool:
        """Whether it says that it is there."""
        return self.heard_at is not None and now - self.heard_at <= AWAY_AFTER

    def is_behind(self, now: datetime) -> bool:
        """Whether something that it took may be missing here: it is not heard, or had made entries when it was heard last that
        have not come since. Of one that is suspended nothing is awaited."""
        return self.state is NodeState.ACTIVE and (not self.is_heard(now) or self.last_seq > self.watermark)

    def is_away(self, now: datetime) -> bool:
        """Whether nothing can be fetched from it now."""
        return self.state is not NodeState.ACTIVE or not (self.is_heard(now) and self.retrieving)


def check_node(node: Node) -> None:
    """INVALID_REQUEST where an address is none of DICOMweb, an institution none, or the credit code has a wrong form or check
    digit (GB 32100-2015)."""
    for index, root in enumerate(node.retrieve_roots):
        if _ROOT.fullmatch(root) is None:
            raise invalid(f"node.retrieve_roots[{index}]", "node.root", "https://host[:port][/path] is expected")
    for index, code in enumerate(node.institutions):
        if _INSTITUTION.fullmatch(code) is None:
            raise invalid(
                f"node.institutions[{index}]", "node.institution", "the beginning of a fixmedins_code is expected"
            )
    if not uscc_holds(node.uscc):
        raise invalid("node.uscc", "code.uscc", "18 characters with a check digit")


def registration(wanted: Node, standing: StandingNode | None, ref: int, now: datetime) -> StandingNode:
    """The node after it was told; `ref` is for one that is new. CONFLICT NODE_EXISTS where division or unit would change."""
    if standing is None:
        return StandingNode(ref, wanted, NodeState.ACTIVE, "", now)
    if (standing.node.admdvs, standing.node.uscc) != (wanted.admdvs, wanted.uscc):
        raise conflict("NODE_EXISTS", node_no=wanted.node_no)
    return replace(standing, node=wanted)


def suspension(standing: StandingNode, memo: str, *, lifted: bool) -> StandingNode:
    """The node after it was suspended, or after that was lifted."""
    return replace(standing, state=NodeState.ACTIVE if lifted else NodeState.SUSPENDED, memo=memo)


def found(node_no: str, standing: StandingNode | None) -> StandingNode:
    """The node of a number; NOT_FOUND NODE_NOT_FOUND."""
    if standing is None:
        raise not_found("NODE_NOT_FOUND", node_no=node_no)
    return standing


def check_may_upload(standing: StandingNode) -> None:
    """PRECONDITION NODE_SUSPENDED."""
    if standing.state is NodeState.SUSPENDED:
        raise precondition("NODE_SUSPENDED", node_no=standing.node.node_no)


def check_sequence(watermark: int, numbers: tuple[int, ...]) -> None:
    """PRECONDITION SEQUENCE_GAP where the first number lies behind the watermark by more than one, or one does not follow the
    one before it; nothing of the batch is taken then."""
    expected = min(numbers[0], watermark + 1)
    for number in numbers:
        if number != expected or number < 1:
            told = {"watermark": str(watermark), "source_seq": str(number)}
            raise Fault(FaultKind.PRECONDITION, "SEQUENCE_GAP", told)
        expected += 1
