"""Partners of the gateway, the keys that stand for callers, and operators' sign-ins at an institution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from services.identity.domain.person import days_meet
from services.kernel.errors import Fault, FaultKind, Violation, conflict, denied, precondition

PARTNER_ROLES: Final = ("institution", "channel")
KEY_ROLES: Final = ("institution", "channel", "person", "operator")

KEY_FRESH: Final = timedelta(minutes=10)
"""How long a repeated request is shown the key that the service made (our decision)."""

BOOTSTRAP_SUBJECT: Final = "bootstrap"


class AuthStyle(StrEnum):
    """How a partner proves who it is."""

    NONE = "none"
    CSB = "csb"
    TIF = "tif"
    API_KEY = "api_key"


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where a province's answers differ; every switch is off by default, but for what a sandbox decides (None)."""

    bare_array_5204: bool = False
    infcode_as_text: bool = False
    strict_sign_no: bool = False
    null_output: bool = False
    answers_in_gbk: bool = False
    lenient_warnings: bool | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class PartnerLimit:
    """Calls a minute and calls under way from a day to a day, both inclusive; 0 is the default of the gateway."""

    from_day: date
    to_day: date | None
    calls_per_minute: int
    work_under_way: int


@dataclass(frozen=True, slots=True)
class Partner:
    """An institution or channel at the gateway. `secret` is readable, because HMAC needs it as it is."""

    partner_code: str
    partner_name: str
    role: str
    auth_style: AuthStyle
    access_key: str
    secret: str
    sandbox: bool
    dialect: Dialect
    limits: tuple[PartnerLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """For whom a key stands: a role and its subject."""

    role: str
    subject: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key by its digest, with its holder. `bootstrap` marks the one that comes from a setting."""

    key_digest: str
    holder: KeyHolder
    issued_at: datetime
    bootstrap: bool = False


@dataclass(frozen=True, slots=True)
class SignIn:
    """An operator's sign-in at an institution; open while `signed_out_at` is None."""

    sign_no: str
    fixmedins_code: str
    opter_no: str
    mac: str
    ip: str
    signed_in_at: datetime
    signed_out_at: datetime | None


def check_partner(partner: Partner, sandbox: bool) -> None:
    """INVALID_REQUEST for a profile that does not hold together; AUTH_STYLE_NOT_ALLOWED and SANDBOX_ONLY outside a sandbox."""
    broken: list[Violation] = []
    signing = partner.auth_style in (AuthStyle.CSB, AuthStyle.TIF)
    if partner.role not in PARTNER_ROLES:
        broken.append(Violation("partner.role", "partner_role", "institution or channel"))
    if signing and not partner.access_key:
        broken.append(Violation("partner.access_key", "required", "this style signs with an access key"))
    if not signing and partner.access_key:
        broken.append(Violation("partner.access_key", "empty", "this style has no access key"))
    if partner.auth_style is not AuthStyle.NONE and not partner.secret:
        broken.append(Violation("partner.secret", "required", "this style needs a secret"))
    if partner.auth_style is AuthStyle.NONE and partner.secret:
        broken.append(Violation("partner.secret", "empty", "this style has no secret"))
    broken += _broken_limits(partner.limits)
    if broken:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)
    if partner.auth_style is AuthStyle.NONE and not sandbox:
        raise precondition("AUTH_STYLE_NOT_ALLOWED")
    if partner.sandbox and not sandbox:
        raise denied("SANDBOX_ONLY", what="partner.sandbox")


def _broken_limits(limits: Sequence[PartnerLimit]) -> list[Violation]:
    """A limit that ends before it begins, or that shares a day with an earlier one of the list."""
    broken: list[Violation] = []
    for place, limit in enumerate(limits):
        if limit.to_day is not None and limit.to_day < limit.from_day:
            broken.append(Violation(f"partner.limits[{place}].to_day", "to_day", "not before from_day"))
        elif any(days_meet(limit.from_day, limit.to_day, each.from_day, each.to_day) for each in limits[:place]):
            broken.append(
                Violation(f"partner.limits[{place}].from_day", "days_meet", "another limit holds on its days")
            )
    return broken


def check_key_request(role: str, chosen: bool, sandbox: bool) -> None:
    """INVALID_REQUEST for a role that holds no key; SANDBOX_ONLY for a chosen key outside a sandbox."""
    if role not in KEY_ROLES:
        broken = [Violation("role", "key_role", "institution, channel, person or operator")]
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)
    if chosen and not sandbox:
        raise denied("SANDBOX_ONLY", what="api_key")


def check_key_free(known: ApiKey | None, holder: KeyHolder) -> None:
    """API_KEY_TAKEN where the key stands for somebody else."""
    if known is not None and known.holder != holder:
        raise conflict("API_KEY_TAKEN")


def is_open(sign_in: SignIn | None, fixmedins_code: str) -> bool:
    """Whether the sign-in stands open at that institution."""
    return sign_in is not None and sign_in.fixmedins_code == fixmedins_code and sign_in.signed_out_at is None
