"""Who signs and who is known: the platform's key, which can be changed for another, and the merchants' applications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from services.runtime import rsa
from tools.twins import keys
from tools.twins.alipay.refusals import invalid
from tools.twins.shelf import Document, Shelf

SANDBOX_APP: Final = "2021000000000001"
_APP: Final = "app"
_CURRENT: Final = "platform_key"


def sandbox_app(number: int) -> str:
    """The app_id of the sandbox application of that number, from 1 on."""
    return f"{SANDBOX_APP[:4]}{number:012}"


@dataclass(frozen=True, slots=True)
class App:
    """An application of a merchant: the key that its requests are signed with, and what it may ask; empty for all."""

    public_key: RSAPublicKey
    methods: frozenset[str]


class Platform:
    """Keys and applications, kept on the shelf; the sandbox applications of these numbers are there from the beginning."""

    def __init__(self, shelf: Shelf, numbers: Sequence[int] = (1,)) -> None:
        self._shelf, self._apps = shelf, dict[str, App]()
        current = shelf.get(_CURRENT, "") or {"number": 1}
        self._number = int(current["number"])
        self.key: RSAPrivateKey = self._key_of(self._number)
        self._sandbox = {each: keys.rsa_key(shelf, each) for each in map(sandbox_app, sorted({1, *numbers}))}
        for app_id, key in self._sandbox.items():
            self.register(app_id, keys.public_pem(key.public_key()), ())

    def rotate(self) -> str:
        """Signs with a new key from now on; its public half as PEM."""
        self._number += 1
        self._shelf.put(_CURRENT, "", {"number": self._number})
        self.key = self._key_of(self._number)
        return self.public_key()

    def public_key(self) -> str:
        """What answers and notifies are verified with, as PEM."""
        return keys.public_pem(self.key.public_key())

    def register(self, app_id: str, public_key: str, methods: tuple[str, ...]) -> None:
        """Knows an application from now on; ValueError where the key is none."""
        rsa.public_key(public_key)
        self._shelf.put(_APP, app_id, {"public_key": public_key, "methods": list(methods)})
        self._apps.pop(app_id, None)

    def app(self, app_id: str) -> App:
        """An application; a Refusal where nobody knows it."""
        if app_id not in self._apps:
            kept = self._shelf.get(_APP, app_id)
            if kept is None:
                raise invalid("app_id", "未知的应用")
            self._apps[app_id] = App(rsa.public_key(kept["public_key"]), frozenset(kept["methods"]))
        return self._apps[app_id]

    def told(self) -> Document:
        """What a merchant must know, of the first sandbox application and of all (`apps`); private keys are PKCS#1, as the
        official SDK wants them.
        """
        apps = [
            {
                "app_id": app_id,
                "app_private_key": keys.private_pem(key, pkcs1=True),
                "app_public_key": keys.public_pem(key.public_key()),
            }
            for app_id, key in self._sandbox.items()
        ]
        return {**apps[0], "apps": apps, "alipay_public_key": self.public_key()}

    def _key_of(self, number: int) -> RSAPrivateKey:
        return keys.rsa_key(self._shelf, f"platform-{number}")
