"""The key of persons' keys. What other members keep under these must be found for ever, so it is no key of the mesh, which are
changed: it is made once, kept sealed under the key of now, and sealed anew when that changes.
"""

from __future__ import annotations

from typing import Final, Protocol

from services.kernel.errors import Fault, FaultKind
from services.routing.domain.hashes import Hasher
from services.routing.store.unit import RoutingStore

_NAME: Final = "person keys"
_BYTES: Final = 32


class Sealer(Protocol):
    """Seals under the member's key of now, and opens under that and the one that still holds beside it."""

    def key(self) -> bytes:
        """The key that seals now."""
        ...

    def secret(self, length: int) -> bytes:
        """A new secret."""
        ...

    def sealed(self, secret: bytes) -> bytes:
        """The secret, sealed."""
        ...

    def opened(self, text: bytes) -> tuple[bytes, bool] | None:
        """The secret, and whether the key of now has sealed it; None where no key opens it."""
        ...


class PersonKeys:
    """Gives the hasher of persons' keys."""

    def __init__(self, store: RoutingStore, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._known: tuple[bytes, Hasher] | None = None

    async def hasher(self) -> Hasher:
        """That of all persons' keys. UNAVAILABLE PERSON_KEYS_SEALED where none of the keys of now has sealed it: keys of the mesh
        were changed without a time in which both held."""
        key = self._sealer.key()
        if self._known is None or self._known[0] != key:
            self._known = key, Hasher(await self._secret())
        return self._known[1]

    async def _secret(self) -> bytes:
        async with self._store.write() as work:
            text = await work.secrets.find(_NAME)
            if text is None:
                await work.secrets.keep_once(_NAME, self._sealer.sealed(self._sealer.secret(_BYTES)))
                text = await work.secrets.find(_NAME)
            found = self._sealer.opened(text or b"")
            if found is None:
                raise Fault(FaultKind.UNAVAILABLE, "PERSON_KEYS_SEALED")
            secret, of_now = found
            if not of_now:
                await work.secrets.replace(_NAME, self._sealer.sealed(secret))
        return secret
