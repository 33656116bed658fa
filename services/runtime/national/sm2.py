"""SM2 (GB/T 32918): keys from any usual form, signatures as raw r‖s or DER, cipher texts as C1‖C3‖C2.

The work is done by the system's OpenSSL 3 alone. Which library is used is decided at start, by the standard's own example:
one that does not pass it is not used, and where none passes, whoever needs SM2 does not start: nothing else stands in for it.
"""

from __future__ import annotations

import base64
import binascii
import ctypes.util
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from services.runtime.national.libcrypto import LEAST_MAJOR, Key, Libcrypto, LibcryptoError

USER_ID: Final = b"1234567812345678"
"""The signer's id where nobody has agreed on another: GB/T 32918 part 5, GM/T 0009, and the mobile envelope."""

SIGNATURE_BYTES: Final = 64

_HALF: Final = 32
_POINT: Final = 64
_UNCOMPRESSED: Final = b"\x04"
_MOST_ID: Final = 8191  # its length in bits stands in two bytes
_MOST_KEY: Final = 4096
# id-ecPublicKey with the SM2 curve, before the 65 bytes of the point and around the 32 bytes of a private number.
_PUBLIC_HEAD: Final = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
_PRIVATE_HEAD: Final = bytes.fromhex(
    "3041020100301306072a8648ce3d020106082a811ccf5501822d042730250201010420",
)
_HEX: Final = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_PEM: Final = re.compile(
    r"-----BEGIN ((?:EC )?PRIVATE KEY|PUBLIC KEY)-----([A-Za-z0-9+/=\s]+)-----END \1-----", re.ASCII
)

# GB/T 32918.5-2017 (the same as GM/T 0003.5), annex A: the example signature over the recommended curve.
_EXAMPLE_PRIVATE: Final = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
_EXAMPLE_PUBLIC: Final = (
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
_EXAMPLE_MESSAGE: Final = b"message digest"
_EXAMPLE_SIGNATURE: Final = (
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)


class Sm2Unavailable(Exception):
    """No library here does SM2; the text names what was tried and what to install."""


class Sm2KeyError(ValueError):
    """What was given is no SM2 key; the text never holds the key."""


class Sm2CipherError(ValueError):
    """A cipher text that is not of this key, or was changed."""


@asn1.sequence
@dataclass(frozen=True)
class _Cipher:
    """GM/T 0009, SM2Cipher."""

    x: int
    y: int
    hash: bytes
    text: bytes


class PublicKey:
    """Verifies and encrypts."""

    def __init__(self, library: Libcrypto, key: Key) -> None:
        self._library = library
        self._key = key

    @property
    def point(self) -> bytes:
        """04‖x‖y, 65 bytes."""
        return _UNCOMPRESSED + self._library.point(self._key)

    def verify(self, signature: bytes, message: bytes, user_id: bytes = USER_ID) -> bool:
        """Whether raw r‖s is the signature of the message; False too where it has not 64 bytes."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        r, s = int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:])
        return self._library.verify(self._key, encode_dss_signature(r, s), message, _fit(user_id))

    def verify_der(self, signature: bytes, message: bytes, user_id: bytes = USER_ID) -> bool:
        """Whether a DER signature is that of the message; False too where it is no strict DER."""
        try:
            return self.verify(_raw(signature), message, user_id)
        except (ValueError, OverflowError):
            return False

    def encrypt(self, plain: bytes) -> bytes:
        """C1‖C3‖C2: the point 04‖x‖y, 32 bytes of hash, and as many of cipher text as of plain text. ValueError for none."""
        if not plain:
            raise ValueError("SM2 encrypts one byte or more")
        made = asn1.decode_der(_Cipher, self._library.encrypt(self._key, plain))
        return b"".join((_UNCOMPRESSED, made.x.to_bytes(_HALF), made.y.to_bytes(_HALF), made.hash, made.text))


class PrivateKey:
    """Signs and decrypts. Its private part is told by nothing but `scalar`."""

    def __init__(self, library: Libcrypto, key: Key) -> None:
        self._library = library
        self._key = key
        self.public: Final = PublicKey(library, key)

    @property
    def scalar(self) -> bytes:
        """The private number, 32 bytes."""
        return self._library.scalar(self._key)

    def sign(self, message: bytes, user_id: bytes = USER_ID) -> bytes:
        """Raw r‖s, 64 bytes."""
        return _raw(self.sign_der(message, user_id))

    def sign_der(self, message: bytes, user_id: bytes = USER_ID) -> bytes:
        """The signature in DER, as certificates and OpenSSL's commands have it."""
        return self._library.sign(self._key, message, _fit(user_id))

    def decrypt(self, cipher: bytes) -> bytes:
        """The plain text of C1‖C3‖C2; Sm2CipherError where it is not of this key or was changed."""
        begin = 1 + _POINT + _HALF
        if len(cipher) <= begin or cipher[:1] != _UNCOMPRESSED:
            raise Sm2CipherError("expected 04‖x‖y, 32 bytes of hash, and the cipher text")
        x, y = int.from_bytes(cipher[1 : 1 + _HALF]), int.from_bytes(cipher[1 + _HALF : 1 + _POINT])
        sent = asn1.encode_der(_Cipher(x, y, cipher[1 + _POINT : begin], cipher[begin:]))
        try:
            return self._library.decrypt(self._key, sent)
        except LibcryptoError:
            raise Sm2CipherError("the cipher text is not of this key, or was changed") from None


class Sm2:
    """SM2 by one library that has passed the standard's example."""

    def __init__(self, library: Libcrypto) -> None:
        self._library = library

    @property
    def version(self) -> str:
        """What the library calls itself, `OpenSSL 3.0.19 27 Jan 2026`."""
        return self._library.version

    def private_key(self, given: bytes | str) -> PrivateKey:
        """Of 32 raw bytes or DER; as text in hex, Base64 or PEM (PKCS#8, SEC1). Sm2KeyError for anything else."""
        content = _content(given)
        der = _PRIVATE_HEAD + content if len(content) == _HALF else content
        try:
            return PrivateKey(self._library, self._library.private_key(der))
        except LibcryptoError:
            raise Sm2KeyError("no private key of SM2: 32 bytes from 1 to n-2, PKCS#8 or SEC1 is expected") from None

    def public_key(self, given: bytes | str) -> PublicKey:
        """Of 64 bytes x‖y, 65 with 04 before them, or DER; as text in hex, Base64 or PEM. Sm2KeyError for anything else."""
        content = _content(given)
        if len(content) == _POINT:
            content = _UNCOMPRESSED + content
        der = _PUBLIC_HEAD + content if len(content) == 1 + _POINT else content
        try:
            return PublicKey(self._library, self._library.public_key(der))
        except LibcryptoError:
            raise Sm2KeyError("no public key of SM2: a point x‖y of its curve, or DER, is expected") from None


def open_sm2(named: str = "") -> Sm2:
    """SM2 by the library at a path, or by the first of the system's that passes the example. Raises Sm2Unavailable."""
    refused: list[str] = []
    for name in (named,) if named else _candidates():
        try:
            found = Sm2(Libcrypto(name))
            _check(found)
            return found
        except (LibcryptoError, Sm2KeyError) as error:
            refused.append(f"{name}: {error}")
    raise Sm2Unavailable(
        f"SM2 needs the libcrypto of OpenSSL {LEAST_MAJOR} or later with SM2 in it, and none here has it "
        f"({'; '.join(refused) or 'no library found'}): install it (Debian and Ubuntu: apt-get install libssl3; "
        "macOS: brew install openssl@3), or name one by YIBAO_LIBCRYPTO"
    )


def _candidates() -> Iterable[str]:
    """Names of the system's library, the likeliest first. macOS ends a process that loads its own unversioned one."""
    if sys.platform == "darwin":
        name = "libcrypto.3.dylib"
        yield from (name, f"/opt/homebrew/opt/openssl@3/lib/{name}", f"/usr/local/opt/openssl@3/lib/{name}")
        return
    known = ("libcrypto.so.3", "libcrypto.so.4")
    yield from known
    found = ctypes.util.find_library("crypto")
    if found and found not in known:
        yield found


def _check(sm2: Sm2) -> None:
    """LibcryptoError where a library does not do what the standard's example says."""
    private, public = sm2.private_key(_EXAMPLE_PRIVATE), sm2.public_key(_EXAMPLE_PUBLIC)
    signature, changed = bytes.fromhex(_EXAMPLE_SIGNATURE), _EXAMPLE_MESSAGE + b"."
    sound = (
        private.public.point == public.point
        and public.verify(signature, _EXAMPLE_MESSAGE)
        and not public.verify(signature, changed)
        and not public.verify(signature, _EXAMPLE_MESSAGE, b"")
        and public.verify(private.sign(changed), changed)
    )
    if not sound:
        raise LibcryptoError("does not pass the example of GB/T 32918.5 annex A")


def _raw(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return r.to_bytes(_HALF) + s.to_bytes(_HALF)


def _fit(user_id: bytes) -> bytes:
    if len(user_id) > _MOST_ID:
        raise ValueError(f"a user id of SM2 has at most {_MOST_ID} bytes")
    return user_id


def _content(given: bytes | str) -> bytes:
    """The bytes of a key that came as bytes, or as text in hex, Base64 or PEM."""
    if isinstance(given, bytes):
        if not given.startswith(b"-----"):
            return given
        given = given.decode("ascii", errors="replace")
    text = given.strip()
    if len(text) > _MOST_KEY:
        raise Sm2KeyError("too long for a key")
    if _HEX.fullmatch(text) and len(text) % 2 == 0:
        return bytes.fromhex(text)
    block = _PEM.search(text)
    if block is None and text.startswith("-----"):
        raise Sm2KeyError("no plain PEM of a key: PRIVATE KEY, EC PRIVATE KEY or PUBLIC KEY is expected, not encrypted")
    try:
        return base64.b64decode("".join((block[2] if block else text).split()), validate=True)
    except (binascii.Error, ValueError):
        raise Sm2KeyError("neither hex nor Base64 nor PEM") from None
