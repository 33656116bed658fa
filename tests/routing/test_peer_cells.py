"""A cell that a row names and that this mesh has not is away, as one that does not answer."""

from __future__ import annotations

import pytest

from services.kernel.errors import Fault
from services.routing.peers.cells import stub_of


def test_a_cell_that_the_mesh_has_not_is_told_as_one_that_does_not_answer() -> None:
    assert stub_of({"110000": "stub"}, "110000") == "stub"
    with pytest.raises(Fault) as caught:
        stub_of({"110000": "stub"}, "370000")
    assert (caught.value.reason, caught.value.metadata["cell"]) == ("CELL_UNAVAILABLE", "370000")
