"""The electronic credential 医保电子凭证: activation, the dynamic code and the ecToken, with their states and times.

A code lives 60 seconds and a token 30 minutes, both until just before that moment: at 60.000 s a code has expired (our
decision). Whether a token was spent is settlement's knowledge, not kept here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.kernel.credential_marks import cell_of
from services.kernel.errors import Fault, conflict, denied, not_found, precondition

CODE_LIFE: Final = timedelta(seconds=60)
TOKEN_LIFE: Final = timedelta(minutes=30)
KEPT: Final = timedelta(days=1)
"""How long a code or token that ran out still tells why it does not work (our decision)."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A person's activated credential; `channel_code` is the channel that activated it."""

    credential_id: str
    psn_no: str
    channel_code: str
    activated_at: datetime


class CodeState(StrEnum):
    """What became of a dynamic code."""

    SHOWN = "shown"
    USED = "used"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A dynamic code by its digest."""

    code_digest: str
    psn_no: str
    state: CodeState
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class EcToken:
    """A token by its digest, bound to a person and to the institution that scanned."""

    token_digest: str
    psn_no: str
    org_id: str
    code_digest: str
    issued_at: datetime
    expires_at: datetime


def foreign(shown: str, own_cell: str) -> Fault | None:
    """CREDENTIAL_OF_ANOTHER_CELL where a dynamic code or an ecToken was made elsewhere, told by its mark alone.

    What is laid out like neither is no other cell's: the own one does not know it.
    """
    made_in = cell_of(shown)
    if made_in is None or made_in == own_cell:
        return None
    return precondition("CREDENTIAL_OF_ANOTHER_CELL", cell=made_in)


def check_activation(known: Credential | None, channel_code: str) -> None:
    """CREDENTIAL_ACTIVE where another channel holds the credential; the same channel gets what stands."""
    if known is not None and known.channel_code != channel_code:
        raise conflict("CREDENTIAL_ACTIVE")


def check_showing(known: Credential | None, channel_code: str | None) -> Credential:
    """The credential whose code may be shown; `channel_code` is None where the person asks.

    CREDENTIAL_NOT_ACTIVE, or CREDENTIAL_OTHER_CHANNEL where another channel activated it.
    """
    if known is None:
        raise precondition("CREDENTIAL_NOT_ACTIVE")
    if channel_code is not None and known.channel_code != channel_code:
        raise denied("CREDENTIAL_OTHER_CHANNEL")
    return known


def check_decoding(code: ShownCode | None, now: datetime) -> ShownCode:
    """The code that may be decoded: CODE_UNKNOWN, CODE_USED, CODE_EXPIRED (also where a newer code replaced it)."""
    if code is None:
        raise not_found("CODE_UNKNOWN")
    if code.state is CodeState.USED:
        raise precondition("CODE_USED")
    if code.state is CodeState.REPLACED or now >= code.expires_at:
        raise precondition("CODE_EXPIRED")
    return code


def token_fault(token: EcToken | None, org_id: str, now: datetime) -> Fault | None:
    """Why the token does not serve at the institution now: EC_TOKEN_UNKNOWN, _WRONG_INSTITUTION, _EXPIRED, or nothing.

    Another institution does not learn whether the token is still good.
    """
    if token is None:
        return not_found("EC_TOKEN_UNKNOWN")
    if token.org_id != org_id:
        return denied("EC_TOKEN_WRONG_INSTITUTION")
    if now >= token.expires_at:
        return precondition("EC_TOKEN_EXPIRED")
    return None
