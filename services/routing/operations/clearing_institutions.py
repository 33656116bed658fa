"""What institutions see of clearing and say to it: 3260, 3261, 3262."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.kernel.requests import RequestStamp
from services.routing.domain.clearing.institutions import Bill, InstitutionSaid, check_told
from services.routing.domain.clearing.months import check_open
from services.routing.operations.clearing_writes import Books
from services.routing.store.unit import Unit


@dataclass(frozen=True, slots=True)
class InstitutionClearing:
    """Bills of remote care of one institution, month by month."""

    books: Books

    async def bills(self, fixmedins_code: str, month: str, skip: int, limit: int) -> list[Bill]:
        """Bills that clear in a month, behind the first `skip` of them."""
        async with self.books.store.read() as work:
            return [Bill(*each) for each in await work.books.of_institution(fixmedins_code, month, skip, limit)]

    async def confirm(
        self,
        stamp: RequestStamp,
        whose: tuple[str, str],
        told: Sequence[InstitutionSaid],
        number: str,
        now: datetime,
        encode: Callable[[int], bytes],
    ) -> bytes:
        """3261: what an institution says to its bills of a month, kept under the message's number.

        CLEARING_MONTH_CLOSED, CLEARING_BILL_NOT_FOUND, CLEARING_BILL_DIFFERS.
        """

        async def act(work: Unit) -> bytes:
            await work.books.lock()
            check_open(await work.months.find(whose[1]))
            standing = await work.books.named(*whose, [each.setl_id for each in told])
            check_told(told, [Bill(*each) for each in standing], whose[1])
            for flag in ("0", "1"):
                named = [each.setl_id for each in told if each.flag == flag]
                await work.books.confirm(*whose, named, flag, number)
            return encode(len(told))

        return await self.books.once(stamp, now, act)

    async def withdraw(
        self, stamp: RequestStamp, whose: tuple[str, str], number: str, now: datetime, encode: Callable[[int], bytes]
    ) -> bytes:
        """3262: takes back what was said by a message, all of the month where the number is empty; CLEARING_MONTH_CLOSED."""

        async def act(work: Unit) -> bytes:
            await work.books.lock()
            check_open(await work.months.find(whose[1]))
            return encode(await work.books.withdraw(*whose, number))

        return await self.books.once(stamp, now, act)
