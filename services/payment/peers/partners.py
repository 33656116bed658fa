"""Partner profiles of institutions, as payment needs them: their name, and where and how they are told. Believed for a
minute, one without an address for seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.kernel.errors import Fault, FaultKind
from services.payment.domain.profiles import AppKeys, Profile
from services.runtime.kept import TimedCache
from services.runtime.outbound import Peers
from yibao.identity.v1 import partner_pb2, partner_pb2_grpc

MEMBER: Final = "identity"
_KEPT_S: Final = 60.0
_KEPT_NOWHERE_S: Final = 2.0
"""Of an institution without an address: one that is named now is told at once."""
_SIZE: Final = 4096
_NAME_S: Final = 1.0
"""How long an answer waits for a profile that it can do without."""


class Partners:
    """Asks identity of the cell. `now` is a monotonic clock in seconds."""

    def __init__(self, peers: Peers, now: Callable[[], float]) -> None:
        self._peers = peers
        self._stub = peers.stub(partner_pb2_grpc.PartnerServiceStub, MEMBER)
        self._profiles: TimedCache[str, Profile] = TimedCache(_SIZE, now)

    async def profile(self, fixmedins_code: str) -> Profile:
        """The institution's; an empty one where it is not registered. Raises where identity does not answer."""
        return await self._profiles.get(fixmedins_code, lambda: self._load(fixmedins_code, None))

    async def shown(self, fixmedins_code: str) -> Profile:
        """The institution's for an answer, which can do without: an empty one where nobody tells it now."""
        try:
            return await self._profiles.get(fixmedins_code, lambda: self._load(fixmedins_code, _NAME_S))
        except Fault:
            return Profile()

    async def _load(self, code: str, timeout_s: float | None) -> tuple[Profile, float]:
        try:
            asked = partner_pb2.ResolvePartnerRequest(partner_code=code)
            found = (await self._peers.call(self._stub.ResolvePartner, asked, timeout_s=timeout_s)).partner
            app = None
            if found.notify_url and found.HasField("mobile") and not found.notify_plain:
                by_app = partner_pb2.ResolvePartnerRequest(app_id=found.mobile.app_id)
                told = (await self._peers.call(self._stub.ResolvePartner, by_app, timeout_s=timeout_s)).partner.mobile
                keys = (told.app_id, told.app_secret, told.own_private_key, told.public_key)
                app = AppKeys(*keys, secret_appended=told.secret_appended)
        except Fault as fault:
            if fault.kind is not FaultKind.NOT_FOUND:
                raise
            return Profile(), _KEPT_NOWHERE_S
        profile = Profile(found.partner_name, found.notify_url, app, found.knows_refunding)
        return profile, _KEPT_S if found.notify_url else _KEPT_NOWHERE_S
