"""The caller token: who calls travels as a short-lived JWT that names the member it is for (`aud`), its cell (`cell`) and the
member that made it (`azp`), signed with the key of that edge in that cell. No header is believed without it.

A token opens one member of one cell, for one calling member; a caller that the mesh table does not admit is refused before its
signature is looked at. Both directions are cached in bounded tables, so that a repeated token costs one look-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import jwt

from services import cells, mesh
from services.kernel.clock import Clock
from services.kernel.errors import Fault, FaultKind, denied
from services.runtime.call import Caller, Role
from services.runtime.kept import Bounded
from services.runtime.keys import MemberKeys, derive

_ALGORITHM = "HS256"
_ISSUER = "yibao"
_CACHE_SIZE = 4096
_CLAIMS: Final = ("iss", "sub", "role", "exp", "aud", "azp")
_SHOWN: Final = 40
_CLOCKS_APART_S: Final = 900
"""How much longer a token holds between a cell and a national member, each of which may have a clock of its own (our decision):
more than the five minutes after which a bill is CLOCK_APART, so that who is wrong is told which clocks are. The clocks of one
cell go together, and its tokens end when they say.
"""


@dataclass(frozen=True, slots=True)
class _Edge:
    """The key of one edge in one cell, and the head of every token that it signs: by the head the key is found."""

    caller: str
    callee: str
    key: bytes
    cell: str

    @property
    def leeway_s(self) -> int:
        """For how long after its end, by the callee's clock, a token of this edge still holds."""
        return _CLOCKS_APART_S if mesh.is_national(self.caller) or mesh.is_national(self.callee) else 0

    @property
    def head(self) -> dict[str, str]:
        """Names the key without telling it."""
        return {"kid": f"{self.caller}>{self.callee}.{derive(self.key, 'yibao key id').hex()[:8]}"}


class TokenSigner:
    """Makes and verifies the caller tokens of one member, or of a caller from outside, with the keys that it holds.

    `cell` is its own, of a national member the first of those that it holds keys of.
    """

    def __init__(self, keys: Sequence[MemberKeys], clock: Clock) -> None:
        self.name = keys[0].name
        self.cell = keys[0].cell
        self._clock = clock
        self._signed: Bounded[tuple[Caller, str, str, int], tuple[str, float]] = Bounded(_CACHE_SIZE)
        self._verified: Bounded[str, tuple[Caller, float]] = Bounded(_CACHE_SIZE)
        self.renew(keys)

    def renew(self, keys: Sequence[MemberKeys]) -> None:
        """Takes other keys: the first set of a cell signs, all are accepted. Tokens of a key that is gone are refused from now
        on.
        """
        self._keys = tuple(keys)
        self._cells = frozenset(held.cell for held in keys)
        self._outgoing: dict[str, _Edge] = {}
        for held in reversed(keys):
            for name, key in held.calls.items():
                self._outgoing[_reached(name, held.cell, self.cell)] = _Edge(self.name, name, key, held.cell)
        callers = mesh.callers_of(self.name)
        incoming = [
            _Edge(each, self.name, held.of_caller(each), held.cell) for held in keys if held.own for each in callers
        ]
        self._incoming = {_head_text(edge): edge for edge in incoming}
        self._signed.clear()
        self._verified.clear()
        self._derived: dict[str, tuple[bytes, ...]] = {}

    def derived(self, purpose: str) -> tuple[bytes, ...]:
        """Keys of the member for a purpose of its own, one for each set; the first is for what is made now."""
        made = self._derived.get(purpose)
        if made is None:
            made = tuple(derive(each.own, purpose) for each in self._keys if each.cell == self.cell)
            self._derived[purpose] = made
        return made

    def sign(self, caller: Caller, audience: str, ttl_s: int = 60, *, cell: str = "") -> str:
        """A token for the member `audience`, of the own cell or of `cell`, which holds for at most `ttl_s` seconds and for at
        least half of them.

        ValueError where the mesh table has no such edge, where this member holds no key of it in that cell, or where it may not
        speak for `caller`.
        """
        now = self._clock().timestamp()
        known = self._signed.get((caller, audience, cell, ttl_s))
        if known is not None and known[1] - ttl_s <= now < known[1] - ttl_s / 2:
            return known[0]
        edge = self._outgoing.get(_reached(audience, cell or self.cell, self.cell))
        if edge is None:
            raise self._no_edge(audience, cell)
        if not may_speak(self.name, caller):
            raise ValueError(f"{self.name} may not speak for another, as {caller.role}")
        expires = now + ttl_s
        claims = {
            "iss": _ISSUER,
            "aud": audience,
            "azp": self.name,
            "cell": edge.cell,
            "sub": caller.subject,
            "role": caller.role.value,
            "sbx": caller.sandbox,
            "exp": expires,
        }
        token = jwt.encode(claims, edge.key, algorithm=_ALGORITHM, headers=edge.head)
        self._signed.keep((caller, audience, cell, ttl_s), (token, expires))
        return token

    def _no_edge(self, audience: str, cell: str) -> ValueError:
        if audience in mesh.callees_of(self.name):
            return ValueError(f"{self.name} of {self.cell} holds no key to call {audience} of {cell}")
        return ValueError(f"the mesh table does not allow {self.name} to call {audience}")

    def verify(self, token: str) -> Caller:
        """Who calls, and through which member; Fault UNAUTHENTICATED or DENIED with the reason."""
        return self._known(token)[0]

    def _known(self, token: str) -> tuple[Caller, float]:
        known = self._verified.get(token)
        if known is None:
            known = self._verified.keep(token, self._decode(token))
        if self._clock().timestamp() >= known[1]:
            raise Fault(FaultKind.UNAUTHENTICATED, "CALLER_TOKEN_EXPIRED")
        return known

    def expires(self, token: str) -> datetime:
        """The moment until which a verified token holds."""
        return datetime.fromtimestamp(self._known(token)[1], self._clock().tzinfo)

    def _decode(self, token: str) -> tuple[Caller, float]:
        edge = self._incoming.get(token.partition(".")[0])
        if edge is None:
            raise self._why_not(token)
        try:
            claims = jwt.decode(
                token,
                edge.key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                audience=self.name,
                # The expiry is compared with the mesh's own clock on every use, cached or not.
                options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False},
            )
            caller = Caller(Role(claims["role"]), claims["sub"], claims.get("sbx") is True, edge.caller, edge.cell)
            expires = float(claims["exp"]) + edge.leeway_s
        except (jwt.PyJWTError, ValueError, TypeError):
            raise _invalid() from None
        if claims["azp"] != edge.caller or _cell_in(claims) != edge.cell:
            raise _invalid()
        if not may_speak(edge.caller, caller):
            raise denied("CALLER_SPEAKS_FOR_ITSELF", caller=edge.caller)
        return caller, expires

    def _why_not(self, token: str) -> Fault:
        """The refusal of a token that no key of this member signed. What it says of itself is not believed, only told."""
        try:
            claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, TypeError):
            return _invalid()
        audience, caller = claims.get("aud"), claims.get("azp")
        if not isinstance(audience, str) or not isinstance(caller, str):
            return _invalid()
        if audience != self.name:
            told = {"audience": _shown(audience), "member": self.name}
            return Fault(FaultKind.UNAUTHENTICATED, "CALLER_TOKEN_WRONG_AUDIENCE", told)
        if (cell := _cell_in(claims)) not in self._cells:
            told = {"cell": _shown(cell), "member": self.name, "own_cell": self.cell}
            return Fault(FaultKind.UNAUTHENTICATED, "CALLER_TOKEN_WRONG_CELL", told)
        if caller not in mesh.callers():
            return Fault(FaultKind.UNAUTHENTICATED, "CALLER_UNKNOWN", {"caller": _shown(caller)})
        if caller not in mesh.callers_of(self.name):
            return denied("CALLER_NOT_ADMITTED", caller=caller, member=self.name)
        return _invalid()


def may_speak(name: str, caller: Caller) -> bool:
    """Whether a member may call in the name of `caller`: as itself always, as another member never, else by the table."""
    if caller.role is Role.SERVICE:
        return caller.subject == name
    return mesh.speaks_for_others(name)


def _reached(name: str, cell: str, own: str) -> str:
    """By what an outgoing edge is known: a national member is the same one, whichever cell's key opens it."""
    return name if cell == own or mesh.is_national(name) else f"{cell}/{name}"


def _cell_in(claims: Mapping[str, Any]) -> str:
    """The cell that a token names; one of before there were cells names none, and means the sandbox's."""
    cell = claims.get("cell", cells.SANDBOX)
    return cell if isinstance(cell, str) else ""


def _head_text(edge: _Edge) -> str:
    """The first part of every token that is signed on an edge."""
    return jwt.encode({}, edge.key, algorithm=_ALGORITHM, headers=edge.head).partition(".")[0]


def _invalid() -> Fault:
    return Fault(FaultKind.UNAUTHENTICATED, "CALLER_TOKEN_INVALID")


def _shown(name: str) -> str:
    """A name that anybody may have written, as far as it can be one."""
    return name[:_SHOWN] if name.isascii() and name.replace("-", "").replace("_", "").isalnum() else "?"
