"""RegistryService on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from services.kernel.clock import beijing_day
from services.kernel.errors import invalid
from services.routing.domain.divisions import DivisionKind
from services.routing.domain.resolution import Query, Resolution, Where
from services.routing.operations.registry import Located, Registry
from services.routing.servicer.convert import cert_type
from services.runtime.call import current_call
from services.runtime.texts.routing import RESOLUTIONS
from services.runtime.wire import day_message, day_of, optional_day_message
from yibao.routing.v1 import registry_pb2, registry_pb2_grpc

_KINDS: Final[Mapping[DivisionKind, registry_pb2.DivisionKind.ValueType]] = {
    each: registry_pb2.DivisionKind.Value(f"DIVISION_KIND_{each.name}") for each in DivisionKind
}
_WHERE: Final[Mapping[Where, registry_pb2.Whereabouts.ValueType]] = {
    each: registry_pb2.Whereabouts.Value(f"WHEREABOUTS_{each.name}") for each in Where
}


class RegistryServicer(registry_pb2_grpc.RegistryServiceServicer):
    """Messages in, messages out."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def GetDivision(  # noqa: N802 - the contract's name
        self, request: registry_pb2.GetDivisionRequest, context: Any
    ) -> registry_pb2.GetDivisionResponse:
        """One on a day."""
        found = self._registry.division(request.admdvs, _day(request, "day"))
        return registry_pb2.GetDivisionResponse(division=_division(found))

    async def Resolve(  # noqa: N802 - the contract's name
        self, request: registry_pb2.ResolveRequest, context: Any
    ) -> registry_pb2.ResolveResponse:
        """The decision."""
        resolution = await self._registry.resolve(_query(request.query))
        return registry_pb2.ResolveResponse(resolution=_resolution(resolution))

    async def Explain(  # noqa: N802 - the contract's name
        self, request: registry_pb2.ExplainRequest, context: Any
    ) -> registry_pb2.ExplainResponse:
        """The decision in words."""
        query = _query(request.query)
        resolution = await self._registry.resolve(query)
        zh, en = _words(query, resolution)
        return registry_pb2.ExplainResponse(resolution=_resolution(resolution), text_zh=zh, text_en=en)


def _day(message: Any, name: str, path: str = "") -> date:
    return day_of(getattr(message, name), path or name) if message.HasField(name) else beijing_day(current_call().now)


def _query(message: registry_pb2.InsuredQuery) -> Query:
    if not (message.psn_no or message.certno):
        raise invalid("query.psn_no", "query.person")
    return Query(
        message.psn_no,
        message.certno,
        cert_type(message.psn_cert_type),
        message.care_admdvs,
        _day(message, "day", "query.day"),
        message.insutype,
        message.hint_admdvs,
        message.care_cell,
    )


def _division(found: Located) -> registry_pb2.Division:
    division = found.division
    return registry_pb2.Division(
        admdvs=division.code,
        name=division.name,
        kind=_KINDS[division.kind],
        parent_admdvs=found.parent,
        from_day=day_message(division.from_day),
        to_day=optional_day_message(division.to_day),
        successors=division.successors,
        pooling_area=found.pooling_area,
        cell=found.cell,
    )


def _resolution(resolution: Resolution) -> registry_pb2.Resolution:
    place = resolution.place
    return registry_pb2.Resolution(
        whereabouts=_WHERE[resolution.where],
        reason=resolution.reason,
        insuplc_admdvs=place.admdvs if place else "",
        insutype=place.insutype if place else "",
        in_force=resolution.in_force,
        insured_cell=resolution.insured_cell,
        care_cell=resolution.care_cell,
        hint_differs=resolution.hint_differs,
        unread_cells=resolution.unread_cells,
    )


def _words(query: Query, resolution: Resolution) -> tuple[str, str]:
    """The reason in Chinese and English, and what a human should know beside it."""
    names = [resolution.reason]
    if resolution.place and not resolution.in_force:
        names.append("NOT_IN_FORCE")
    if resolution.hint_differs:
        names.append("HINT_DIFFERS")
    if resolution.unread_cells:
        names.append("CELLS_UNREAD")
    values = {
        "care": query.care_admdvs,
        "insured": resolution.place.admdvs if resolution.place else "",
        "care_cell": resolution.care_cell,
        "insured_cell": resolution.insured_cell,
        "hint": query.hint_admdvs,
        "day": query.day.isoformat(),
        "cells": ", ".join(resolution.unread_cells),
    }
    told = [RESOLUTIONS[name] for name in names]
    return "".join(zh.format_map(values) for zh, _ in told), " ".join(en.format_map(values) for _, en in told)
