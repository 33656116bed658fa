"""What a person does with consent, and what operators review."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from services.identity.domain import consent
from services.identity.domain.consent import Grant, Hidden
from services.identity.operations.journal import ActAnswer, answer_once
from services.identity.store.unit import IdentityStore, Unit
from services.kernel.clock import from_micros
from services.kernel.errors import not_found
from services.kernel.pages import Page, page_of
from services.kernel.persons import person_not_found
from services.kernel.requests import RequestStamp

_BEHIND_ALL = "H"
"""Behind every number of a grant, which begins with G."""


@dataclass(frozen=True, slots=True)
class Consents:
    """What ConsentService does for persons and operators. `new_no` makes the number of a grant or of what is hidden."""

    store: IdentityStore
    new_no: Callable[[], str]

    async def grant(
        self, stamp: RequestStamp, asked: Grant, days: int, now: int, encode: Callable[[Grant], bytes]
    ) -> bytes:
        """Keeps the grant that was asked for, which has no number and no end yet; PERSON_NOT_FOUND, CONSENT_FULL."""

        async def act(work: Unit) -> ActAnswer:
            await self._known(work, asked.psn_no)
            standing = await work.consents.open_of(asked.psn_no, now)
            count = sum(each.kind is consent.Kind.GRANTED for each in standing)
            made = consent.granted(replace(asked, grant_no=self.new_no()), days, count)
            await work.consents.add(made)
            return ActAnswer(encode(made))

        return await self._answered(stamp, now, act)

    async def list(self, psn_no: str, before: str, size: int) -> Page[Grant]:
        """A page of a person's grants, the newest first."""
        async with self.store.read() as work:
            found = await work.consents.page(psn_no, before or _BEHIND_ALL, size + 1)
        return page_of(found, size, lambda each: (each.grant_no,))

    async def revoke(
        self, stamp: RequestStamp, psn_no: str, grant_no: str, now: int, encode: Callable[[Grant], bytes]
    ) -> bytes:
        """Ends a grant; one that has ended is left as it is. GRANT_NOT_FOUND."""

        async def act(work: Unit) -> ActAnswer:
            found = consent.check_owned(await work.consents.hold(grant_no), psn_no)
            if consent.ended(found, now):
                return ActAnswer(encode(found))
            await _end(work, grant_no, now)
            return ActAnswer(encode(replace(found, revoked_at=now)))

        return await self._answered(stamp, now, act)

    async def hide(self, stamp: RequestStamp, asked: Hidden, now: int, encode: Callable[[Hidden], bytes]) -> bytes:
        """Hides a study or an institution's; what is hidden already is left as it is. PERSON_NOT_FOUND, CONSENT_FULL."""

        async def act(work: Unit) -> ActAnswer:
            await self._known(work, asked.psn_no)
            hidden = await work.consents.hidden([asked.psn_no])
            standing = consent.check_hiding(asked.study_uid, asked.fixmedins_code, hidden)
            if standing is not None:
                return ActAnswer(encode(standing))
            institution = "" if asked.study_uid else asked.fixmedins_code
            made = replace(asked, hidden_no=self.new_no(), fixmedins_code=institution)
            await work.consents.hide(made)
            await _tell(work, made, now, shown=False)
            return ActAnswer(encode(made))

        return await self._answered(stamp, now, act)

    async def unhide(self, stamp: RequestStamp, psn_no: str, hidden_no: str, now: int) -> bytes:
        """Shows again what was hidden; HIDDEN_NOT_FOUND."""

        async def act(work: Unit) -> ActAnswer:
            await work.consents.hold_person(psn_no)
            hidden = {each.hidden_no: each for each in await work.consents.hidden([psn_no])}
            if hidden_no not in hidden:
                raise not_found("HIDDEN_NOT_FOUND")
            await work.consents.show(hidden_no, psn_no)
            await _tell(work, hidden[hidden_no], now, shown=True)
            return ActAnswer(b"")

        return await self._answered(stamp, now, act)

    async def hidden(self, psn_no: str) -> Sequence[Hidden]:
        """What a person hides."""
        async with self.store.read() as work:
            return await work.consents.hidden([psn_no])

    async def emergencies(self, after: tuple[int, str], size: int, *, reviewed: bool) -> Page[Grant]:
        """A page of emergencies, by when their review is due."""
        async with self.store.read() as work:
            found = await work.consents.reviews(after, size + 1, reviewed=reviewed)
        return page_of(found, size, lambda each: (each.review.due if each.review else 0, each.grant_no))

    async def review(
        self,
        stamp: RequestStamp,
        grant_no: str,
        verdict: Callable[[Grant | None], Grant],
        now: int,
        encode: Callable[[Grant], bytes],
    ) -> bytes:
        """Keeps what a review found, by `verdict`; an emergency that was none ends. GRANT_NOT_FOUND, REVIEW_DONE."""

        async def act(work: Unit) -> ActAnswer:
            standing = await work.consents.hold(grant_no)
            found = verdict(standing)
            if found != standing and found.review is not None:
                await work.consents.review(grant_no, found.review)
                if standing is not None and found.revoked_at != standing.revoked_at:
                    await _end(work, grant_no, now)
            return ActAnswer(encode(found))

        return await self._answered(stamp, now, act)

    async def _known(self, work: Unit, psn_no: str) -> None:
        await work.consents.hold_person(psn_no)
        if not await work.consents.person(psn_no):
            raise person_not_found("psn_no")

    async def _answered(self, stamp: RequestStamp, now: int, act: Callable[[Unit], Awaitable[ActAnswer]]) -> bytes:
        return (await answer_once(self.store, stamp, from_micros(now), act)).response


async def _tell(work: Unit, what: Hidden, now: int, *, shown: bool) -> None:
    """Tells in the feed that it was hidden from the person's open grants, or is shown by them again."""
    numbers = await work.consents.numbers_of_others(what.psn_no, now)
    forget = now - consent.FEED_KEPT
    await work.consents.tell(numbers, what.study_uid, what.fixmedins_code, now, forget, shown=shown)


async def _end(work: Unit, grant_no: str, now: int) -> None:
    await work.consents.revoke(grant_no, now)
    await work.consents.tell([grant_no], "", "", now, now - consent.FEED_KEPT)
