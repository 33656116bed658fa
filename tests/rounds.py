"""How many examples a property is tried with: a few in `make test`, many times as many in `make torture`."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import settings

TIMES: Final = "PROPERTIES_TIMES"
"""The environment variable by which `tests/torture/test_properties.py` asks for more."""


def rounds(few: int) -> settings:
    """So many examples, times what the environment says."""
    return settings(max_examples=few * int(os.environ.get(TIMES, "1")), deadline=None)
