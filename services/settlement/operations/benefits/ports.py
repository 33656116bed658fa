"""What benefits ask of others beside what care asks: the policies, and how the answer of a trial is written down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.settlement.domain.benefits.stack import CompiledStack, StackChoice, StackRequest
from services.settlement.domain.books.answer import SettlementAnswer
from services.settlement.domain.care.pending import PendingOrder
from services.settlement.operations.care.ports import CataloguePeer


class PolicyPeer(CataloguePeer, Protocol):
    """The catalogue with what its policies say."""

    async def stack(self, request: StackRequest) -> StackChoice:
        """The chosen, compiled policies; STACK_NOT_FOUND, POLICY_NOT_EFFECTIVE."""
        ...

    async def stack_of(self, hashes: Sequence[str]) -> CompiledStack:
        """The compiled policies of these contents, whatever came after them; POLICY_NOT_FOUND."""
        ...


class TrialScribe(Protocol):
    """Writes answers of trials down as they are sent."""

    def tried(self, answer: SettlementAnswer, trial_hash: str, blocking: PendingOrder | None) -> bytes:
        """The answer of a trial; `blocking` is the pending order that a settlement would wait for."""
        ...
