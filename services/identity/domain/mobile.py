"""A partner's app at the mobile envelope: what it holds, and keys that are keys of SM2. It signs and encrypts nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.kernel.errors import Violation

# GB/T 32918.5: the recommended curve y² = x³ + ax + b over p, and the order n of its base point.
_P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A: Final = _P - 3
_B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_HALF: Final = 64


@dataclass(frozen=True, slots=True)
class MobileApp:
    """Number and secret of the app, its SM2 public key and our SM2 private key for it, both in hex.

    `secret_appended` where the text that is signed ends with the secret alone.
    """

    app_id: str
    app_secret: str
    public_key: str
    own_private_key: str
    secret_appended: bool


def broken_keys(app: MobileApp) -> list[Violation]:
    """What is in the form of a key and is none: a public one beside the curve, a private one outside 1 to n-2."""
    broken: list[Violation] = []
    point = app.public_key[-2 * _HALF :]
    x, y = int(point[:_HALF], 16), int(point[_HALF:], 16)
    if x >= _P or y >= _P or (y * y - x * x * x - _A * x - _B) % _P:
        broken.append(Violation("partner.mobile.public_key", "sm2_point", "no point of the SM2 curve"))
    if not 1 <= int(app.own_private_key, 16) <= _N - 2:
        broken.append(Violation("partner.mobile.own_private_key", "sm2_private", "from 1 to n-2"))
    return broken
