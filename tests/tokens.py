"""Caller tokens for tests: made as any caller of the mesh table, checked as any member."""

from __future__ import annotations

import jwt

from services import cells, mesh
from services.kernel.clock import Clock
from services.runtime.auth import TokenSigner
from services.runtime.call import Caller, Role
from services.runtime.keys import Keys


class Tokens:
    """Everybody's keys in a cell, from one mesh key, or those of a running mesh."""

    def __init__(self, mesh_key: bytes | str | Keys, clock: Clock, cell: str = cells.SANDBOX) -> None:
        self._cell = cell
        text = mesh_key.decode() if isinstance(mesh_key, bytes) else mesh_key
        self._keys = text if isinstance(text, Keys) else Keys.of_mesh_key(text)
        self._clock = clock
        self._signers: dict[str, TokenSigner] = {}

    def signer(self, name: str) -> TokenSigner:
        """That of one member or caller from outside."""
        if name not in self._signers:
            self._signers[name] = TokenSigner(self._keys.of(mesh.seat_name(name, self._cell)), self._clock)
        return self._signers[name]

    def sign(self, caller: Caller, audience: str, via: str = "") -> str:
        """A token for a member: through the gateway, unless a member calls in its own name, or `via` says otherwise."""
        own = caller.subject if caller.role is Role.SERVICE else "gateway"
        return self.signer(via or own).sign(caller, audience)

    def verify(self, token: str) -> Caller:
        """Who calls, as the member that the token is for sees it."""
        audience: str = jwt.decode(token, options={"verify_signature": False})["aud"]
        return self.signer(audience).verify(token)
