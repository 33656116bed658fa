"""How a bill is split, in fen: the parts add up to the whole, or there is no split."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Split:
    """total = fund + acct + other + hosp + cash. `acct_fen` holds `mulaid_fen`, which a family's account pays, and `bank_fen`,
    with which the card is charged where a bank keeps the own account (实账户); `hosp_fen` the institution bears.
    """

    total_fen: int
    fund_fen: int = 0
    acct_fen: int = 0
    other_fen: int = 0
    hosp_fen: int = 0
    cash_fen: int = 0
    mulaid_fen: int = 0
    bank_fen: int = 0

    def __post_init__(self) -> None:
        parts = self.fund_fen + self.acct_fen + self.other_fen + self.hosp_fen + self.cash_fen
        if parts != self.total_fen:
            raise ValueError(f"the parts are {parts} fen, the whole is {self.total_fen} fen")

    @property
    def charged_fen(self) -> int:
        """What is charged of it: cash, and what the bank owes of the own account."""
        return self.cash_fen + self.bank_fen

    @property
    def insured_fen(self) -> int:
        """What a channel calls the insured part: whatever is no cash."""
        return self.total_fen - self.cash_fen

    @property
    def insured_parts(self) -> tuple[int, int, int]:
        """What a channel is told of the insured part: funds, accounts, and what others bear, the institution among them."""
        return self.fund_fen, self.acct_fen, self.other_fen + self.hosp_fen


def setl_type(split: Split) -> str:
    """Dictionary setlType: what was settled."""
    if not split.cash_fen:
        return "HI"
    return "ALL" if split.insured_fen else "CASH"
