"""Rows of nodes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.imaging.domain.conflicts import Caused
from services.imaging.domain.nodes import Node, NodeState, StandingNode
from services.kernel.clock import from_micros, to_micros
from services.runtime.db import DriverConnection, sql, to_json

NODE_COLUMNS: Final = (
    "node_ref, node_no, node_name, admdvs, uscc, retrieve_roots, institutions, state, memo, registered_at, heard_at, retrieving,"
    " uploaded_at, watermark, last_ref, last_seq, compared_at, caused, caused_since"
)
_FIND: Final = sql(f"SELECT {NODE_COLUMNS} FROM imaging_node WHERE node_no = ?1")
_HOLD: Final = sql(f"SELECT {NODE_COLUMNS} FROM imaging_node WHERE node_no = ?1 FOR UPDATE")
_LIST: Final = sql(f"SELECT {NODE_COLUMNS} FROM imaging_node WHERE node_no > ?1 ORDER BY node_no LIMIT ?2")
_NEXT: Final = sql("SELECT coalesce(max(node_ref), 0) + 1 FROM imaging_node")
_REPLACE: Final = sql(
    "UPDATE imaging_node SET node_name = ?2, retrieve_roots = ?3, institutions = ?4, state = ?5, memo = ?6, heard_at = ?7,"
    " retrieving = ?8, uploaded_at = ?9, watermark = ?10, last_ref = ?11, last_seq = ?12, compared_at = ?13,"
    " caused = ?14, caused_since = ?15 WHERE node_ref = ?1"
)


class NodeRows:
    """Nodes, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def find(self, node_no: str) -> StandingNode | None:
        """The node of a number."""
        return await self._one(_FIND, node_no)

    async def hold(self, node_no: str) -> StandingNode | None:
        """The same, held against other writers until the transaction ends."""
        return await self._one(_HOLD, node_no)

    async def after(self, node_no: str, most: int) -> Sequence[StandingNode]:
        """Nodes by their numbers, behind one."""
        return [node_of(row) for row in await self._connection.run(_LIST, node_no, most)]

    async def next_ref(self) -> int:
        """A number for a new one; its row is unique by it."""
        return int((await self._connection.run(_NEXT))[0][0])

    async def add(self, standing: StandingNode) -> None:
        """A new one."""
        node = standing.node
        row = (
            *(standing.ref, node.node_no, node.node_name, node.admdvs, node.uscc),
            *(to_json(node.retrieve_roots), to_json(node.institutions), int(standing.state), standing.memo),
            *(to_micros(standing.registered_at), _micros(standing.heard_at), int(standing.retrieving)),
            *(_micros(standing.uploaded_at), standing.watermark, standing.last_ref),
            *(standing.last_seq or None, _micros(standing.compared_at)),
            *(standing.caused.count, _micros(standing.caused.since)),
        )
        await self._connection.insert(self._insert, [row])

    async def replace(self, standing: StandingNode) -> None:
        """What stands of it now; number, division and unit stay."""
        node = standing.node
        await self._connection.run(
            _REPLACE,
            *(standing.ref, node.node_name, to_json(node.retrieve_roots), to_json(node.institutions)),
            *(int(standing.state), standing.memo, _micros(standing.heard_at), int(standing.retrieving)),
            *(_micros(standing.uploaded_at), standing.watermark, standing.last_ref),
            *(standing.last_seq or None, _micros(standing.compared_at)),
            *(standing.caused.count, _micros(standing.caused.since)),
        )

    async def _one(self, statement: Mapping[str, str], node_no: str) -> StandingNode | None:
        for row in await self._connection.run(statement, node_no):
            return node_of(row)
        return None


def node_of(row: Any) -> StandingNode:
    """The node of a row of NODE_COLUMNS."""
    (
        ref,
        number,
        name,
        admdvs,
        uscc,
        roots,
        institutions,
        state,
        memo,
        registered,
        heard,
        retrieving,
        uploaded,
        watermark,
        last_ref,
        last_seq,
        compared,
        caused,
        caused_since,
    ) = row
    node = Node(number, name, admdvs, uscc, tuple(json.loads(roots)), tuple(json.loads(institutions)))
    return StandingNode(
        *(ref, node, NodeState(state), memo, from_micros(registered), _moment(heard), bool(retrieving)),
        *(
            _moment(uploaded),
            watermark,
            last_ref,
            last_seq or 0,
            _moment(compared),
            Caused(caused, _moment(caused_since)),
        ),
    )


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
