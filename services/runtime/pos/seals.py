"""Keys and seals of a POS line: working keys as they arrive at the sign-on, and the eight bytes of field 64 (C§3.2).

DES or SM4 by the terminal's key. Of SM4 the public material says little: blocks of 16 bytes in place of 8 are our reading.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4

from services.runtime.pos.messages import Malformed, PosMessage, encode

SEAL: Final = 64
_SEAL_BYTES: Final = 8
_CHECK_BYTES: Final = 4
_EMPTY: Final = "00" * _SEAL_BYTES
# Bytes of field 62 at the sign-on: length of a key, and how many keys (PIN, seal, track).
_KEY_FORMS: Final = {24: (8, 2), 40: (16, 2), 56: (24, 2), 60: (16, 3), 84: (24, 3)}


class Algorithm(Enum):
    """The cipher of a terminal's keys, and the bytes of its block."""

    DES = 8
    SM4 = 16


@dataclass(frozen=True)
class PosKeys:
    """The working keys of one sign-on: for PIN blocks and for seals. What seals is made once: without slots it can be kept."""

    pin: bytes = field(repr=False)
    seal: bytes = field(repr=False)
    algorithm: Algorithm = Algorithm.DES

    @cached_property
    def sealer(self) -> PosSealer:
        """What makes and compares seals by them."""
        return PosSealer(self.seal, self.algorithm)


def enciphered(key: bytes, data: bytes, algorithm: Algorithm) -> bytes:
    """Each block by itself, as the line has it; ValueError for a key that the cipher has not."""
    maker = _cipher(key, algorithm).encryptor()
    return maker.update(data) + maker.finalize()


def deciphered(key: bytes, data: bytes, algorithm: Algorithm) -> bytes:
    """What `enciphered` has made."""
    maker = _cipher(key, algorithm).decryptor()
    return maker.update(data) + maker.finalize()


def _cipher(key: bytes, algorithm: Algorithm) -> Cipher[modes.ECB]:
    if algorithm is Algorithm.SM4:
        return Cipher(SM4(key), modes.ECB())
    # Single and double length are written out: three equal keys are one.
    return Cipher(TripleDES((key * 3)[:24]), modes.ECB())


class PosSealer:
    """Makes seals under one key. A block is enciphered by itself, so that one cipher serves all; it is not for two threads."""

    def __init__(self, key: bytes, algorithm: Algorithm) -> None:
        self._size: int = algorithm.value
        self._enciphered = _cipher(key, algorithm).encryptor().update

    def __call__(self, data: bytes) -> bytes:
        """Eight bytes over `data`: its blocks folded by XOR and written as hex, the two halves of that enciphered one after the
        other, and of the end the first eight hex digits.
        """
        size, folded = self._size, 0
        for start in range(0, len(data), size):
            folded ^= int.from_bytes(data[start : start + size].ljust(size, b"\0"), "big")
        text = folded.to_bytes(size, "big").hex().upper().encode()
        mixed = int.from_bytes(self._enciphered(text[:size]), "big") ^ int.from_bytes(text[size:], "big")
        return self._enciphered(mixed.to_bytes(size, "big")).hex().upper().encode()[:_SEAL_BYTES]


def seal_of(data: bytes, key: bytes, algorithm: Algorithm = Algorithm.DES) -> bytes:
    """The seal over `data` under a key (`PosSealer`)."""
    return PosSealer(key, algorithm)(data)


def sealed(message: PosMessage, keys: PosKeys) -> bytes:
    """The bytes of a message with its seal as field 64; `Malformed`."""
    raw = encode(PosMessage(message.mti, {**message.fields, SEAL: _EMPTY}))[:-_SEAL_BYTES]
    return raw + keys.sealer(raw)


def seal_holds(raw: bytes, keys: PosKeys) -> bool:
    """Whether a message's last eight bytes are its seal; whoever calls has seen that it has field 64."""
    return hmac.compare_digest(raw[-_SEAL_BYTES:], keys.sealer(raw[:-_SEAL_BYTES]))


def packed_keys(keys: PosKeys, master: bytes) -> str:
    """Field 62 of a sign-on's answer, as hex: each key under the master key, and after it the first bytes of zeros under it."""
    return b"".join(_packed(key, master, keys.algorithm) for key in (keys.pin, keys.seal)).hex().upper()


def _packed(key: bytes, master: bytes, algorithm: Algorithm) -> bytes:
    check = enciphered(key, bytes(algorithm.value), algorithm)[:_CHECK_BYTES]
    return enciphered(master, key, algorithm) + check


def unpacked_keys(told: str, master: bytes, algorithm: Algorithm = Algorithm.DES) -> PosKeys:
    """The working keys of field 62; `Malformed` for a length that no form has, and where a check value is another key's."""
    raw = bytes.fromhex(told)
    if len(raw) not in _KEY_FORMS:
        raise Malformed(f"field 62: {len(raw)} bytes of keys")
    length, count = _KEY_FORMS[len(raw)]
    pieces = [raw[at : at + length + _CHECK_BYTES] for at in range(0, len(raw), length + _CHECK_BYTES)][:count]
    keys = [deciphered(master, piece[:length], algorithm) for piece in pieces]
    for key, piece in zip(keys, pieces, strict=True):
        if enciphered(key, bytes(algorithm.value), algorithm)[:_CHECK_BYTES] != piece[length:]:
            raise Malformed("field 62: a check value does not fit its key")
    return PosKeys(keys[0], keys[1], algorithm)
