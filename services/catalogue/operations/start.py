"""Filling an empty catalogue from files when the member starts. A catalogue that holds anything is left alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.catalogue.domain.publishing import PlacedRecord, refuse_malformed
from services.catalogue.domain.records import EMPTY_HEAD, next_head
from services.catalogue.operations.publish import PublishCommand, Published, Publishing
from services.catalogue.store.reading import CatalogueStore
from services.kernel.clock import Clock
from services.kernel.errors import Violation
from services.kernel.requests import RequestStamp

SCOPE = "service:catalogue"
REQUEST_ID = "files"

ReadFiles = Callable[[], tuple[Sequence[PlacedRecord], Sequence[Violation]]]


async def publish_first(store: CatalogueStore, read_files: ReadFiles, clock: Clock) -> int:
    """Publishes all that the files hold, all or none, and says how many records that was.

    Raises the faults of publishing; a row that cannot be read refuses all of them.
    """
    if await store.head() != EMPTY_HEAD:
        return 0
    entries, violations = read_files()
    refuse_malformed(violations)
    command = PublishCommand(
        stamp=RequestStamp(SCOPE, REQUEST_ID, "", next_head(EMPTY_HEAD, [entry.record for entry in entries])),
        entries=tuple(entries),
        at=clock(),
        render=_nothing,
    )
    await Publishing(store).publish(command)
    return len(entries)


def _nothing(published: Published) -> bytes:
    """Nobody waits for an answer."""
    return b""
