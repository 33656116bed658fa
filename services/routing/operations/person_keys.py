"""The key of persons' keys. What other members keep under these must be found for ever, so it is a secret that outlives the keys
of the mesh.
"""

from __future__ import annotations

from typing import Final, Protocol

from services.routing.domain.hashes import Hasher

_NAME: Final = "person keys"
_BYTES: Final = 32


class Secrets(Protocol):
    """Secrets of the member."""

    async def key(self, name: str, length: int) -> bytes:
        """The secret of a name; PERSON_KEYS_SEALED, STORE_UNAVAILABLE."""
        ...


class PersonKeys:
    """Gives the hasher of persons' keys."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._known: tuple[bytes, Hasher] | None = None

    async def hasher(self) -> Hasher:
        """That of all persons' keys. UNAVAILABLE PERSON_KEYS_SEALED where none of the keys of now has sealed it: keys of the mesh
        were changed without a time in which both held."""
        key = await self._secrets.key(_NAME, _BYTES)
        if self._known is None or self._known[0] != key:
            self._known = key, Hasher(key)
        return self._known[1]
