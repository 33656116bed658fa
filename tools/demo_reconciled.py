"""The next day of the demo: bills are ready at ten, so the sandbox's cell is started once more at noon, and the twins' clocks go
with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Final

import httpx

from services.cells import SANDBOX
from services.kernel.clock import BEIJING, system_clock
from tools.beside import Twins, running
from tools.cli import reconcile
from tools.cli.language import Words
from tools.cli.mesh_client import MeshClient
from tools.demo_told import Unexpected, title

_NOON: Final = time(12, tzinfo=BEIJING)


def reconciled(values: Mapping[str, str], twins: Twins, day: date, words: Words) -> None:
    """Starts the sandbox's cell on the noon after `day` and compares that day; Unexpected where anything is open."""
    noon = datetime.combine(day + timedelta(days=1), _NOON)
    ahead_s = round((noon - system_clock()).total_seconds())
    title("10 · 次日对账：账单、收款、订单、结算 · the next day: bills, charges, orders and settlements are compared")
    for url in twins.urls.values():
        for clock in ("offset_s", "skew_s"):
            httpx.post(f"{url}/_twin/clock", json={clock: ahead_s}, timeout=10.0, trust_env=False).raise_for_status()
    with running({**values, "YIBAO_CELLS": SANDBOX, "YIBAO_CLOCK_OFFSET_S": f"{ahead_s}"}) as mesh:
        print(f"  yibao reconcile {day}    {noon:%Y-%m-%d %H:%M}, mesh healthy after {mesh.start_s:.1f} s")
        with MeshClient(mesh.url, mesh.operator_key) as operator:
            if reconcile.run(operator, day, words):
                raise Unexpected(f"the books of {day} do not agree")
