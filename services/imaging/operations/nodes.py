"""Nodes: registered, suspended, heard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from services.imaging.domain.conflicts import ConflictNotice
from services.imaging.domain.nodes import Node, StandingNode, check_node, found, registration, suspension
from services.imaging.store.unit import ImagingStore, Unit
from services.kernel.pages import Page, page_of
from services.kernel.requests import Entry, RequestStamp
from services.runtime.writes import Frame, as_it_stands


@dataclass(frozen=True, slots=True)
class Heard:
    """A node after its heartbeat, with conflicts of its studies that are not settled."""

    node: StandingNode
    notices: Sequence[ConflictNotice]


Encode: TypeAlias = Callable[[StandingNode], bytes]


class NodeOperations:
    """What NodeService does."""

    def __init__(self, store: ImagingStore) -> None:
        self._store = store
        self._frame: Frame[Unit, Entry] = Frame(store.write, _find, "STORE_UNAVAILABLE")

    async def register(self, stamp: RequestStamp, wanted: Node, now: datetime, encode: Encode) -> bytes:
        """Registers a node, or tells another one of it; NODE_EXISTS, REQUEST_ID_REUSED."""
        check_node(wanted)

        async def told(work: Unit) -> StandingNode:
            standing = await work.nodes.hold(wanted.node_no)
            ref = await work.nodes.next_ref() if standing is None else standing.ref
            node = registration(wanted, standing, ref, now)
            await (work.nodes.add(node) if standing is None else work.nodes.replace(node))
            return node

        return await self._once(stamp, told, now, encode)

    async def suspend(
        self, stamp: RequestStamp, node_no: str, memo: str, now: datetime, encode: Encode, *, lifted: bool
    ) -> bytes:
        """Suspends a node, or lifts that; NODE_NOT_FOUND, REQUEST_ID_REUSED."""

        async def told(work: Unit) -> StandingNode:
            node = suspension(found(node_no, await work.nodes.hold(node_no)), memo, lifted=lifted)
            await work.nodes.replace(node)
            return node

        return await self._once(stamp, told, now, encode)

    async def find(self, node_no: str) -> StandingNode:
        """The node of a number; NODE_NOT_FOUND."""
        async with self._store.read() as work:
            return found(node_no, await work.nodes.find(node_no))

    async def listed(self, after: str, size: int) -> Page[StandingNode]:
        """Nodes by their numbers, behind one."""
        async with self._store.read() as work:
            nodes = await work.nodes.after(after, size + 1)
        return page_of(nodes, size, lambda each: (each.node.node_no,))

    async def heard(self, node_no: str, now: datetime, *, retrieving: bool, last_seq: int = 0) -> Heard:
        """The node after a heartbeat that says the number of its last entry, 0 for none, and what it should know of conflicts;
        NODE_NOT_FOUND."""

        async def act(work: Unit) -> Heard:
            held = found(node_no, await work.nodes.hold(node_no))
            node = replace(held, heard_at=now, retrieving=retrieving, last_seq=last_seq or held.last_seq)
            await work.nodes.replace(node)
            return Heard(node, await work.conflicts.of_node(node.ref))

        return await self._frame.written(act)

    async def _once(
        self, stamp: RequestStamp, told: Callable[[Unit], Awaitable[StandingNode]], now: datetime, encode: Encode
    ) -> bytes:
        async def act(work: Unit) -> Entry:
            entry = Entry(stamp, encode(await told(work)), now)
            await work.journal.add(entry)
            return entry

        kept: Entry = await self._frame.once(stamp, act, as_it_stands)
        return kept.response


async def _find(work: Unit, stamp: RequestStamp) -> Entry | None:
    return await work.journal.find(stamp)
