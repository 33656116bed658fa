"""A scratch service under every check and every test of the house, in a copy of the tree."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.tools.scratch import copied

pytestmark: Final = pytest.mark.torture


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ("imaging", ("--thing", "study")),
        ("referral", ("--thing", "transfer_letter", "--zh", "转诊", "--thing-zh", "转诊单")),
    ],
)
def test_a_new_service_passes_everything(tmp_path: Path, service: str, words: tuple[str, ...]) -> None:
    scratch = copied(tmp_path)
    made = scratch.run("-m", "tools.new_service", service, *words)
    assert made.returncode == 0, made.stdout
    ran = scratch.run("-m", "tools.check")
    assert ran.returncode == 0, ran.stdout
