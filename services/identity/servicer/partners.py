"""PartnerService on the wire. A secret leaves only through ResolvePartner, which no partner may call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final

from services.identity.domain.mobile import MobileApp
from services.identity.domain.partner import (
    ApiKey,
    AuthStyle,
    Dialect,
    KeyHolder,
    KeyList,
    Partner,
    PartnerLimit,
    SignIn,
)
from services.identity.operations.partners import PartnerOperations
from services.kernel.pages import page_of
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import DayReader, day_message, moment_message, optional_day_message
from yibao.identity.v1 import api_key_pb2, partner_pb2, partner_pb2_grpc, sign_in_pb2
from yibao.options.v1 import options_pb2

_STYLES: Final = {
    AuthStyle.NONE: partner_pb2.AUTH_STYLE_NONE,
    AuthStyle.CSB: partner_pb2.AUTH_STYLE_CSB,
    AuthStyle.TIF: partner_pb2.AUTH_STYLE_TIF,
    AuthStyle.API_KEY: partner_pb2.AUTH_STYLE_API_KEY,
    AuthStyle.SIGNED: partner_pb2.AUTH_STYLE_SIGNED,
}
_READ_STYLES: Final = {number: style for style, number in _STYLES.items()}


class PartnerServicer(partner_pb2_grpc.PartnerServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: PartnerOperations) -> None:
        self._operations = operations

    async def RegisterPartner(  # noqa: N802 - the contract's name
        self, request: partner_pb2.RegisterPartnerRequest, context: Any
    ) -> partner_pb2.RegisterPartnerResponse:
        """Answers the profile without its secret."""
        call, partner = current_call(), _read_partner(request.partner)

        def encode(unchanged: bool) -> bytes:
            told = _write_partner(partner)
            return partner_pb2.RegisterPartnerResponse(partner=told, unchanged=unchanged).SerializeToString()

        stored = await self._operations.register(stamp_of(call, request), partner, call.now, encode)
        return partner_pb2.RegisterPartnerResponse.FromString(stored)

    async def IssueApiKey(  # noqa: N802 - the contract's name
        self, request: api_key_pb2.IssueApiKeyRequest, context: Any
    ) -> api_key_pb2.IssueApiKeyResponse:
        """The key is in this answer and nowhere else."""
        call = current_call()
        holder = KeyHolder(_role_word(request.role), request.subject)
        issued = await self._operations.issue_key(
            stamp_of(call, request), holder, request.api_key, call.now, request.label
        )
        return api_key_pb2.IssueApiKeyResponse(api_key=issued.key, key_id=issued.key_id, unchanged=issued.unchanged)

    async def ListApiKeys(  # noqa: N802 - the contract's name
        self, request: api_key_pb2.ListApiKeysRequest, context: Any
    ) -> api_key_pb2.ListApiKeysResponse:
        """What is known of each key."""
        after, size = asked_page(request, str)
        role = _role_word(request.role) if request.role else ""
        asked = KeyList(role, request.subject, request.with_revoked, "" if after is None else after[0], size + 1)
        page = page_of(await self._operations.list_keys(asked), size, lambda key: (key.key_id,))
        return api_key_pb2.ListApiKeysResponse(
            api_keys=[_write_key(key) for key in page.entries], next_page_token=token_of(page.end)
        )

    async def RevokeApiKey(  # noqa: N802 - the contract's name
        self, request: api_key_pb2.RevokeApiKeyRequest, context: Any
    ) -> api_key_pb2.RevokeApiKeyResponse:
        """The key as it is from now on."""
        call = current_call()
        stored = await self._operations.revoke_key(stamp_of(call, request), request.key_id, call.now, _revoked)
        return api_key_pb2.RevokeApiKeyResponse.FromString(stored)

    async def GetPartner(  # noqa: N802 - the contract's name
        self, request: partner_pb2.GetPartnerRequest, context: Any
    ) -> partner_pb2.GetPartnerResponse:
        """Without its secret."""
        partner = await self._operations.find(request.partner_code)
        return partner_pb2.GetPartnerResponse(partner=_write_partner(partner))

    async def ResolvePartner(  # noqa: N802 - the contract's name
        self, request: partner_pb2.ResolvePartnerRequest, context: Any
    ) -> partner_pb2.ResolvePartnerResponse:
        """With its secret, for the gateway."""
        found = await self._operations.resolve(
            partner_code=request.partner_code,
            access_key=request.access_key,
            key_digest=request.api_key_digest,
            app_id=request.app_id,
            now=current_call().now,
        )
        response = partner_pb2.ResolvePartnerResponse(
            role=_role_number(found.holder.role),
            subject=found.holder.subject,
            partner=None if found.partner is None else _write_partner(found.partner),
        )
        if found.partner is not None:
            response.partner.secret = found.partner.secret
            response.secret_digest = found.partner.secret_digest
        if found.partner is not None and found.partner.mobile is not None and request.app_id:
            response.partner.mobile.app_secret = found.partner.mobile.app_secret
            response.partner.mobile.own_private_key = found.partner.mobile.own_private_key
        return response

    async def CheckSignNo(  # noqa: N802 - the contract's name
        self, request: sign_in_pb2.CheckSignNoRequest, context: Any
    ) -> sign_in_pb2.CheckSignNoResponse:
        """Open or not."""
        open_now = await self._operations.sign_no_open(request.fixmedins_code, request.sign_no)
        return sign_in_pb2.CheckSignNoResponse(open=open_now)

    async def SignIn(  # noqa: N802 - the contract's name
        self, request: sign_in_pb2.SignInRequest, context: Any
    ) -> sign_in_pb2.SignInResponse:
        """9001."""
        call, asked = current_call(), request.sign_in
        stamp, desk = stamp_of(call, request), (asked.opter_no, asked.mac, asked.ip)
        stored = await self._operations.sign_in(stamp, request.fixmedins_code, desk, call.now, _signed_in)
        answer = sign_in_pb2.SignInResponse.FromString(stored)
        # A repeat may come after the sign-out.
        still_open = await self._operations.sign_no_open(request.fixmedins_code, answer.signinoutb.sign_no)
        answer.signed_out = not still_open
        return answer

    async def SignOut(  # noqa: N802 - the contract's name
        self, request: sign_in_pb2.SignOutRequest, context: Any
    ) -> sign_in_pb2.SignOutResponse:
        """9002."""
        call = current_call()
        stamp, sign_no = stamp_of(call, request), request.sign_out.sign_no
        stored = await self._operations.sign_out(stamp, request.fixmedins_code, sign_no, call.now, _signed_out)
        return sign_in_pb2.SignOutResponse.FromString(stored)


def _read_partner(message: partner_pb2.Partner) -> Partner:
    return Partner(
        message.partner_code,
        message.partner_name,
        _role_word(message.role),
        _READ_STYLES[message.auth_style],
        message.access_key,
        message.secret,
        message.sandbox,
        _read_dialect(message.dialect),
        _read_limits(message.limits),
        mobile=_read_mobile(message.mobile) if message.HasField("mobile") else None,
        notify_url=message.notify_url,
        notify_plain=message.notify_plain,
        knows_refunding=message.knows_refunding,
    )


def _read_mobile(message: partner_pb2.MobileApp) -> MobileApp:
    return MobileApp(**{field.name: getattr(message, field.name) for field in fields(MobileApp)})


def _write_mobile(app: MobileApp) -> partner_pb2.MobileApp:
    """Without what is secret in it."""
    return partner_pb2.MobileApp(app_id=app.app_id, public_key=app.public_key, secret_appended=app.secret_appended)


def _read_dialect(message: partner_pb2.Dialect) -> Dialect:
    values = {field.name: getattr(message, field.name) for field in fields(Dialect)}
    if not message.HasField("lenient_warnings"):
        values["lenient_warnings"] = None
    return Dialect(**values)


def _read_limits(messages: Sequence[partner_pb2.PartnerLimit]) -> tuple[PartnerLimit, ...]:
    days = DayReader()
    limits = tuple(
        PartnerLimit(
            days.day(message.from_day, f"partner.limits[{place}].from_day"),
            days.optional(message, "to_day", f"partner.limits[{place}]"),
            message.calls_per_minute,
            message.work_under_way,
        )
        for place, message in enumerate(messages)
    )
    days.check()
    return limits


def _write_limit(limit: PartnerLimit) -> partner_pb2.PartnerLimit:
    return partner_pb2.PartnerLimit(
        from_day=day_message(limit.from_day),
        to_day=optional_day_message(limit.to_day),
        calls_per_minute=limit.calls_per_minute,
        work_under_way=limit.work_under_way,
    )


def _write_partner(partner: Partner) -> partner_pb2.Partner:
    return partner_pb2.Partner(
        partner_code=partner.partner_code,
        partner_name=partner.partner_name,
        role=_role_number(partner.role),
        auth_style=_STYLES[partner.auth_style],
        access_key=partner.access_key,
        sandbox=partner.sandbox,
        dialect=partner_pb2.Dialect(**asdict(partner.dialect)),
        limits=[_write_limit(each) for each in partner.limits],
        mobile=None if partner.mobile is None else _write_mobile(partner.mobile),
        notify_url=partner.notify_url,
        notify_plain=partner.notify_plain,
        knows_refunding=partner.knows_refunding,
    )


def _write_key(key: ApiKey) -> api_key_pb2.ApiKey:
    times = {"last_used_at": key.last_used_at, "revoked_at": key.revoked_at}
    return api_key_pb2.ApiKey(
        key_id=key.key_id,
        role=_role_number(key.holder.role),
        subject=key.holder.subject,
        label=key.label,
        issued_at=moment_message(key.issued_at),
        bootstrap=key.bootstrap,
        **{name: moment_message(at) for name, at in times.items() if at is not None},
    )


def _revoked(key: ApiKey) -> bytes:
    return api_key_pb2.RevokeApiKeyResponse(api_key=_write_key(key)).SerializeToString()


def _signed_in(sign_in: SignIn) -> bytes:
    return sign_in_pb2.SignInResponse(
        signinoutb=sign_in_pb2.SignInOutput(sign_time=moment_message(sign_in.signed_in_at), sign_no=sign_in.sign_no)
    ).SerializeToString()


def _signed_out(at: datetime) -> bytes:
    return sign_in_pb2.SignOutResponse(sign_time=moment_message(at)).SerializeToString()


def _role_word(number: options_pb2.Role.ValueType) -> str:
    return options_pb2.Role.Name(number).removeprefix("ROLE_").lower()


def _role_number(word: str) -> options_pb2.Role.ValueType:
    return options_pb2.Role.Value(f"ROLE_{word.upper()}")
