"""What the stores of both cells and of routing hold about a person, read beside the members while they run.

It reads SQLite files, and knows their tables: whether the three agree is what no single member can tell.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.runtime.config import Config
from services.runtime.db import place_of
from tests.torture.cells.processes import CARE, INSURED
from tools.played.messages import Patient

_BUSY_S: Final = 5.0
_STATES: Final = "SELECT state, COUNT(*) FROM settlement WHERE psn_no = ? AND kind = 'settle' GROUP BY state"
_BILLS: Final = "SELECT setl_id, state FROM settlement WHERE psn_no = ? AND kind = 'settle' AND state <> 'voided'"
_PHASES: Final = "SELECT order_no, phase FROM settle_order WHERE psn_no = ? ORDER BY order_no"
_SUMS: Final = (
    "SELECT benefit_year, key, SUM(delta) FROM accumulator_entry WHERE psn_no = ? GROUP BY 1, 2 HAVING SUM(delta) <> 0"
    " ORDER BY 1, 2"
)
_BALANCE: Final = "SELECT balance_after FROM posting WHERE owner_psn_no = ? ORDER BY account_seq DESC LIMIT 1"
_CARE: Final = "SELECT kind, state, COUNT(*) FROM encounter WHERE psn_no = ? GROUP BY 1, 2 ORDER BY 1, 2"
_OPEN: Final = "SELECT mdtrt_id FROM encounter WHERE psn_no = ? AND kind = 'stay' AND state = 'open' ORDER BY 1"
_HELD: Final = "SELECT mdtrt_id FROM stay_reservation WHERE psn_no = ? AND state = 'held' ORDER BY 1"
_FILINGS: Final = (
    "SELECT kind, COUNT(*) FROM routing_filing WHERE psn_no = ? AND withdrawn_at IS NULL GROUP BY kind ORDER BY kind"
)
_SAGAS: Final = "SELECT order_no, kind, state, reason FROM saga WHERE state NOT IN ('done', 'undone')"
_ENDED: Final = "SELECT order_no, state FROM saga WHERE kind IN ('settle', 'pay')"
_PHASE: Final = {"done": "confirmed", "undone": "void", "committed": "confirmed", "revoked": "void"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What money depends on: a person's bills that stand or were reversed, care by kind and state, sums, balance, filings."""

    standing: int
    reversed: int
    care: tuple[tuple[str, str, int], ...]
    sums: tuple[tuple[str, str, int], ...]
    balance_fen: int
    filings: tuple[tuple[str, int], ...]


class Books:
    """The stores of a mesh of two cells; `cells` are those that hold anything of the person."""

    def __init__(self, config: Config, cells: Sequence[str] = (CARE, INSURED)) -> None:
        self.home = cells[-1]
        self._cells = tuple(cells)
        self._routing = Path(place_of(config.database_url("routing")))
        self._files = {code: Path(place_of(config.of_cell(code).database_url("settlement"))) for code in cells}

    def facts(self, who: Patient) -> Facts:
        """What stands, by the cell of care; ledgers are the insured cell's."""
        places = (self._files[self._cells[0]], self._files[self.home], self._routing)
        with reading(places[0]) as care, reading(places[1]) as home, reading(places[2]) as routing:
            states = dict(care(_STATES, who.psn_no))
            balance = home(_BALANCE, who.psn_no)
            return Facts(
                states.get("standing", 0),
                states.get("reversed", 0),
                tuple(care(_CARE, who.psn_no)),
                tuple(home(_SUMS, who.psn_no)),
                balance[0][0] if balance else 0,
                tuple(routing(_FILINGS, who.psn_no)),
            )

    def unrest(self, who: Patient) -> list[str]:
        """What is still under way, or not the same in both cells and in routing."""
        orders: dict[str, dict[str, str]] = {}
        bills: dict[str, Counter[tuple[str, str]]] = {}
        for code, file in self._files.items():
            with reading(file) as rows:
                orders[code] = dict(rows(_PHASES, who.psn_no))
                bills[code] = Counter(rows(_BILLS, who.psn_no))
        found = [f"{code}: {name} pending" for code in bills for name, state in bills[code] if state == "pending"]
        found += [
            f"{code}: order {name} pending"
            for code in orders
            for name in orders[code]
            if orders[code][name] == "pending"
        ]
        if len(self._cells) == 1:
            return found
        with reading(self._files[self._cells[0]]) as here, reading(self._files[self.home]) as there:
            if (lies := here(_OPEN, who.psn_no)) != (held := there(_HELD, who.psn_no)):
                found.append(f"stays {lies} open here, {held} held at home")
        with reading(self._routing) as rows:
            found += [f"saga {' '.join(each)}" for each in rows(_SAGAS)]
            sagas = dict(rows(_ENDED))
        care, home = (orders[code] for code in self._cells)
        for name in sorted(care.keys() | home.keys()):
            phases = {
                care.get(name, "void"),
                home.get(name, "void"),
                _PHASE.get(sagas.get(name, ""), "unknown to routing"),
            }
            if len(phases) > 1:
                found.append(f"order {name}: {care.get(name)} here, {home.get(name)} at home, saga {sagas.get(name)}")
        if (here := bills[self._cells[0]]) != (there := bills[self.home]):
            found.append(f"bills {sorted(here)} here, {sorted(there)} at home")
        return found


@contextmanager
def reading(file: Path) -> Iterator[Any]:
    """A block in which `rows(statement, parameters)` reads a snapshot of a store."""
    with closing(
        sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None)
    ) as connection:
        connection.execute("BEGIN")
        yield lambda statement, *parameters: connection.execute(statement, parameters).fetchall()
