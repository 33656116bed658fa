"""Secrets of the member, by their names: made once, kept sealed under the mesh's key of now, and sealed anew when that changes.

What is kept under them must be found for ever, so they are no keys of the mesh, which are changed.
"""

from __future__ import annotations

from typing import Protocol

from services.imaging.store.unit import ImagingStore
from services.kernel.errors import Fault, FaultKind


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


class Secrets:
    """Gives them."""

    def __init__(self, store: ImagingStore, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._known: dict[str, tuple[bytes, bytes]] = {}

    async def key(self, name: str, length: int) -> bytes:
        """The secret of a name, of so many bytes; made where there is none. Not inside a transaction.

        UNAVAILABLE SECRETS_SEALED where none of the keys of now has sealed it: keys of the mesh were changed without a time in
        which both held.
        """
        of_now = self._sealer.key()
        known = self._known.get(name)
        if known is None or known[0] != of_now:
            known = self._known[name] = of_now, await self._opened(name, length)
        return known[1]

    async def _opened(self, name: str, length: int) -> bytes:
        async with self._store.write() as work:
            text = await work.secrets.find(name)
            if text is None:
                await work.secrets.keep_once(name, self._sealer.sealed(self._sealer.secret(length)))
                text = await work.secrets.find(name)
            found = self._sealer.opened(text or b"")
            if found is None:
                raise Fault(FaultKind.UNAVAILABLE, "SECRETS_SEALED")
            secret, of_now = found
            if not of_now:
                await work.secrets.replace(name, self._sealer.sealed(secret))
        return secret
