"""A repeat of a message whose work was taken back since: the stored answer, and beside it what has happened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from tests.settlement.counter import SOMEBODY
from tests.settlement.counter_member import Reached, desk, member_in
from tests.settlement.test_rpc_encounters import admission, discharge, registration, stay_reference, upload
from tests.settlement.test_rpc_fees import cancellation, line, stay_cancellation, stay_upload
from tests.settlement.test_rpc_fees import upload as fee_upload
from yibao.settlement.v1 import stay_pb2, visit_pb2


@pytest.fixture
async def member(tmp_path: Path) -> AsyncIterator[Reached]:
    """The running member."""
    async with member_in(tmp_path) as reached:
        yield reached


def told(first: Message, again: Message) -> dict[str, Any]:
    """What a repeat tells beside the stored answer, which must be in it as it was."""
    beside = {field.name: value for field, value in again.ListFields() if not getattr(first, field.name)}
    copy = type(again)()
    copy.CopyFrom(again)
    for name in beside:
        copy.ClearField(name)
    assert copy == first
    return beside


async def test_a_visit_that_was_cancelled_is_told_so_by_2201_and_2203(member: Reached) -> None:
    calls = member.encounters
    first = await member.call(calls.RegisterVisit, registration())
    mdtrt_id = first.data.mdtrt_id
    described = await member.call(calls.UploadVisit, upload(mdtrt_id))
    assert await member.call(calls.RegisterVisit, registration()) == first
    name = visit_pb2.VisitCancellation(mdtrt_id=mdtrt_id, psn_no=SOMEBODY)
    cancel = visit_pb2.CancelVisitRequest(request_id="2202:1", desk=desk(), data=name)
    cancelled = await member.call(calls.CancelVisit, cancel)
    assert told(first, await member.call(calls.RegisterVisit, registration())) == {"cancelled": True}
    assert told(described, await member.call(calls.UploadVisit, upload(mdtrt_id))) == {"cancelled": True}
    assert await member.call(calls.CancelVisit, cancel) == cancelled


async def test_a_stay_tells_at_each_repeat_what_became_of_it(member: Reached) -> None:
    calls = member.encounters
    admitted = await member.call(calls.Admit, admission())
    mdtrt_id = admitted.result.mdtrt_id
    undo = stay_pb2.UndoDischargeRequest(request_id="2405:1", desk=desk(), data=stay_reference(mdtrt_id))
    out = discharge(mdtrt_id)
    discharged = await member.call(calls.Discharge, out)
    assert await member.call(calls.Discharge, out) == discharged
    undone = await member.call(calls.UndoDischarge, undo)
    assert told(discharged, await member.call(calls.Discharge, out)) == {"undone": True}
    assert await member.call(calls.UndoDischarge, undo) == undone
    later = discharge(mdtrt_id, "2402:2")
    again = await member.call(calls.Discharge, later)
    assert told(undone, await member.call(calls.UndoDischarge, undo)) == {"discharged": True}
    assert await member.call(calls.Discharge, later) == again
    assert told(discharged, await member.call(calls.Discharge, out)) == {"undone": True}
    undo.request_id = "2405:2"
    await member.call(calls.UndoDischarge, undo)
    cancel = stay_pb2.CancelAdmissionRequest(request_id="2404:1", desk=desk(), data=stay_reference(mdtrt_id))
    await member.call(calls.CancelAdmission, cancel)
    assert told(undone, await member.call(calls.UndoDischarge, undo)) == {"cancelled": True}
    assert told(admitted, await member.call(calls.Admit, admission())) == {"cancelled": True}


async def test_an_upload_counts_the_lines_that_do_not_stand_as_they_were_answered(member: Reached) -> None:
    registered = await member.call(member.encounters.RegisterVisit, registration())
    mdtrt_id, calls = registered.data.mdtrt_id, member.fees
    lines = [line(str(place), chrg_bchno=f"B{place % 2}") for place in range(5)]
    sent = fee_upload(mdtrt_id, *lines)
    first = await member.call(calls.UploadFees, sent)
    await member.call(calls.CancelFees, cancellation(mdtrt_id, "B0"))
    assert told(first, await member.call(calls.UploadFees, sent)) == {"cancelled_lines": 3}
    corrected = line("0", det_item_fee_sumamt_fen=1500, cnt="3", chrg_bchno="B0")
    await member.call(calls.UploadFees, fee_upload(mdtrt_id, corrected, lines[2], request_id="2204:2"))
    assert told(first, await member.call(calls.UploadFees, sent)) == {"cancelled_lines": 2}


async def test_so_it_is_with_the_lines_of_a_stay(member: Reached) -> None:
    admitted = await member.call(member.encounters.Admit, admission())
    mdtrt_id, calls = admitted.result.mdtrt_id, member.fees
    sent = stay_upload(mdtrt_id, line("1"), line("2"))
    first = await member.call(calls.UploadStayFees, sent)
    for place, left in enumerate((1, 2)):
        request = stay_cancellation(mdtrt_id, str(left), request_id=f"2302:{place}")
        await member.call(calls.CancelStayFees, request)
        assert told(first, await member.call(calls.UploadStayFees, sent)) == {"cancelled_lines": left}
