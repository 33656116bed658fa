"""A scratch service under every check and every test of the house, in a copy of the tree."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from services import mesh
from tests.tools.scratch import copied
from tools.check import PYTEST
from tools.check import scratch as in_memory

pytestmark: Final = pytest.mark.torture
STEPS: Final = ("mypy", "generated", "contract", "imports", "buf-lint", "buf-breaking", "ruff", "format", "tidy")
FORESEEN: Final = [each for each in ("routing", "imaging", "payment") if each not in mesh.names()][:1]
"""A service whose layer stands already, as long as there is one."""

OF_SETUP: Final = (
    "tests/architecture/test_setup.py",
    "tests/browser",
    "tests/gateway/test_viewer.py",
    "tests/twins/alipay/test_sdks.py",
)
"""Tests of what `make setup` makes: the environment, the browser, the viewer's packages, the SDKs. The copy borrows one."""


@pytest.mark.parametrize(
    ("service", "words"),
    [
        *((name, ("--thing", "statue")) for name in FORESEEN),
        ("theatre", ("--thing", "work_of_art", "--zh", "剧院", "--thing-zh", "艺术品")),
    ],
)
def test_a_new_service_passes_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str, words: tuple[str, ...]
) -> None:
    scratch = copied(tmp_path)
    made = scratch.run("-m", "tools.new_service", service, *words)
    assert made.returncode == 0, made.stdout
    checked = scratch.run("-m", "tools.check", *STEPS)
    assert checked.returncode == 0, checked.stdout
    # As `make test` plays them, in memory and long files first: xdist would begin a long file of few tests last, on one core.
    with in_memory() as place:
        for name, folder in place.items():
            monkeypatch.setenv(name, folder)
        ran = scratch.run(*PYTEST.command[1:], *(f"--ignore={each}" for each in OF_SETUP))
    assert ran.returncode == 0, ran.stdout
