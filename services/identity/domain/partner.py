"""Partners of the gateway, the keys that stand for callers, and operators' sign-ins at an institution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from services.identity.domain.digests import digest
from services.identity.domain.mobile import MobileApp, broken_keys
from services.kernel.clock import days_meet
from services.kernel.errors import Fault, FaultKind, Violation, conflict, denied, not_found, precondition

PARTNER_ROLES: Final = ("institution", "channel")
KEY_ROLES: Final = ("institution", "channel", "person", "operator", "node")

SECRET_CHARACTERS: Final = 32
SECRET_DIFFERENT: Final = 8
"""What a secret needs outside a sandbox (our decision): it must not be guessed, whatever the style proves with it."""

USE_NOTED: Final = timedelta(hours=1)
"""How exactly the last use of a key is kept: a write for every use would cost more than it tells (our decision)."""

KEY_FRESH: Final = timedelta(minutes=10)
"""How long a repeated request is shown the key that the service made (our decision)."""

BOOTSTRAP_SUBJECT: Final = "bootstrap"


class AuthStyle(StrEnum):
    """How a partner proves who it is."""

    NONE = "none"
    CSB = "csb"
    TIF = "tif"
    API_KEY = "api_key"
    SIGNED = "signed"


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
    """An institution or channel at the gateway.

    `secret` is readable where a signature needs it as it is; of an apikey only `secret_digest` is known once it is kept.
    `notify_url` is where it is told of its payments ("" for nowhere), `notify_plain` that nothing signs that,
    `knows_refunding` that it knows ordStas 17.
    """

    partner_code: str
    partner_name: str
    role: str
    auth_style: AuthStyle
    access_key: str
    secret: str
    sandbox: bool
    dialect: Dialect
    limits: tuple[PartnerLimit, ...] = ()
    secret_digest: str = ""
    mobile: MobileApp | None = None
    notify_url: str = ""
    notify_plain: bool = False
    knows_refunding: bool = False

    def kept(self) -> Partner:
        """As the store keeps it: what is only compared is kept as a digest alone."""
        if self.auth_style is not AuthStyle.API_KEY:
            return self
        return replace(self, secret="", secret_digest=digest(self.secret))


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """For whom a key stands: a role and its subject."""

    role: str
    subject: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key by its digest, with its holder. `bootstrap` marks the one that comes from a setting.

    `key_id` names it without telling it; `last_used_at` is exact to USE_NOTED; a revoked one stands for nobody.
    """

    key_digest: str
    holder: KeyHolder
    issued_at: datetime
    bootstrap: bool = False
    key_id: str = ""
    label: str = ""
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def use_is_news(self, now: datetime) -> bool:
        """Whether a use now is worth a note."""
        return self.last_used_at is None or now - self.last_used_at >= USE_NOTED


@dataclass(frozen=True, slots=True)
class KeyList:
    """Which keys are asked for: of a role and subject ("" for any), with revoked ones or without, after a key id."""

    role: str
    subject: str
    with_revoked: bool
    after: str
    size: int


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
    """INVALID_REQUEST for a profile that does not hold together; outside a sandbox AUTH_STYLE_NOT_ALLOWED, SANDBOX_ONLY and
    SECRET_TOO_WEAK.
    """
    broken: list[Violation] = []
    signing = partner.auth_style in (AuthStyle.CSB, AuthStyle.TIF, AuthStyle.SIGNED)
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
    if partner.mobile is not None:
        broken += broken_keys(partner.mobile)
    if not sandbox and partner.notify_url.startswith("http:"):
        broken.append(Violation("partner.notify_url", "notify_https", "an address of https"))
    if broken:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)
    if partner.auth_style is AuthStyle.NONE and not sandbox:
        raise precondition("AUTH_STYLE_NOT_ALLOWED")
    if partner.sandbox and not sandbox:
        raise denied("SANDBOX_ONLY", what="partner.sandbox")
    secrets = (partner.secret, "" if partner.mobile is None else partner.mobile.app_secret)
    if not sandbox and any(each and is_weak(each) for each in secrets):
        least = {"characters": str(SECRET_CHARACTERS), "different": str(SECRET_DIFFERENT)}
        raise Fault(FaultKind.INVALID, "SECRET_TOO_WEAK", least)


def is_weak(secret: str) -> bool:
    """Whether a secret may be guessed: too short, or the same few characters again and again."""
    return len(secret) < SECRET_CHARACTERS or len(set(secret)) < SECRET_DIFFERENT


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
        broken = [Violation("role", "key_role", "institution, channel, person, operator or node")]
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)
    if chosen and not sandbox:
        raise denied("SANDBOX_ONLY", what="api_key")


def check_revocable(key: ApiKey | None, key_id: str) -> ApiKey:
    """The key to revoke; API_KEY_NOT_FOUND, and API_KEY_OF_SETTING for one that the next start would bring back."""
    if key is None:
        raise not_found("API_KEY_NOT_FOUND", key_id=key_id)
    if key.bootstrap:
        raise precondition("API_KEY_OF_SETTING")
    return key


def check_key_free(known: ApiKey | None, holder: KeyHolder) -> None:
    """API_KEY_TAKEN where the key stands for somebody else."""
    if known is not None and known.holder != holder:
        raise conflict("API_KEY_TAKEN")


def is_open(sign_in: SignIn | None, fixmedins_code: str) -> bool:
    """Whether the sign-in stands open at that institution."""
    return sign_in is not None and sign_in.fixmedins_code == fixmedins_code and sign_in.signed_out_at is None
