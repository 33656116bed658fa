"""Values that are kept together in one column of bytes: a list without names, as MessagePack, less what is empty at its end.

The order of the values is the form: whoever keeps them adds at the end only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Any]).decode


def packed(values: Sequence[Any]) -> bytes:
    """Texts, whole numbers, bytes and lists of them as bytes."""
    return _encode(trimmed(values))


def trimmed(values: Sequence[Any]) -> Sequence[Any]:
    """The values, less what is empty at the end: for a list within a list."""
    end = len(values)
    while end and not values[end - 1]:
        end -= 1
    return values[:end]


def unpacked(data: bytes) -> list[Any]:
    """The values, less what was empty at the end."""
    return _decode(data)
