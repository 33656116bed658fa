"""Tickets of the index, verified without asking back: Ed25519 signatures by a key set that is kept, and a list of revocations.

A ticket opens one study at this node for some minutes. Where the list was not renewed for five seconds nothing is opened, for a
revocation may stand in what was not heard.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import jwt

from tools.pacs_node.refusals import Refusal

ISSUER: Final = "imaging"
STALE_S: Final = 5.0
"""A list older than that refuses everything."""
LEEWAY_S: Final = 5
"""Clocks of index and node may differ by so much (our decision)."""
KEPT_S: Final = 1200.0
"""What was revoked is remembered for so long: no ticket lives that long, and none is given for a grant that has ended."""
_NEEDED: Final = ("iss", "aud", "stu", "gra", "jti", "nbf", "exp")
_MOST_LENGTH: Final = 2048


class Tickets:
    """What this node knows of tickets. `now` is a clock that only goes forward, in seconds."""

    def __init__(self, node_no: str, now: Callable[[], float] = time.monotonic) -> None:
        self._node_no, self._now = node_no, now
        self._keys: dict[str, jwt.PyJWK] = {}
        self._revoked: dict[str, float] = {}
        self._heard_at: float | None = None
        self.unknown_key = False

    def learn_keys(self, key_set: Mapping[str, Any]) -> None:
        """Takes a JWK set instead of the one before; keys of other kinds than Ed25519 are left out."""
        keys = [each for each in key_set.get("keys", ()) if each.get("kty") == "OKP" and each.get("crv") == "Ed25519"]
        self._keys = {str(each.get("kid", "")): jwt.PyJWK(each, algorithm="EdDSA") for each in keys}
        self.unknown_key = False

    def note_revoked(self, names: Iterable[str]) -> None:
        """Ticket ids (jti) and digests of grants (gra) that are new in the list, of which more follows."""
        self._revoked |= dict.fromkeys(names, self._now())

    def learn_revoked(self, names: Iterable[str], age_s: float = 0.0) -> None:
        """The last of what is new in the list: with it the list is as of `age_s` seconds ago, when it was asked for."""
        now = self._now()
        self._heard_at = now - age_s
        self.note_revoked(names)
        if self._revoked and next(iter(self._revoked.values())) < now - KEPT_S:
            self._revoked = {name: at for name, at in self._revoked.items() if at >= now - KEPT_S}

    @property
    def ready(self) -> bool:
        """Whether tickets can be accepted."""
        return bool(self._keys) and self._heard_at is not None and self._now() - self._heard_at <= STALE_S

    def check(self, ticket: str, study_uid: str) -> None:
        """Raises Refusal unless the ticket opens this study here and now."""
        if not self._keys:
            raise Refusal("KEYS_MISSING")
        claims = self._claims(ticket)
        if claims["stu"] != study_uid:
            raise Refusal("TICKET_FOREIGN")
        if not self.ready:
            raise Refusal("REVOCATIONS_STALE")
        if claims["jti"] in self._revoked or claims["gra"] in self._revoked:
            raise Refusal("TICKET_REVOKED")

    def _claims(self, ticket: str) -> dict[str, Any]:
        try:
            if len(ticket) > _MOST_LENGTH:
                raise jwt.InvalidTokenError
            key = self._keys.get(str(jwt.get_unverified_header(ticket).get("kid", "")))
            if key is None:
                self.unknown_key = True
                raise Refusal("TICKET_INVALID")
            claims: dict[str, Any] = jwt.decode(
                ticket,
                key,
                algorithms=["EdDSA"],
                audience=self._node_no,
                issuer=ISSUER,
                leeway=LEEWAY_S,
                options={"require": list(_NEEDED)},
            )
        except jwt.ExpiredSignatureError as error:
            raise Refusal("TICKET_EXPIRED") from error
        except jwt.InvalidAudienceError as error:
            raise Refusal("TICKET_FOREIGN") from error
        except jwt.InvalidTokenError as error:
            raise Refusal("TICKET_INVALID") from error
        return claims
