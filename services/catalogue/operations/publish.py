"""Publishing records: all or none, each request once. It decides nothing by itself; `domain.publishing` does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.catalogue.domain.checking import check
from services.catalogue.domain.policies import is_constraint, warnings_of
from services.catalogue.domain.publishing import (
    MAX_WARNINGS,
    Decision,
    HeldRecords,
    PlacedRecord,
    Publication,
    decide,
    refuse_malformed,
    regions_named,
    stack_ids,
    unknown_divisions,
)
from services.catalogue.domain.records import KINDS, Key, PolicyVersion, Record, key_of, next_head
from services.catalogue.store.publishing import PublishingTransaction
from services.catalogue.store.reading import CatalogueStore
from services.kernel.errors import Violation
from services.kernel.requests import RequestStamp
from services.runtime.writes import Frame, as_it_stands

# Records that are checked without a pause.
_PART: Final = 100


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did."""

    published_count: int
    unchanged_count: int
    head: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PublishCommand:
    """A request to publish: its records, and violations of those that could not be read at all (`bad_policies` names the
    policies among them). `render` makes the answer's bytes, which are kept for a repeat."""

    stamp: RequestStamp
    entries: tuple[PlacedRecord, ...]
    at: datetime
    render: Callable[[Published], bytes]
    unreadable: tuple[Violation, ...] = ()
    bad_policies: tuple[str, ...] = ()


class Publishing:
    """The operation on one store."""

    def __init__(self, store: CatalogueStore) -> None:
        self._frame = Frame(store.publishing, _find, "STORE_UNAVAILABLE")

    async def publish(self, command: PublishCommand) -> bytes:
        """The answer, or that of the same request before.

        Raises CODE_INVALID, POLICY_INVALID, INVALID_REQUEST, REQUEST_ID_REUSED, RECORD_OVERLAPS, POLICY_VERSION_EXISTS and
        STACK_POLICY_UNKNOWN; then nothing is written.
        """
        refuse_malformed([*command.unreadable, *await find_violations(command.entries)], command.bad_policies)

        async def act(writing: PublishingTransaction) -> Publication:
            standing = await _standing(writing, command.entries)
            decision = decide(command.entries, standing)
            warnings = unknown_divisions(command.entries, standing.divisions)
            warnings += await _policy_warnings(writing, decision)
            head = await writing.head()
            if decision.published:
                head = next_head(head, decision.published)
            published = Published(
                len(decision.published), decision.unchanged_count, head, tuple(warnings[:MAX_WARNINGS])
            )
            stamp, response = command.stamp, command.render(published)
            publication = Publication(*(stamp.scope, stamp.request_id, stamp.content_hash, head, response, command.at))
            await writing.save(publication, decision)
            return publication

        publication: Publication = await self._frame.once(command.stamp, act, as_it_stands)
        return publication.response


async def find_violations(entries: Sequence[PlacedRecord]) -> list[Violation]:
    """Every violation of every record by itself, with the record's place in front; with pauses for everything else."""
    broken: list[Violation] = []
    for place, entry in enumerate(entries, 1):
        broken += [
            replace(found, path=f"{entry.path}.{found.path}" if entry.path else found.path)
            for found in check(entry.record)
        ]
        if place % _PART == 0:
            await asyncio.sleep(0)
    return broken


async def _find(writing: PublishingTransaction, stamp: RequestStamp) -> Publication | None:
    return await writing.find_publication(stamp.scope, stamp.request_id)


async def _standing(writing: PublishingTransaction, entries: Sequence[PlacedRecord]) -> HeldRecords:
    records: dict[tuple[str, Key], list[Record]] = {}
    for kind in KINDS:
        keys = {key_of(entry.record) for entry in entries if isinstance(entry.record, kind)}
        if keys:
            for record in await writing.standing(kind, keys):
                records.setdefault((kind.KIND, key_of(record)), []).append(record)
    ids, regions = stack_ids(entries), regions_named(entries)
    return HeldRecords(
        records=records,
        policy_kinds=await writing.policy_kinds(ids) if ids else {},
        divisions=await writing.divisions(regions) if regions else frozenset(),
    )


async def _policy_warnings(writing: PublishingTransaction, decision: Decision) -> list[str]:
    policies = [record for record in decision.inserts if isinstance(record, PolicyVersion)]
    if not policies:
        return []
    constraints = [*await writing.constraints(), *(policy for policy in policies if is_constraint(policy))]
    lines: list[str] = []
    for policy in policies:
        lines += warnings_of(policy, constraints)
        # Each is proven once more, which takes milliseconds.
        await asyncio.sleep(0)
    return lines
