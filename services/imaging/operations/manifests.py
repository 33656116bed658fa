"""A study's manifest: what the index knows of it, and the instances that its node tells now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from services.imaging.domain.fhir.forms import Resource
from services.imaging.domain.fhir.manifest import BrokenMetadata, Source, manifest, parts_of
from services.imaging.domain.nodes import StandingNode
from services.imaging.domain.qido.records import study_record
from services.imaging.operations.searching import Pseudonym, Sitting
from services.imaging.operations.tickets import Given
from services.kernel.errors import Fault, FaultKind

_RETRY_S: Final = 30.0


class Nodes(Protocol):
    """The nodes themselves."""

    async def metadata(self, address: str, node_no: str) -> Sequence[Mapping[str, Any]]:
        """The metadata of a study's instances as the node tells it; UNAVAILABLE NODE_AWAY where it does not,
        NODE_ANSWER_BROKEN where that cannot be read."""
        ...


class Issuing(Protocol):
    """Tickets."""

    async def issue(self, sitting: Sitting, study_uid: str) -> Given:
        """A ticket for a study, with what was found of it; STUDY_NOT_FOUND, NODE_AWAY."""
        ...


class Registered(Protocol):
    """What is known of nodes."""

    async def find(self, node_no: str) -> StandingNode:
        """The node of a number; NODE_NOT_FOUND."""
        ...


@dataclass(frozen=True, slots=True)
class Manifests:
    """Manifests of studies."""

    pseudonym: Pseudonym
    tickets: Issuing
    nodes: Nodes
    registered: Registered

    async def of(self, sitting: Sitting, study_uid: str, root: str, made: str) -> Resource:
        """The manifest of a study that the reader may see, which is found, decided on and logged once, as a ticket; `root` is
        where the reader fetches studies, `made` the moment as a dateTime. STUDY_NOT_FOUND, NODE_AWAY, NODE_ANSWER_BROKEN.
        """
        given = await self.tickets.issue(sitting, study_uid)
        nearest = given.found.copies[0]
        told = await self.nodes.metadata(given.url, nearest.place.node_no)
        try:
            # Thousands of instances: not in the loop.
            parts = await asyncio.to_thread(parts_of, told, study_uid)
        except BrokenMetadata:
            raise Fault(FaultKind.UNAVAILABLE, "NODE_ANSWER_BROKEN", retry_after_s=_RETRY_S) from None
        record = study_record(nearest, self._patient_id(sitting, given), root)
        node = (await self.registered.find(nearest.place.node_no)).node
        return await asyncio.to_thread(manifest, record, parts, Source(node.node_name, node.uscc), made)

    def _patient_id(self, sitting: Sitting, given: Given) -> str:
        if given.found.patient is not None:
            return given.found.patient.patient_id
        key = given.found.copies[0].kept.person_key
        return "" if key is None else self.pseudonym(sitting.reader, key)
