"""With what ledgers were opened: the first entries of accounts and years, where an opening made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from services.runtime.db import DriverConnection
from services.settlement.domain.books.ledger import LedgerKey
from services.settlement.domain.books.opening import OpenedWith
from services.settlement.store.keyed import fetch_keyed, keys_from

_DIALECTS: Final = ("sqlite", "postgresql")
_BALANCES: Final = {
    dialect: "SELECT k0, k1, p.amount_fen, p.current_year_fen, p.benefit_year"
    f" FROM {keys_from(dialect, 2)} JOIN posting AS p ON p.owner_psn_no = k0 AND p.owner_insutype = k1"
    " AND p.account_seq = 1 JOIN ledger_entry AS e ON e.entry_id = p.source_id"
    for dialect in _DIALECTS
}
_ACCUMULATORS: Final = {
    dialect: f"SELECT k0, k1, k2, k3, a.key, a.delta FROM {keys_from(dialect, 4)}"
    " JOIN accumulator_entry AS a ON a.psn_no = k0 AND a.insutype = k1 AND a.insuplc_admdvs = k2"
    " AND a.benefit_year = k3 AND a.seq = 1 JOIN ledger_entry AS e ON e.entry_id = a.source_id"
    for dialect in _DIALECTS
}


async def read_opened(connection: DriverConnection, ledgers: Sequence[LedgerKey]) -> Mapping[LedgerKey, OpenedWith]:
    """By ledger; one that nothing was brought to is absent. Two statements, whatever the number of ledgers."""
    accounts = list(dict.fromkeys((key.psn_no, key.insutype) for key in ledgers))
    balances = {
        (row[0], row[1]): (row[2], row[3], row[4] if row[3] else "")
        for row in await fetch_keyed(connection, _BALANCES[connection.dialect], 2, accounts)
    }
    years: dict[LedgerKey, dict[str, int]] = {}
    for row in await fetch_keyed(connection, _ACCUMULATORS[connection.dialect], 4, list(dict.fromkeys(ledgers))):
        years.setdefault(LedgerKey(*row[:4]), {})[row[4]] = row[5]
    found = {key: OpenedWith(balances.get((key.psn_no, key.insutype)), years.get(key, {})) for key in ledgers}
    return {key: opened for key, opened in found.items() if opened.balance or opened.accumulators}
