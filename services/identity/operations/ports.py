"""What the operations need of a store: transactions, and in each of them the rows of persons, credentials and partners."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from services.identity.domain.credential import Credential, EcToken, ShownCode
from services.identity.domain.enrolment import Revision
from services.identity.domain.journal import Entry
from services.identity.domain.partner import ApiKey, KeyHolder, KeyList, Partner, SignIn
from services.identity.domain.person import PersonRecord
from services.identity.domain.registration import Standing
from services.kernel.requests import RequestStamp

NewId = Callable[[str], str]
"""Makes an opaque id with a prefix."""

RandomBytes = Callable[[int], bytes]
"""Gives that many random bytes that nobody can foresee."""

OwnKeys = Callable[[], Sequence[bytes]]
"""The keys of this member from which secrets are derived: the first for new ones, all for those given before."""


class Journal(Protocol):
    """Entries of accepted writes."""

    async def find(self, stamp: RequestStamp) -> Entry | None:
        """The entry of the scope and request id; the id is held until the transaction ends."""
        ...

    async def add(self, entry: Entry) -> None:
        """A new entry."""
        ...


class Persons(Protocol):
    """Persons with all that hangs on them."""

    async def find(
        self,
        numbers: Collection[str],
        certnos: Collection[str] = (),
        cards: Collection[str] = (),
    ) -> Sequence[PersonRecord]:
        """The records of all that are found by any of the three, each once, lists in order; certificates of any type."""
        ...

    async def hold(self, psn_no: str) -> PersonRecord | None:
        """The record, held against other writers until the transaction ends."""
        ...

    async def standing(self, records: Sequence[PersonRecord]) -> Standing:
        """What is registered already of what these records touch."""
        ...

    async def add(self, records: Sequence[PersonRecord]) -> None:
        """New persons."""
        ...

    async def revise(self, psn_no: str, revision: Revision) -> None:
        """Ends one enrolment and opens its successor."""
        ...


class Credentials(Protocol):
    """Electronic credentials, codes and tokens."""

    async def find(self, psn_no: str) -> Credential | None:
        """The person's credential."""
        ...

    async def add(self, credential: Credential) -> None:
        """A new credential."""
        ...

    async def show(self, code: ShownCode, shown_at: datetime, forget_before: datetime) -> None:
        """A new code in place of the person's unused one; the person's codes that ran out before the moment are forgotten."""
        ...

    async def hold_code(self, code_digest: str) -> ShownCode | None:
        """The code, held against other writers until the transaction ends."""
        ...

    async def use(self, token: EcToken, forget_before: datetime) -> None:
        """The token's code is used, the token is given; the person's tokens that ran out before the moment are forgotten."""
        ...

    async def tokens(self, digests: Collection[str]) -> Mapping[str, EcToken]:
        """Tokens by digest."""
        ...


class Partners(Protocol):
    """Partner profiles, API keys and sign-ins."""

    async def find(self, *, code: str = "", access_key: str = "", secret_digest: str = "") -> Partner | None:
        """The profile with this code, access key or digest of an apikey."""
        ...

    async def save(self, partner: Partner, saved_at: datetime) -> None:
        """A new profile, or one in place of that with the same code."""
        ...

    async def find_key(self, key_digest: str) -> ApiKey | None:
        """An API key by its digest."""
        ...

    async def hold_key(self, key_id: str) -> ApiKey | None:
        """An API key by its id, held against other writers until the transaction ends."""
        ...

    async def list_keys(self, asked: KeyList) -> Sequence[ApiKey]:
        """The keys asked for, along their ids."""
        ...

    async def revoke_key(self, key_id: str, moment: datetime) -> None:
        """The key stands for nobody any more."""
        ...

    async def reissue_key(self, key_id: str, label: str) -> None:
        """The key, which was revoked, stands for its holder again."""
        ...

    async def note_use(self, key_digest: str, moment: datetime) -> None:
        """The key was used."""
        ...

    async def add_key(self, key: ApiKey) -> None:
        """A new API key."""
        ...

    async def drop_bootstrap(self, holder: KeyHolder, but: str) -> None:
        """Removes the bootstrap keys of the holder except the one of this digest."""
        ...

    async def hold_sign_in(self, sign_no: str) -> SignIn | None:
        """A sign-in, held against other writers until the transaction ends."""
        ...

    async def find_sign_in(self, sign_no: str) -> SignIn | None:
        """A sign-in."""
        ...

    async def add_sign_in(self, sign_in: SignIn) -> None:
        """A new sign-in."""
        ...

    async def sign_out(self, sign_no: str, moment: datetime) -> None:
        """The sign-in is over."""
        ...


class Work(Protocol):
    """One transaction, seen by what it reads and writes."""

    @property
    def journal(self) -> Journal:
        """Entries of accepted writes."""
        ...

    @property
    def persons(self) -> Persons:
        """Persons."""
        ...

    @property
    def credentials(self) -> Credentials:
        """Credentials."""
        ...

    @property
    def partners(self) -> Partners:
        """Partners."""
        ...


class Store(Protocol):
    """Where transactions open. `write` raises `Moved` where another writer was first."""

    def write(self) -> AbstractAsyncContextManager[Work]:
        """A transaction: committed at the end of the block, undone where it raises."""
        ...

    def read(self) -> AbstractAsyncContextManager[Work]:
        """A read-only snapshot."""
        ...
