"""Partners of the gateway, API keys and operators' sign-ins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.identity.domain.digests import SEED_BYTES, derived, digest
from services.identity.domain.partner import (
    BOOTSTRAP_SUBJECT,
    KEY_FRESH,
    ApiKey,
    AuthStyle,
    KeyHolder,
    KeyList,
    Partner,
    SignIn,
    check_key_free,
    check_key_request,
    check_partner,
    check_revocable,
    is_open,
)
from services.identity.operations.journal import ActAnswer, answer_once, proven, written
from services.identity.operations.ports import NewId, OwnKeys, RandomBytes
from services.identity.store.unit import IdentityStore, Unit
from services.kernel.errors import Fault, conflict, not_found, precondition
from services.kernel.requests import RequestStamp

Use = tuple[str, datetime]
"""That a key, by its digest, was used at a moment."""
SubmitUse = Callable[[Use], Awaitable[None]]
"""Hands a use to the committer, and waits until it is noted."""
_API_KEY: Final = "api_key"
# What the entry of a chosen key keeps where the key was the holder's already.
_KNOWN: Final = b"known "


@dataclass(frozen=True, slots=True)
class Resolved:
    """Whom a code, access key or API key stands for; the profile where there is one, with its secret."""

    holder: KeyHolder
    partner: Partner | None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """An API key, its id, and whether it was its holder's before the request."""

    key: str
    key_id: str
    unchanged: bool


class PartnerOperations:
    """What PartnerService does. `sandbox` says what kind of deployment this is; `keys` gives the member's own. `submit` is set
    once the committer of uses stands.
    """

    def __init__(
        self, store: IdentityStore, new_id: NewId, random_bytes: RandomBytes, keys: OwnKeys, sandbox: bool
    ) -> None:
        self._store = store
        self._new_id = new_id
        self._random_bytes = random_bytes
        self._keys = keys
        self._sandbox = sandbox
        self.submit: SubmitUse = self._alone

    async def register(
        self, stamp: RequestStamp, partner: Partner, now: datetime, encode: Callable[[bool], bytes]
    ) -> bytes:
        """Registers or replaces; AUTH_STYLE_NOT_ALLOWED, SANDBOX_ONLY, SECRET_TOO_WEAK, ACCESS_KEY_TAKEN, APP_ID_TAKEN.

        `encode` takes whether the same profile stood already, so that nothing is written.
        """
        check_partner(partner, self._sandbox)
        kept = partner.kept()

        async def act(work: Unit) -> ActAnswer:
            holders = [await work.partners.find(access_key=partner.access_key)] if partner.access_key else []
            if partner.auth_style is AuthStyle.API_KEY:
                holders.append(await work.partners.find(secret_digest=kept.secret_digest))
            if any(holder is not None and holder.partner_code != partner.partner_code for holder in holders):
                raise conflict("ACCESS_KEY_TAKEN")
            owner = await work.partners.find(app_id=partner.mobile.app_id) if partner.mobile else None
            if owner is not None and owner.partner_code != partner.partner_code:
                raise conflict("APP_ID_TAKEN")
            unchanged = await work.partners.find(code=partner.partner_code) == kept
            if not unchanged:
                await work.partners.save(kept, now)
            return ActAnswer(encode(unchanged))

        return (await answer_once(self._store, stamp, now, act)).response

    async def issue_key(
        self, stamp: RequestStamp, holder: KeyHolder, chosen: str, now: datetime, label: str = ""
    ) -> IssuedKey:
        """A key for the holder: the chosen one in a sandbox, else a new one; API_KEY_TAKEN, SANDBOX_ONLY.

        A repeat gives a chosen key always, and a made one for ten minutes; after that ANSWER_NOT_REPEATABLE. A chosen key
        that was revoked stands for its holder again.
        """
        check_key_request(holder.role, bool(chosen), self._sandbox)

        async def act(work: Unit) -> ActAnswer:
            seed = b"" if chosen else self._random_bytes(SEED_BYTES)
            key_digest = digest(chosen or derived(self._keys()[0], _API_KEY, seed))
            known = await work.partners.find_key(key_digest)
            check_key_free(known, holder)
            if known is None:
                made = ApiKey(key_digest, holder, now, key_id=self._new_id(""), label=label)
                await work.partners.add_key(made)
                return ActAnswer(made.key_id.encode(), seed, key_digest)
            if known.revoked_at is None:
                return ActAnswer(_KNOWN + known.key_id.encode(), seed, key_digest)
            await work.partners.reissue_key(known.key_id, label)
            return ActAnswer(known.key_id.encode(), seed, key_digest)

        entry = await answer_once(self._store, stamp, now, act)
        key_id = entry.response.removeprefix(_KNOWN).decode()
        if chosen:
            return IssuedKey(chosen, key_id, unchanged=entry.response.startswith(_KNOWN))
        if now >= entry.created_at + KEY_FRESH:
            raise precondition("ANSWER_NOT_REPEATABLE")
        return IssuedKey(proven(self._keys(), _API_KEY, entry), key_id, unchanged=False)

    async def list_keys(self, asked: KeyList) -> Sequence[ApiKey]:
        """The keys asked for, the oldest first."""
        async with self._store.read() as work:
            return await work.partners.list_keys(asked)

    async def revoke_key(
        self, stamp: RequestStamp, key_id: str, now: datetime, encode: Callable[[ApiKey], bytes]
    ) -> bytes:
        """Revokes a key: it stands for nobody, unless a sandbox gives it out again; API_KEY_NOT_FOUND, API_KEY_OF_SETTING."""

        async def act(work: Unit) -> ActAnswer:
            known = check_revocable(await work.partners.hold_key(key_id), key_id)
            if known.revoked_at is None:
                await work.partners.revoke_key(key_id, now)
                known = replace(known, revoked_at=now)
            return ActAnswer(encode(known))

        return (await answer_once(self._store, stamp, now, act)).response

    async def bootstrap(self, api_key: str, now: datetime) -> None:
        """Makes the setting's key the only bootstrap key of the first operator; an empty one takes the last key away.

        A key of that operator that was issued and revoked before holds again: whoever sets it says so.
        """
        holder = KeyHolder("operator", BOOTSTRAP_SUBJECT)
        key_digest = digest(api_key) if api_key else ""

        async def act(work: Unit) -> None:
            await work.partners.drop_bootstrap(holder, key_digest)
            known = await work.partners.find_key(key_digest) if api_key else None
            check_key_free(known, holder)
            if api_key and known is None:
                made = ApiKey(key_digest, holder, now, bootstrap=True, key_id=self._new_id(""))
                await work.partners.add_key(made)
            elif known is not None and known.revoked_at is not None:
                await work.partners.reissue_key(known.key_id, known.label)

        await written(self._store, act)

    async def find(self, partner_code: str) -> Partner:
        """A profile by its code; PARTNER_NOT_FOUND."""
        async with self._store.read() as work:
            partner = await work.partners.find(code=partner_code)
        if partner is None:
            raise not_found("PARTNER_NOT_FOUND", partner_code=partner_code)
        return partner

    async def resolve(
        self,
        *,
        partner_code: str = "",
        access_key: str = "",
        key_digest: str = "",
        app_id: str = "",
        now: datetime | None = None,
    ) -> Resolved:
        """Whom one of the four stands for; PARTNER_NOT_FOUND, API_KEY_UNKNOWN, APP_UNKNOWN.

        A digest is looked for among the issued keys and then among the partners that authenticate by an apikey header. With
        `now` the use of a key is noted.
        """
        if key_digest:
            found, key = await self._resolve_digest(key_digest.lower())
            if key is not None and now is not None and key.use_is_news(now):
                await self._note_use(key, now)
            return found
        async with self._store.read() as work:
            partner = await work.partners.find(code=partner_code, access_key=access_key, app_id=app_id)
        if partner is None and app_id:
            raise not_found("APP_UNKNOWN", app_id=app_id)
        if partner is None:
            raise not_found("PARTNER_NOT_FOUND", partner_code=partner_code or access_key)
        return Resolved(KeyHolder(partner.role, partner.partner_code), partner)

    async def _resolve_digest(self, key_digest: str) -> tuple[Resolved, ApiKey | None]:
        async with self._store.read() as work:
            key = await work.partners.find_key(key_digest)
            if key is None:
                partner = await work.partners.find(secret_digest=key_digest)
                if partner is None:
                    raise not_found("API_KEY_UNKNOWN")
                return Resolved(KeyHolder(partner.role, partner.partner_code), partner), None
            if key.revoked_at is not None:
                raise not_found("API_KEY_UNKNOWN")
            partner = await work.partners.find(code=key.holder.subject)
            matches = partner is not None and partner.role == key.holder.role
            return Resolved(key.holder, partner if matches else None), key

    async def _note_use(self, key: ApiKey, now: datetime) -> None:
        """Notes the use, with all that are first used meanwhile: a person's key is often used for one bill."""
        # Whoever can be let in is let in, also while the store takes no writes; the next use is noted then.
        with suppress(Fault):
            await self.submit((key.key_digest, now))

    async def _alone(self, use: Use) -> None:
        await self.note_uses([use])

    async def note_uses(self, uses: Sequence[Use]) -> list[None]:
        """Notes a list of them in one transaction: what the committer runs."""

        async def note(work: Unit) -> None:
            for key_digest, moment in sorted(uses):
                await work.partners.note_use(key_digest, moment)

        await written(self._store, note)
        return [None] * len(uses)

    async def sign_in(
        self,
        stamp: RequestStamp,
        fixmedins_code: str,
        desk: tuple[str, str, str],
        now: datetime,
        encode: Callable[[SignIn], bytes],
    ) -> bytes:
        """A new sign-in of an operator; `desk` is operator number, MAC and IP."""

        async def act(work: Unit) -> ActAnswer:
            sign_in = SignIn(self._new_id(""), fixmedins_code, *desk, signed_in_at=now, signed_out_at=None)
            await work.partners.add_sign_in(sign_in)
            return ActAnswer(encode(sign_in))

        return (await answer_once(self._store, stamp, now, act)).response

    async def sign_out(
        self,
        stamp: RequestStamp,
        fixmedins_code: str,
        sign_no: str,
        now: datetime,
        encode: Callable[[datetime], bytes],
    ) -> bytes:
        """Ends a sign-in of the institution, whoever of its operators asks; `encode` is told when it ended.

        One that is ended already stays so, and that is a success. SIGN_NO_UNKNOWN.
        """

        async def act(work: Unit) -> ActAnswer:
            sign_in = await work.partners.hold_sign_in(sign_no)
            if sign_in is None or sign_in.fixmedins_code != fixmedins_code:
                raise precondition("SIGN_NO_UNKNOWN")
            if sign_in.signed_out_at is None:
                await work.partners.sign_out(sign_no, now)
            return ActAnswer(encode(sign_in.signed_out_at or now))

        return (await answer_once(self._store, stamp, now, act)).response

    async def sign_no_open(self, fixmedins_code: str, sign_no: str) -> bool:
        """Whether the number stands open at the institution."""
        async with self._store.read() as work:
            return is_open(await work.partners.find_sign_in(sign_no), fixmedins_code)
