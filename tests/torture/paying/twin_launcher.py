"""`python -m tools.twins` with seams in it, and a test at its standard input: `… tests.torture.paying.twin_launcher NAME …`.

Its points lie before and after each request of a merchant, and each message of a POS, is answered.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from tests.torture.cells.launcher import watched
from tests.torture.cells.seams import RECEIVE, Watch, around
from tools.twins.__main__ import main
from tools.twins.bank.provider import Bank
from tools.twins.twin import DOOR, Twin


def install(watch: Watch) -> None:
    """Puts the seams into the twin."""
    around(watch, Twin, "_answer", RECEIVE, _request)
    around(watch, Bank, "_converse", RECEIVE, lambda given: "ISO8583")


def _request(given: tuple[Any, ...]) -> str:
    path = str(given[0].path)
    return "ControlDoor" if path.startswith(DOOR) else re.sub(r"/[^/]*[0-9][^/]*[0-9][^/]*", "/*", path)


if __name__ == "__main__":
    watched(install)
    sys.exit(main(sys.argv[1:]))
