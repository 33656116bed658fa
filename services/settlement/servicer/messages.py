"""Messages taken back (2601), whether the institution or routing asks: what is meant, and what the answer says."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from services.kernel.requests import RequestStamp
from services.runtime.contract import Contract
from services.runtime.forms import Effect
from services.settlement.domain.books.reversal import (
    NEVER_ARRIVED,
    REVERSIBLE_ADMISSION,
    MessageName,
    ReversalRequest,
    TakenBack,
    check_admission,
    check_reversible,
)
from services.settlement.operations.books.reverse import Reversing
from services.settlement.operations.care.stays import StayOperations
from yibao.settlement.v1 import encounter_pb2, fee_pb2, ledger_pb2, reversal_pb2, settlement_pb2

_ADMIT: Final = "/yibao.settlement.v1.EncounterService/Admit"


async def take_back(
    stays: StayOperations,
    reversing: Reversing,
    request: ReversalRequest,
    data: reversal_pb2.MessageReference,
    *,
    order_no: str = "",
) -> bytes:
    """The answer of 2601. `order_no` where routing asks, which asks for that of a stay alone."""
    name = await meant_message(stays, reversing, request, data)
    if order_no:
        check_admission(name)
    if name.oinfno != REVERSIBLE_ADMISSION:
        return await reversing.reverse_message(request, name, message_answer)
    originals = admissions(request, name)
    return await stays.reverse_admission(
        request.stamp, originals, name.psn_no, request.now, _admission, order_no=order_no
    )


async def meant_message(
    stays: StayOperations, reversing: Reversing, request: ReversalRequest, data: reversal_pb2.MessageReference
) -> MessageName:
    """The message as it came, or as it was named. Raises MESSAGE_MISNAMED, MESSAGE_AMBIGUOUS, NOT_REVERSIBLE, and
    REQUEST_ID_REUSED where the request id of 2601 itself stands for something else."""
    name = MessageName(data.oinfno, data.omsgid, data.psn_no)
    # Its own request id may stand in either of two tables.
    await reversing.check_unused(request)
    await stays.writes.answered(request.stamp)
    name = await reversing.meant(request, name, _kept_transactions())
    check_reversible(name)
    return name


def admissions(request: ReversalRequest, name: MessageName) -> list[RequestStamp]:
    """The requests that a message 2401 may have been; where it stands, if it came, is the first."""
    ids = (name.request_id, *(each for each in name.late_ids if each != name.request_id))
    return [RequestStamp(request.stamp.scope, each, _ADMIT, "") for each in ids]


def message_answer(taken: TakenBack) -> bytes:
    """What 2601 tells of a message."""
    outcome = reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK if taken.arrived else reversal_pb2.MESSAGE_OUTCOME_NOT_ARRIVED
    return reversal_pb2.ReverseMessageResponse(
        outcome=outcome, setl_id=taken.setl_id, reversed_by=taken.reversed_by, mdtrt_id=taken.mdtrt_id
    ).SerializeToString()


def _admission(mdtrt_id: str) -> bytes:
    """The same of a message that admitted somebody."""
    return message_answer(TakenBack(arrived=True, mdtrt_id=mdtrt_id) if mdtrt_id else NEVER_ARRIVED)


@lru_cache(maxsize=1)
def _kept_transactions() -> tuple[str, ...]:
    """The numbers of the national interface under which this member keeps messages."""
    files = (encounter_pb2, fee_pb2, ledger_pb2, settlement_pb2)
    services = [each.full_name for file in files for each in file.DESCRIPTOR.services_by_name.values()]
    methods = Contract.load(services).methods.values()
    return tuple(each.infno for method in methods if method.effect is Effect.IDEMPOTENT for each in method.transactions)
