"""What encounters and fees ask of the store, as protocols: a snapshot to read, a transaction to write."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from services.settlement.domain.diagnoses import Diagnosis
from services.settlement.domain.encounters import Encounter, EncounterFilter, Entry, FeePresence
from services.settlement.domain.fees import FeeBatch, FeeLine, StandingLine
from services.settlement.domain.moments import FeeMoment, FeeWindow


class Snapshot(Protocol):
    """What stands."""

    async def entry(self, scope: str, request_id: str) -> Entry | None:
        """The accepted write of that request id."""
        ...

    async def encounter(self, mdtrt_id: str) -> Encounter | None:
        """The encounter of that number."""
        ...

    async def encounters(self, wanted: EncounterFilter, limit: int) -> list[Encounter]:
        """Encounters that are not cancelled, newest first."""
        ...

    async def open_visit(self, fixmedins_code: str, psn_no: str, ipt_otp_no: str) -> Encounter | None:
        """The open visit under the institution's own number."""
        ...

    async def open_stay(self, psn_no: str) -> Encounter | None:
        """The person's open stay, at whatever institution."""
        ...

    async def entry_after(self, mdtrt_id: str, kind: str, entry_id: str) -> bool:
        """Whether an accepted write of a kind came to the encounter after an entry; "" stands before all."""
        ...

    async def settled_since_discharge(self, mdtrt_id: str) -> bool:
        """Whether a settlement made after the last discharge stands."""
        ...

    async def fee_presence(self, mdtrt_id: str) -> FeePresence:
        """Whether unsettled lines or a settlement stand on the encounter."""
        ...

    async def fees_outside(self, mdtrt_id: str, window: FeeWindow) -> list[FeeMoment]:
        """Standing fees that arose outside the window, settled ones too."""
        ...

    async def unsettled_before(self, mdtrt_id: str, first: datetime) -> list[FeeMoment]:
        """Unsettled fees that arose before a moment."""
        ...

    async def diagnoses(self, mdtrt_id: str) -> list[Diagnosis]:
        """The diagnoses that stand, in the order they came."""
        ...

    async def batches(self, mdtrt_id: str) -> list[FeeBatch]:
        """All charge batches, oldest first."""
        ...

    async def lines(self, mdtrt_id: str, numbers: Collection[str]) -> list[StandingLine]:
        """The standing lines of these numbers."""
        ...

    async def cancelled(self, mdtrt_id: str, numbers: Collection[str]) -> set[str]:
        """Those of these numbers under which a line of the encounter was cancelled."""
        ...

    async def returns(self, mdtrt_id: str, numbers: Collection[str]) -> list[StandingLine]:
        """The standing returns of the lines of these numbers."""
        ...

    async def returns_left(self, mdtrt_id: str, fee_batch_ids: Sequence[str]) -> list[StandingLine]:
        """The standing returns outside these batches of lines that stand in them."""
        ...

    async def listed_lines(self, mdtrt_id: str, limit: int) -> list[StandingLine]:
        """Standing lines in the order they came."""
        ...

    async def settled_lines(self, mdtrt_id: str, setl_id: str, limit: int) -> list[StandingLine]:
        """The lines that a settlement of the encounter held when it was made, in the order they came, under its number.

        None for a counter-entry or another encounter's settlement.
        """
        ...

    async def counterpart(self, mdtrt_id: str, setl_id: str) -> tuple[str, str] | None:
        """What has reversed a settlement of the encounter, and what it reverses itself; None for no such settlement."""
        ...


class Writing(Snapshot, Protocol):
    """One transaction."""

    async def lock(self, psn_no: str) -> None:
        """Holds what is written about the person until the transaction ends."""
        ...

    async def add_entry(self, entry: Entry) -> None:
        """Keeps an accepted write."""
        ...

    async def add_encounter(self, encounter: Encounter) -> None:
        """A new encounter."""
        ...

    async def change_encounter(self, encounter: Encounter) -> None:
        """The encounter as it stands now."""
        ...

    async def add_diagnoses(self, rows: Sequence[Diagnosis]) -> None:
        """New diagnoses."""
        ...

    async def replace_diagnoses(self, mdtrt_id: str, stage: str) -> None:
        """The diagnoses of the stage stand no more."""
        ...

    async def add_fees(self, batches: Sequence[FeeBatch], lines: Sequence[FeeLine]) -> None:
        """New batches with their lines."""
        ...

    async def cancel_batches(self, fee_batch_ids: Sequence[str]) -> None:
        """Cancels batches with all their lines."""
        ...

    async def cancel_lines(self, fee_batch_id: str, line_ids: Sequence[str]) -> None:
        """Cancels single lines, which a cancelling batch takes back."""
        ...


class EncounterStore(Protocol):
    """The encounters and fees of one database."""

    def reading(self) -> AbstractAsyncContextManager[Snapshot]:
        """A snapshot."""
        ...

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """One transaction; raises `Moved` where a row that must be unique is taken."""
        ...
