"""What this room asks of the system's libcrypto, by ctypes: SM2 keys, signatures and ciphers, bytes in and bytes out.

It computes nothing itself. Every object of the library is given back, and the thread's error queue, which Python's own `ssl`
reads too, is emptied after each failure. Calls release the interpreter's lock; a library and its keys may be shared by threads.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_ulong, c_void_p, create_string_buffer
from typing import Any, Final

LEAST_MAJOR: Final = 3
"""The first major version of OpenSSL whose libcrypto signs by SM2 through the calls below."""

_SM2: Final = b"SM2"
_COORDINATE: Final = 32
_ERROR_TEXT: Final = 256
_MOST_ERRORS: Final = 4

_POINTERS: Final = POINTER(c_char_p)
# Name, what it returns, what it takes.
_FUNCTIONS: Final[tuple[tuple[str, Any, tuple[Any, ...]], ...]] = (
    ("OpenSSL_version_num", c_ulong, ()),
    ("OpenSSL_version", c_char_p, (c_int,)),
    ("ERR_get_error", c_ulong, ()),
    ("ERR_error_string_n", None, (c_ulong, c_char_p, c_size_t)),
    ("ERR_clear_error", None, ()),
    ("d2i_AutoPrivateKey", c_void_p, (c_void_p, _POINTERS, c_long)),
    ("d2i_PUBKEY", c_void_p, (c_void_p, _POINTERS, c_long)),
    ("EVP_PKEY_free", None, (c_void_p,)),
    ("EVP_PKEY_is_a", c_int, (c_void_p, c_char_p)),
    ("EVP_PKEY_get_size", c_int, (c_void_p,)),
    ("EVP_PKEY_get_bn_param", c_int, (c_void_p, c_char_p, POINTER(c_void_p))),
    ("EVP_PKEY_CTX_new", c_void_p, (c_void_p, c_void_p)),
    ("EVP_PKEY_CTX_free", None, (c_void_p,)),
    ("EVP_PKEY_CTX_set1_id", c_int, (c_void_p, c_char_p, c_int)),
    ("EVP_PKEY_check", c_int, (c_void_p,)),
    ("EVP_PKEY_public_check", c_int, (c_void_p,)),
    ("EVP_PKEY_encrypt_init", c_int, (c_void_p,)),
    ("EVP_PKEY_encrypt", c_int, (c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t)),
    ("EVP_PKEY_decrypt_init", c_int, (c_void_p,)),
    ("EVP_PKEY_decrypt", c_int, (c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t)),
    ("EVP_sm3", c_void_p, ()),
    ("EVP_MD_CTX_new", c_void_p, ()),
    ("EVP_MD_CTX_free", None, (c_void_p,)),
    ("EVP_DigestSignInit", c_int, (c_void_p, POINTER(c_void_p), c_void_p, c_void_p, c_void_p)),
    ("EVP_DigestSign", c_int, (c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t)),
    ("EVP_DigestVerifyInit", c_int, (c_void_p, POINTER(c_void_p), c_void_p, c_void_p, c_void_p)),
    ("EVP_DigestVerify", c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
    ("BN_bn2binpad", c_int, (c_void_p, c_char_p, c_int)),
    ("BN_clear_free", None, (c_void_p,)),
)


class LibcryptoError(Exception):
    """The library failed or cannot be used; the text is its own, or says which call."""


class Key:
    """One key of the library (EVP_PKEY). It is given back when nobody holds it any more."""

    __slots__ = ("_free", "pointer")

    def __init__(self, pointer: int, free: Callable[[int], None]) -> None:
        self.pointer = pointer
        self._free = free

    def __del__(self) -> None:
        self._free(self.pointer)


class Libcrypto:
    """One loaded library. LibcryptoError where it is not there, not OpenSSL, too old, or lacks a function."""

    def __init__(self, name: str) -> None:
        try:
            self._lib: Any = ctypes.CDLL(name)
            for function, returns, takes in _FUNCTIONS:
                declared = getattr(self._lib, function)
                declared.restype, declared.argtypes = returns, takes
        except (OSError, AttributeError) as error:
            raise LibcryptoError(str(error)) from None
        self.version: Final[str] = self._lib.OpenSSL_version(0).decode()
        if self._lib.OpenSSL_version_num() >> 28 < LEAST_MAJOR:
            raise LibcryptoError(f"{self.version} is older than OpenSSL {LEAST_MAJOR}")
        self._sm3: int = self._lib.EVP_sm3()

    def private_key(self, der: bytes) -> Key:
        """The key in PKCS#8 or SEC1; one without its public part gets it computed. LibcryptoError where it is no SM2 key."""
        return self._key(self._lib.d2i_AutoPrivateKey, der, self._lib.EVP_PKEY_check)

    def public_key(self, der: bytes) -> Key:
        """The key in SubjectPublicKeyInfo; LibcryptoError where it is no point of the SM2 curve."""
        return self._key(self._lib.d2i_PUBKEY, der, self._lib.EVP_PKEY_public_check)

    def point(self, key: Key) -> bytes:
        """x‖y of a key's public part, 64 bytes."""
        return self._number(key, b"qx") + self._number(key, b"qy")

    def scalar(self, key: Key) -> bytes:
        """The private number of a key, 32 bytes."""
        return self._number(key, b"priv")

    def sign(self, key: Key, message: bytes, user_id: bytes) -> bytes:
        """SM2 with SM3 in DER, for that user id."""
        lib, context = self._lib, self._made(self._lib.EVP_MD_CTX_new())
        try:
            self._begin(lib.EVP_DigestSignInit, context, key, user_id)
            size = c_size_t(lib.EVP_PKEY_get_size(key.pointer))
            signature = create_string_buffer(size.value)
            self._done(lib.EVP_DigestSign(context, signature, byref(size), message, len(message)))
            return signature.raw[: size.value]
        finally:
            lib.EVP_MD_CTX_free(context)

    def verify(self, key: Key, signature: bytes, message: bytes, user_id: bytes) -> bool:
        """Whether a signature in DER is that of the message for that user id."""
        lib, context = self._lib, self._made(self._lib.EVP_MD_CTX_new())
        try:
            self._begin(lib.EVP_DigestVerifyInit, context, key, user_id)
            good: bool = lib.EVP_DigestVerify(context, signature, len(signature), message, len(message)) == 1
            if not good:
                lib.ERR_clear_error()
            return good
        finally:
            lib.EVP_MD_CTX_free(context)

    def encrypt(self, key: Key, plain: bytes) -> bytes:
        """SM2 with SM3, in the library's DER: x, y, hash, cipher text."""
        return self._crypt(key, plain, self._lib.EVP_PKEY_encrypt_init, self._lib.EVP_PKEY_encrypt)

    def decrypt(self, key: Key, cipher: bytes) -> bytes:
        """What `encrypt` made; LibcryptoError where the hash or the form is wrong."""
        return self._crypt(key, cipher, self._lib.EVP_PKEY_decrypt_init, self._lib.EVP_PKEY_decrypt)

    def _key(self, read: Callable[..., int | None], der: bytes, check: Callable[[int], int]) -> Key:
        key = Key(self._made(read(None, byref(c_char_p(der)), len(der))), self._lib.EVP_PKEY_free)
        if self._lib.EVP_PKEY_is_a(key.pointer, _SM2) != 1:
            raise LibcryptoError("a key of another curve or algorithm")
        context = self._made(self._lib.EVP_PKEY_CTX_new(key.pointer, None))
        try:
            self._done(check(context))
        finally:
            self._lib.EVP_PKEY_CTX_free(context)
        return key

    def _begin(self, init: Callable[..., int], context: int, key: Key, user_id: bytes) -> None:
        inner = c_void_p()
        self._done(init(context, byref(inner), self._sm3, None, key.pointer))
        self._done(self._lib.EVP_PKEY_CTX_set1_id(inner, user_id, len(user_id)))

    def _crypt(self, key: Key, given: bytes, init: Callable[..., int], act: Callable[..., int]) -> bytes:
        context = self._made(self._lib.EVP_PKEY_CTX_new(key.pointer, None))
        try:
            self._done(init(context))
            size = c_size_t()
            self._done(act(context, None, byref(size), given, len(given)))
            made = create_string_buffer(size.value)
            self._done(act(context, made, byref(size), given, len(given)))
            return made.raw[: size.value]
        finally:
            self._lib.EVP_PKEY_CTX_free(context)

    def _number(self, key: Key, name: bytes) -> bytes:
        number = c_void_p()
        self._done(self._lib.EVP_PKEY_get_bn_param(key.pointer, name, byref(number)))
        try:
            written = create_string_buffer(_COORDINATE)
            if self._lib.BN_bn2binpad(number, written, _COORDINATE) != _COORDINATE:
                raise self._failure()
            return written.raw
        finally:
            self._lib.BN_clear_free(number)

    def _made(self, pointer: int | None) -> int:
        if not pointer:
            raise self._failure()
        return pointer

    def _done(self, outcome: int) -> None:
        if outcome != 1:
            raise self._failure()

    def _failure(self) -> LibcryptoError:
        """What the library said of the call that failed; its queue is empty afterwards."""
        said: list[str] = []
        text = create_string_buffer(_ERROR_TEXT)
        while len(said) < _MOST_ERRORS and (code := self._lib.ERR_get_error()):
            self._lib.ERR_error_string_n(code, text, _ERROR_TEXT)
            said.append(text.value.decode(errors="replace"))
        self._lib.ERR_clear_error()
        return LibcryptoError("; ".join(said) or "the library refused without a reason")
