"""UIDs in half their length: two characters a byte, ordered as the texts are."""

from __future__ import annotations

from typing import Final

_DIGITS: Final = ".0123456789"
_TO_HEX: Final = str.maketrans(_DIGITS, "123456789ab")
_FROM_HEX: Final = str.maketrans("123456789ab", _DIGITS)


def packed_uid(uid: str) -> bytes:
    """The bytes of a UID that was checked: digits and dots only."""
    hexes = uid.translate(_TO_HEX)
    return bytes.fromhex(hexes + "0" if len(hexes) % 2 else hexes)


def unpacked_uid(data: bytes) -> str:
    """The UID."""
    return data.hex().rstrip("0").translate(_FROM_HEX)
