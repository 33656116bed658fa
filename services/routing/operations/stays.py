"""Stays of persons whom another cell insures: admitted (2401), ended (2402, 2404, 2601 of a 2401) and put back (2405).

The place of care decides, and keeps every message with its answer. The insured cell holds the person to one stay: it does so
before anybody is admitted or put back, and lets go of a stay in which the person does not lie any more. What the place of care
has decided is finished however long that takes; one saga runs for a stay at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NoReturn, Protocol

from services.kernel.elsewhere import cell_unavailable, outcome_unknown
from services.kernel.errors import Fault
from services.routing.domain.bills import as_sent
from services.routing.domain.sagas import Move, Saga, SagaKind, State
from services.routing.domain.stays import (
    DISCHARGE,
    UNDO_DISCHARGE,
    Admitted,
    BegunStay,
    Changed,
    Covered,
    Held,
    release_of,
    reservation_of,
    without_person,
)
from services.routing.operations.elsewhere import AskedPerson, Elsewhere
from services.routing.operations.sagas import Sagas
from services.routing.operations.steps import ABANDONED, ROUNDS, Message, Unknown, asked, begun, is_away, taken, written

RELEASE_WAIT_S: Final = 0.5
"""How long an answer waits until the insured cell has let go of a stay, so that the person can be admitted elsewhere at once; it
comes without that too (our decision)."""
REPEATED: Final = "REPEATED"
"""Why one is undone whose message had admitted before."""
_CLOSED: Final = "MESSAGE_VOIDED"
_OPEN: Final = "STAY_OPEN"


class StayCells(Protocol):
    """The settlement of any cell; each raises its refusal."""

    async def covered(self, cell: str, request: Any) -> Covered:
        """Who is admitted, asked of the insured cell."""
        ...

    async def admit(self, cell: str, request: Any, told: Any, mdtrt_id: str) -> Admitted:
        """2401 at the place of care, under a number that is made here."""
        ...

    async def end_admission(self, cell: str, mdtrt_id: str) -> bool:
        """Whether a stay is registered at the place of care; from then on it will not be."""
        ...

    async def begun(self, cell: str, fixmedins_code: str, mdtrt_id: str, psn_no: str) -> BegunStay:
        """A stay as the place of care has it; ENCOUNTER_NOT_FOUND."""
        ...

    async def change(self, cell: str, act: str, request: Any, order_no: str) -> Changed:
        """2402, 2404, 2405 or 2601 of a 2401 at the place of care."""
        ...

    async def end_change(self, cell: str, order_no: str, mdtrt_id: str) -> bool:
        """Whether the person lies in a stay; from then on the change of that number does not come."""
        ...

    async def reserve(self, cell: str, request_id: str, held: Held) -> None:
        """Holds a person to a stay, in the insured cell; STAY_OPEN."""
        ...

    async def release(self, cell: str, request_id: str, mdtrt_id: str, undoes: str = "") -> None:
        """Lets go of a stay, or of it as far as the reservation `undoes` holds it."""
        ...


@dataclass(frozen=True, slots=True)
class Stays:
    """Admits, ends and puts back. `new_id` makes the numbers of stays."""

    elsewhere: Elsewhere
    cells: StayCells
    sagas: Sagas
    new_id: Callable[[], str]

    async def admit(self, message: Message, who: AskedPerson, begin_at: datetime) -> Any:
        """2401, as it is answered for ever.

        Raises what `Elsewhere.ask` does; the refusals of both cells and CELL_UNAVAILABLE, where nothing stands and nothing will;
        OUTCOME_UNKNOWN, where something may; REQUEST_ID_REUSED, QUEUE_FULL.
        """
        covered = await self.elsewhere.ask(who, lambda cell: self.cells.covered(cell, message.request))
        care, request = message.care_cell, message.request
        if covered.cell == care:
            mdtrt_id = self.new_id()
            return (await written(message, lambda: self.cells.admit(care, request, covered.told, mdtrt_id))).answer
        with self.sagas.room():
            saga = await self._begun(message, covered.cell)
            if saga.state is State.DONE:
                known = await written(message, lambda: self.cells.admit(care, request, covered.told, saga.target))
                return known.answer
            return await self._admitted(message, saga, covered, begin_at)

    async def change(self, message: Message, mdtrt_id: str, psn_no: str) -> Any:
        """2402, 2404 or 2405, as it is answered for ever; raises as `admit`, and ENCOUNTER_NOT_FOUND."""
        stay = await asked(self.cells.begun(message.care_cell, message.scope, mdtrt_id, psn_no))
        held = Held(mdtrt_id, psn_no, message.scope, message.care_cell, stay.begin_at)
        return await self._change(message, stay.insured_cell, mdtrt_id, held)

    async def take_back(self, message: Message, insured_cell: str, mdtrt_id: str) -> Any:
        """2601 of the message that admitted to a stay; raises as `change`."""
        return await self._change(message, insured_cell, mdtrt_id)

    async def end_admission(self, saga: Saga) -> Move:
        """Ends an admission whose owner is gone: it stands where it is registered, and is undone where it is not."""
        if saga.state is State.BEGUN:
            if await self.cells.end_admission(saga.care_cell, saga.target):
                return Move(saga.order_no, State.DONE)
            saga = await self.sagas.move(saga.order_no, State.REVOKED, ABANDONED)
        return await self._let_go(saga)

    async def end_change(self, saga: Saga) -> Move:
        """Ends a change whose owner is gone: whether the person lies there decides what the insured cell holds."""
        if saga.state is State.BEGUN:
            if await self.cells.end_change(saga.care_cell, saga.order_no, saga.target):
                state = State.DONE if saga.act == UNDO_DISCHARGE else State.UNDONE
                return Move(saga.order_no, state, ABANDONED)
            saga = await self.sagas.move(saga.order_no, without_person(saga), ABANDONED)
        return await self._let_go(saga)

    async def _begun(self, message: Message, insured_cell: str) -> Saga:
        """A saga that admits, or one that has done so for the same message meanwhile; OUTCOME_UNKNOWN, REQUEST_ID_REUSED."""
        blocking = ""
        for _ in range(ROUNDS):
            told = (message.key, message.act, message.left_s(), self.new_id())
            saga = self.sagas.new(SagaKind.ADMIT, message.care_cell, insured_cell, *told)
            standing = await self.sagas.begin(saga)
            if standing.order_no == saga.order_no:
                return saga
            blocking = standing.order_no
            ended = await self.sagas.ended(blocking, message.left_s())
            if ended is None:
                break
            if ended.state is State.DONE:
                return ended
        raise outcome_unknown(blocking)

    async def _admitted(self, message: Message, saga: Saga, covered: Covered, begin_at: datetime) -> Any:
        care, mdtrt_id = saga.care_cell, saga.target
        try:
            await self._reserved(message, saga, Held(mdtrt_id, covered.psn_no, message.scope, care, begin_at))
        except Fault as fault:
            if fault.reason != _OPEN:
                raise
            if await self._freed(saga, fault.metadata.get("mdtrt_id", "")):
                raise outcome_unknown(saga.order_no) from None
            return await self._admitted_before(message, saga, covered, fault)
        try:
            admitted = await taken(message, lambda: self.cells.admit(care, message.request, covered.told, mdtrt_id))
        except Unknown as unknown:
            self._unknown(saga, unknown.reason)
        except Fault as refused:
            if await self._at_care(message, saga, lambda: self.cells.end_admission(care, mdtrt_id)):
                # One attempt came through, and the next was refused: the message is answered when it comes again.
                self._unknown(saga, refused.reason)
            await self._refused(message, saga, State.REVOKED, refused)
        if admitted.mdtrt_id == mdtrt_id:
            self.sagas.end(saga.order_no, State.DONE)
        else:
            # The message has admitted before, to a stay that has ended since.
            await self._followed(message, saga, State.REVOKED, REPEATED)
        return admitted.answer

    async def _freed(self, saga: Saga, held: str) -> bool:
        """Whether the insured cell has let go of the stay that was in the way, of the same hospital: nobody lies there any more,
        and no saga runs for it. Where routing's store came back from a backup, nobody else knows that any more.
        """
        if not held:
            return False
        told = ((saga.scope, "", ""), DISCHARGE, 0, held)
        look = self.sagas.new(SagaKind.CHANGE_STAY, saga.care_cell, saga.insured_cell, *told)
        look = replace(look, request_id=look.order_no)
        if (await self.sagas.begin(look)).order_no != look.order_no:
            return False
        try:
            move = await self.end_change(look)
        except Fault as failed:
            self.sagas.leave(look.order_no, failed.reason)
            return False
        self.sagas.end(move.order_no, move.state, move.reason)
        return move.state is State.DONE

    async def _admitted_before(self, message: Message, saga: Saga, covered: Covered, refused: Fault) -> Any:
        """The answer where the same message has admitted to the stay that is in the way, a moment ago; else the refusal.

        It is asked for by a registration that can only be a repeat: its own number was closed before.
        """
        care, mdtrt_id = saga.care_cell, saga.target
        try:
            await self.cells.end_admission(care, mdtrt_id)
            return (await self.cells.admit(care, message.request, covered.told, mdtrt_id)).answer
        except Fault as fault:
            raise outcome_unknown(saga.order_no) if is_away(fault) else refused from None

    async def _change(self, message: Message, insured_cell: str, mdtrt_id: str, held: Held | None = None) -> Any:
        """A change; `held` is what is reserved before the person is put back."""
        care, blocking = message.care_cell, ""
        if insured_cell in ("", care):
            number = self.new_id()
            return (
                await written(message, lambda: self.cells.change(care, message.act, message.request, number))
            ).answer
        with self.sagas.room():
            for _ in range(ROUNDS):
                told = (message.key, message.act, message.left_s(), mdtrt_id)
                saga = self.sagas.new(SagaKind.CHANGE_STAY, care, insured_cell, *told)
                if await begun(self.sagas, saga, message):
                    if message.act == UNDO_DISCHARGE and held is not None:
                        await self._reserved(message, saga, held)
                    return await self._changed(message, saga)
                blocking = saga.order_no
        raise outcome_unknown(blocking)

    async def _changed(self, message: Message, saga: Saga) -> Any:
        care, number = saga.care_cell, saga.order_no
        try:
            changed = await taken(message, lambda: self.cells.change(care, saga.act, message.request, number))
        except Unknown as unknown:
            self._unknown(saga, unknown.reason)
        except Fault as refused:
            lies = await self._at_care(message, saga, lambda: self.cells.end_change(care, number, saga.target))
            await self._refused(message, saga, State.UNDONE if lies else without_person(saga), refused)
        if changed.lies:
            self.sagas.end(number, State.DONE)
        else:
            await self._followed(message, saga, without_person(saga))
        return changed.answer

    async def _reserved(self, message: Message, saga: Saga, held: Held) -> None:
        """Holds the person to the stay; where that fails nothing is asked of the place of care."""
        try:
            await taken(message, lambda: self.cells.reserve(saga.insured_cell, reservation_of(saga), held))
        except Unknown as unknown:
            await self._followed(message, saga, State.REVOKED, unknown.reason)
            raise cell_unavailable(saga.insured_cell) from None
        except Fault as refused:
            await self._refused(message, saga, State.REVOKED, refused)

    async def _at_care(self, message: Message, saga: Saga, ask: Callable[[], Awaitable[bool]]) -> bool:
        """What the place of care says after a refusal, when it takes nothing of this saga any more; OUTCOME_UNKNOWN."""
        try:
            return await taken(message, ask)
        except (Unknown, Fault) as failed:
            self._unknown(saga, failed.reason)

    async def _refused(self, message: Message, saga: Saga, state: State, refused: Fault) -> NoReturn:
        """Tells a refusal, once the saga has come to a state."""
        if refused.reason == _CLOSED:
            standing = await self.sagas.books.find(saga.order_no)
            if standing is not None and standing.state is not State.BEGUN:
                # Not the message was closed but this attempt at it, by the loop, for it took too long.
                raise outcome_unknown(saga.order_no)
        await self._followed(message, saga, state, refused.reason)
        raise as_sent(refused) from None

    async def _followed(self, message: Message, saga: Saga, state: State, reason: str = "") -> None:
        """Has the insured cell follow, and waits a moment for that; the loop does what cannot be done now."""
        if state is State.UNDONE:
            self.sagas.end(saga.order_no, state, reason)
            return
        work = self.sagas.later(self._follow(message, replace(saga, state=state, reason=reason)))
        await asyncio.wait({work}, timeout=min(RELEASE_WAIT_S, message.left_s()))

    async def _follow(self, message: Message, saga: Saga) -> None:
        try:
            move = await taken(message, lambda: self._let_go(saga))
        except (Unknown, Fault) as failed:
            self.sagas.end(saga.order_no, saga.state, saga.reason)
            self.sagas.leave(saga.order_no, failed.reason)
        else:
            self.sagas.end(move.order_no, move.state, move.reason)

    async def _let_go(self, saga: Saga) -> Move:
        """Lets go, in the insured cell, of a stay that has ended (COMMITTED), or of what the saga has reserved (REVOKED)."""
        revoked = saga.state is State.REVOKED
        undoes = reservation_of(saga) if revoked else ""
        await self.cells.release(saga.insured_cell, release_of(saga), saga.target, undoes)
        return Move(saga.order_no, State.UNDONE if revoked else State.DONE, saga.reason)

    def _unknown(self, saga: Saga, reason: str) -> NoReturn:
        """Leaves a saga to the loop, for nobody knows what has become of it."""
        self.sagas.leave(saga.order_no, reason)
        raise outcome_unknown(saga.order_no)
