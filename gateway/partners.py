"""Who stands at the door: partner profiles, bearer keys and sign-in numbers, asked of identity and kept for a minute.

A profile that was changed or withdrawn is believed for at most 60 s more. It keeps nothing on disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.backend import Backend, CallOptions
from gateway.shares import Claimant, Limit
from services.kernel.errors import Fault, FaultKind
from services.runtime.call import Caller, Role
from services.runtime.contract import Contract
from services.runtime.kept import Bounded, TimedCache
from services.runtime.wire import optional_told_day, told_day
from yibao.identity.v1 import partner_pb2, sign_in_pb2
from yibao.options.v1 import options_pb2

KEPT_S: Final = 60.0
KEPT_UNKNOWN_S: Final = 5.0

_SIZE: Final = 8192
_TIMEOUT_S: Final = 3.0
_RESOLVE: Final = "yibao.identity.v1.PartnerService.ResolvePartner"
_CHECK_SIGN_NO: Final = "yibao.identity.v1.PartnerService.CheckSignNo"
_LONGEST_KEY: Final = 256
# What is longer names nobody; it would only fill the memory of what is known.
_LONGEST_CODE: Final = 64
_NO_BEARERS: Final = (Role.SERVICE, Role.PUBLIC)
_NOBODY: Final = ("PARTNER_NOT_FOUND", "API_KEY_UNKNOWN", "APP_UNKNOWN")


@dataclass(frozen=True, slots=True)
class Profile:
    """A partner as the national envelope needs it: who it is, how it proves it, and its dialect."""

    code: str
    caller: Caller
    auth_style: int
    access_key: str
    secret: str
    sandbox: bool
    dialect: partner_pb2.Dialect
    lenient_warnings: bool = False
    secret_digest: str = ""


@dataclass(frozen=True, slots=True)
class _Unknown:
    """Identity knows nobody by that name: kept for a short time, so that a flood of guesses stays here."""


class Partners:
    """Profiles and keys by what a request shows; `now` is a monotonic clock in seconds."""

    def __init__(self, backend: Backend, contract: Contract, sandbox: bool, now: Callable[[], float]) -> None:
        self._backend = backend
        self._resolve = contract.method(_RESOLVE)
        self._check = contract.method(_CHECK_SIGN_NO)
        self._sandbox = sandbox
        self._profiles: TimedCache[str, Profile | _Unknown] = TimedCache(_SIZE, now)
        self._apps: TimedCache[str, tuple[Profile, partner_pb2.MobileApp] | _Unknown] = TimedCache(_SIZE, now)
        self._keys: TimedCache[str, Caller | _Unknown] = TimedCache(_SIZE, now)
        self._sign_nos: TimedCache[tuple[str, str], int] = TimedCache(_SIZE, now)
        # Of callers whose profile has limits of its own, as it was last told.
        self._limits: Bounded[str, Sequence[Limit]] = Bounded(_SIZE)

    async def profile(self, partner_code: str) -> Profile:
        """The profile of an institution; Fault UNAUTHENTICATED PARTNER_NOT_FOUND."""
        if len(partner_code) > _LONGEST_CODE:
            raise _unknown(partner_code[:_LONGEST_CODE])
        found = self._profiles.peek(partner_code)
        if found is None:
            found = await self._profiles.get(partner_code, lambda: self._load_profile(partner_code))
        if isinstance(found, _Unknown):
            raise _unknown(partner_code)
        return found

    async def mobile(self, app_id: str) -> tuple[Profile, partner_pb2.MobileApp]:
        """Whose an app of the mobile envelope is, with the app's keys; Fault UNAUTHENTICATED APP_UNKNOWN."""
        found = self._apps.peek(app_id)
        if found is None:
            found = await self._apps.get(app_id, lambda: self._load_app(app_id))
        if isinstance(found, _Unknown):
            raise Fault(FaultKind.UNAUTHENTICATED, "APP_UNKNOWN", {"app_id": app_id})
        return found

    def known(self, key: str) -> Caller | None:
        """Whom a bearer key stands for, where that was asked within the minute; None else, and for whom it lets in nobody."""
        found = self._keys.peek(digest_of(key))
        return found if isinstance(found, Caller) and found.role not in _NO_BEARERS else None

    def was_known(self, key: str) -> bool:
        """Whether a bearer key let somebody in when it was asked for last, however long ago: it is no guess."""
        found = self._keys.last(digest_of(key))
        return isinstance(found, Caller) and found.role not in _NO_BEARERS

    async def bearer(self, key: str) -> Caller:
        """Whom a bearer key stands for; Fault UNAUTHENTICATED API_KEY_UNKNOWN. Members of the mesh do not come this way."""
        if len(key) > _LONGEST_KEY:
            raise Fault(FaultKind.UNAUTHENTICATED, "API_KEY_UNKNOWN")
        digest = digest_of(key)
        found = self._keys.peek(digest)
        if found is None:
            found = await self._keys.get(digest, lambda: self._load_key(digest))
        if isinstance(found, _Unknown):
            raise Fault(FaultKind.UNAUTHENTICATED, "API_KEY_UNKNOWN")
        if found.role in _NO_BEARERS:
            raise Fault(FaultKind.UNAUTHENTICATED, "API_KEY_UNKNOWN")
        return found

    def claimant(self, caller: Caller) -> Claimant:
        """Whose share the calls of a proven caller take: one and the same by either face."""
        key = _share_key(caller)
        return Claimant(key, self._limits.get(key) or ())

    async def sign_no_is_open(self, fixmedins_code: str, sign_no: str) -> bool:
        """Whether a sign-in number stands open at an institution."""
        if len(sign_no) > _LONGEST_CODE:
            return False
        key = (fixmedins_code, sign_no)
        return bool(await self._sign_nos.get(key, lambda: self._load_sign_no(key)))

    async def _load_profile(self, partner_code: str) -> tuple[Profile | _Unknown, float]:
        answer = await self._ask(partner_pb2.ResolvePartnerRequest(partner_code=partner_code))
        if answer is None or not answer.HasField("partner"):
            return _Unknown(), KEPT_UNKNOWN_S
        return self._profile_of(answer), KEPT_S

    async def _load_app(self, app_id: str) -> tuple[tuple[Profile, partner_pb2.MobileApp] | _Unknown, float]:
        answer = await self._ask(partner_pb2.ResolvePartnerRequest(app_id=app_id))
        if answer is None or not answer.partner.HasField("mobile"):
            return _Unknown(), KEPT_UNKNOWN_S
        return (self._profile_of(answer), answer.partner.mobile), KEPT_S

    def _profile_of(self, answer: partner_pb2.ResolvePartnerResponse) -> Profile:
        partner = answer.partner
        caller = Caller(_role(answer.role or partner.role), answer.subject or partner.partner_code, partner.sandbox)
        self._remember_limits(caller, partner)
        return Profile(
            code=partner.partner_code,
            caller=caller,
            auth_style=partner.auth_style,
            access_key=partner.access_key,
            secret=partner.secret,
            sandbox=partner.sandbox,
            dialect=partner.dialect,
            lenient_warnings=self._warns(partner),
            secret_digest=answer.secret_digest,
        )

    def _warns(self, partner: partner_pb2.Partner) -> bool:
        """Whether the partner is told of what is lenient in its messages."""
        if partner.dialect.HasField("lenient_warnings"):
            return partner.dialect.lenient_warnings
        return self._sandbox and partner.sandbox

    async def _load_key(self, digest: str) -> tuple[Caller | _Unknown, float]:
        answer = await self._ask(partner_pb2.ResolvePartnerRequest(api_key_digest=digest))
        if answer is None:
            return _Unknown(), KEPT_UNKNOWN_S
        sandbox = answer.partner.sandbox if answer.HasField("partner") else self._sandbox
        caller = Caller(_role(answer.role), answer.subject, sandbox)
        self._remember_limits(caller, answer.partner)
        return caller, KEPT_S

    def _remember_limits(self, caller: Caller, partner: partner_pb2.Partner) -> None:
        key = _share_key(caller)
        if partner.limits:
            self._limits.keep(key, tuple(_limit(each) for each in partner.limits))
        else:
            self._limits.forget(key)

    async def _load_sign_no(self, key: tuple[str, str]) -> tuple[int, float]:
        request = sign_in_pb2.CheckSignNoRequest(fixmedins_code=key[0], sign_no=key[1])
        answer: Any = await self._backend.call(self._check, request, CallOptions(None, _TIMEOUT_S))
        return int(answer.open), KEPT_S if answer.open else KEPT_UNKNOWN_S

    async def _ask(self, request: partner_pb2.ResolvePartnerRequest) -> Any:
        """Identity's answer, None where it knows nobody."""
        try:
            return await self._backend.call(self._resolve, request, CallOptions(None, _TIMEOUT_S))
        except Fault as fault:
            if fault.reason in _NOBODY or fault.kind is FaultKind.INVALID:
                return None
            raise


def digest_of(secret: str) -> str:
    """SHA-256 in hex of a key, which is all that identity keeps of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _share_key(caller: Caller) -> str:
    return f"{caller.role}:{caller.subject}"


def _limit(message: partner_pb2.PartnerLimit) -> Limit:
    return Limit(
        told_day(message.from_day),
        optional_told_day(message, "to_day"),
        message.calls_per_minute,
        message.work_under_way,
    )


def _role(number: int) -> Role:
    return Role(options_pb2.Role.Name(options_pb2.Role.ValueType(number)).removeprefix("ROLE_").lower())


def _unknown(partner_code: str) -> Fault:
    """The refusal of an institution, named with the code that it sent."""
    return Fault(FaultKind.UNAUTHENTICATED, "PARTNER_NOT_FOUND", {"partner_code": partner_code} if partner_code else {})
