"""The keys of a twin: made at its first start, kept on its shelf, and told to everybody at the control door."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tools.twins.shelf import Shelf

_KIND: Final = "key"
_BITS: Final = 2048
_EXPONENT: Final = 65537


def rsa_key(shelf: Shelf, name: str) -> rsa.RSAPrivateKey:
    """The RSA-2048 key of that name, made where the shelf has none."""
    kept = shelf.get(_KIND, name)
    if kept is None:
        key = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)
        shelf.put(_KIND, name, {"pem": private_pem(key)})
        return key
    loaded = serialization.load_pem_private_key(kept["pem"].encode(), None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


def private_pem(key: rsa.RSAPrivateKey, *, pkcs1: bool = False) -> str:
    """A private key as PEM: PKCS#8, or PKCS#1 for SDKs that read nothing else."""
    form = serialization.PrivateFormat.TraditionalOpenSSL if pkcs1 else serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_pem(key: rsa.RSAPublicKey) -> str:
    """A public key as PEM (SubjectPublicKeyInfo)."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()
