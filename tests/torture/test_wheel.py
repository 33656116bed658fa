"""The wheel alone: built from the commit, installed where nothing else is, a bill settled in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture.victim import show
from tools.release import building
from tools.tidy import ROOT

pytestmark = pytest.mark.torture


def test_the_wheel_runs_without_its_source(tmp_path: Path) -> None:
    built = building.build(ROOT, tmp_path)
    assert {file.suffix for file in built} == {".gz", ".whl"}
    told = building.tried(building.wheel_of(built), tmp_path)
    show(told)
    assert "settled" in told
