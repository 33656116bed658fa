"""Bills of all accounts: which there are, whose money stands in each, and a day's lines of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from services.payment.channels.protocol import Channel, Lost, merchant_of
from services.payment.domain.accounts import Account
from services.payment.domain.charges import BillLine
from services.payment.operations.ports import BilledAccount, BillUnread


class BillDesk:
    """Implements `ChannelBills`. Accounts that several institutions share have one bill."""

    def __init__(self, channels: Sequence[Channel], accounts: Sequence[Account]) -> None:
        self._channels: Mapping[str, Channel] = {each.terms.name: each for each in channels}
        self._accounts: dict[BilledAccount, Account] = {}
        owners: dict[tuple[str, str], set[str]] = {}
        for each in accounts:
            owners.setdefault((each.channel, _number(each)), set()).add(each.fixmedins_code)
        for each in accounts:
            key = each.channel, _number(each)
            self._accounts.setdefault(BilledAccount(*key, frozenset(owners[key])), each)

    def accounts(self) -> Sequence[BilledAccount]:
        """All that have a bill."""
        return [*self._accounts]

    async def bill(self, account: BilledAccount, day: date) -> Sequence[BillLine]:
        """The lines of a day; `BillUnread`."""
        own = self._accounts[account]
        merchant = merchant_of(own)
        try:
            return await self._channels[own.channel].bill(merchant, day)
        except Lost as lost:
            raise BillUnread(lost.reason) from None


def _number(account: Account) -> str:
    return "/".join(filter(None, (account.merchant_no, account.sub_merchant_no)))
