"""The members of the cells, by the codes of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from services.kernel.elsewhere import cell_unavailable

Stub = TypeVar("Stub")


def stub_of(stubs: Mapping[str, Stub], cell: str) -> Stub:
    """That of a cell; CELL_UNAVAILABLE for one that this mesh has not."""
    stub = stubs.get(cell)
    if stub is None:
        raise cell_unavailable(cell)
    return stub
