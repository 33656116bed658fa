"""One settlement as it was answered, with what a query tells beyond it (5203), and whether a counter-entry stands to it."""

from __future__ import annotations

from dataclasses import dataclass

from services.kernel.errors import not_found
from services.settlement.domain.books.reversal import BookedSettlement
from services.settlement.store.settlements import SettlementBooks


@dataclass(frozen=True, slots=True)
class SettlementQuestion:
    """A settlement by number, or where that is empty by the message that made it, of a person's encounter."""

    scope: str
    psn_no: str
    mdtrt_id: str
    setl_id: str = ""
    msgid: str = ""


@dataclass(frozen=True, slots=True)
class Queries:
    """Reads settlements."""

    store: SettlementBooks

    async def settlement(self, question: SettlementQuestion) -> BookedSettlement:
        """The settlement or counter-entry; SETTLEMENT_NOT_FOUND whatever does not fit."""
        async with self.store.reading() as snapshot:
            if question.setl_id:
                found = await snapshot.settlement(question.setl_id)
                # The institution knows the number that it was told; what stands in its place since a replay is the truth.
                found = found and await snapshot.in_place_of(found)
            else:
                found = await snapshot.settlement_by_msgid(question.scope, question.msgid, question.mdtrt_id)
            original = await snapshot.settlement(found.reverses) if found is not None and found.reverses else found
        # The opener of an order may have reversed it: the counter-entry is told to the institution whose bill it takes back.
        if (
            found is None
            or original is None
            or not found.settled
            or (original.scope, found.key.psn_no, found.mdtrt_id)
            != (question.scope, question.psn_no, question.mdtrt_id)
        ):
            named = question.setl_id or question.msgid
            raise not_found("SETTLEMENT_NOT_FOUND", setl_id=named, fixmedins_code=question.scope)
        return found
