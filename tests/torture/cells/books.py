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
from tests.mesh.hospital import Patient
from tests.torture.cells.processes import CARE, INSURED

_BUSY_S: Final = 5.0
_STATES: Final = "SELECT state, COUNT(*) FROM settlement WHERE psn_no = ? AND kind = 'settle' GROUP BY state"
_BILLS: Final = (
    "SELECT setl_id FROM settlement WHERE psn_no = ? AND kind = 'settle' AND state IN ('standing', 'reversed')"
)
_PHASES: Final = "SELECT order_no, phase FROM settle_order WHERE psn_no = ? ORDER BY order_no"
_SUMS: Final = (
    "SELECT benefit_year, key, SUM(delta) FROM accumulator_entry WHERE psn_no = ? GROUP BY 1, 2 HAVING SUM(delta) <> 0"
    " ORDER BY 1, 2"
)
_BALANCE: Final = "SELECT balance_after FROM posting WHERE owner_psn_no = ? ORDER BY account_seq DESC LIMIT 1"
_STAYS: Final = "SELECT state, COUNT(*) FROM encounter WHERE psn_no = ? AND kind = 'stay' GROUP BY state"


@dataclass(frozen=True, slots=True)
class Facts:
    """A person's bills that stand and that were reversed, stays by state, accumulators and balance: all that money depends on."""

    standing: int
    reversed: int
    stays: tuple[tuple[str, int], ...]
    sums: tuple[tuple[str, str, int], ...]
    balance_fen: int


class Books:
    """The stores of a mesh of two cells; `cells` are those that hold anything of the person."""

    def __init__(self, config: Config, cells: Sequence[str] = (CARE, INSURED)) -> None:
        self.home = cells[-1]
        self._cells = tuple(cells)
        self._files = {code: Path(place_of(config.of_cell(code).database_url("settlement"))) for code in cells}

    def facts(self, who: Patient) -> Facts:
        """What stands, by the cell of care; ledgers are the insured cell's."""
        with _reading(self._files[self._cells[0]]) as care, _reading(self._files[self.home]) as home:
            states = dict(care(_STATES, who.psn_no))
            stays = tuple(sorted(care(_STAYS, who.psn_no)))
            balance = home(_BALANCE, who.psn_no)
            return Facts(
                states.get("standing", 0),
                states.get("reversed", 0),
                stays,
                tuple(home(_SUMS, who.psn_no)),
                balance[0][0] if balance else 0,
            )

    def unrest(self, who: Patient) -> list[str]:
        """What is still under way, or not the same in both cells."""
        orders: list[dict[str, str]] = []
        bills: list[Counter[str]] = []
        states: list[dict[str, int]] = []
        for file in self._files.values():
            with _reading(file) as rows:
                orders.append(dict(rows(_PHASES, who.psn_no)))
                bills.append(Counter(name for (name,) in rows(_BILLS, who.psn_no)))
                states.append(dict(rows(_STATES, who.psn_no)))
        found = [f"{code}: {n} bills pending" for code, each in zip(self._cells, states, strict=True)
                 if (n := each.get("pending", 0))]  # fmt: skip
        for code, each in zip(self._cells, orders, strict=True):
            found += [f"{code}: order {name} pending" for name, phase in each.items() if phase == "pending"]
        if len(self._cells) > 1:
            care, home = orders
            for name in care.keys() & home.keys():
                if care[name] != home[name]:
                    found.append(f"order {name}: {care[name]} in the cell of care, {home[name]} in the insured one")
            for name in care.keys() ^ home.keys():
                if (care | home)[name] != "void":
                    found.append(f"order {name} is {(care | home)[name]} in one cell alone")
            if bills[0] != bills[1]:
                found.append(f"bills of the cell of care {sorted(bills[0])}, of the insured one {sorted(bills[1])}")
            for state in ("standing", "reversed"):
                if states[0].get(state, 0) != states[1].get(state, 0):
                    found.append(f"{state}: {states[0].get(state, 0)} and {states[1].get(state, 0)}")
        return found


@contextmanager
def _reading(file: Path) -> Iterator[Any]:
    """A block in which `rows(statement, parameters)` reads a snapshot of a store."""
    with closing(
        sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None)
    ) as connection:
        connection.execute("BEGIN")
        yield lambda statement, *parameters: connection.execute(statement, parameters).fetchall()
