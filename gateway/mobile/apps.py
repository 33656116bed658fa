"""Apps of the mobile envelope: their profile as identity tells it, and their keys as the system's library reads them.

A profile is believed for a minute, as those of the national envelope are; keys that were read are kept beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.partners import Partners, Profile
from services.runtime.kept import Bounded
from services.runtime.national.envelope import App
from services.runtime.national.signed_text import SecretForm
from services.runtime.national.sm2 import Sm2
from yibao.identity.v1 import partner_pb2

_SIZE: Final = 8192


@dataclass(frozen=True, slots=True)
class Registered:
    """Whose app it is, and the app."""

    profile: Profile
    app: App


class Apps:
    """Apps by their numbers."""

    def __init__(self, partners: Partners, sm2: Sm2) -> None:
        self._partners = partners
        self._sm2 = sm2
        self._read: Bounded[bytes, App] = Bounded(_SIZE)

    async def find(self, app_id: str) -> Registered:
        """The app of that number; Fault UNAUTHENTICATED APP_UNKNOWN."""
        profile, told = await self._partners.mobile(app_id)
        key = told.SerializeToString(deterministic=True)
        found = self._read.get(key)
        return Registered(profile, found if found is not None else self._read.keep(key, self._app(told)))

    def _app(self, told: partner_pb2.MobileApp) -> App:
        own, theirs = self._sm2.private_key(told.own_private_key), self._sm2.public_key(told.public_key)
        form = SecretForm.APPENDED if told.secret_appended else SecretForm.KEY
        return App(told.app_id, told.app_secret, own, theirs, form)
