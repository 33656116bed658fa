"""RSA and AES as payment channels use them: signatures with SHA-256 (PKCS #1 v1.5), OAEP with SHA-1, AES-256-GCM.

Keys are read once, from PEM or from its bare Base64. `ValueError` where a key is none; a wrong signature is False, no error.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from cryptography.x509 import load_pem_x509_certificate

_MARK = "-----"


def private_key(text: str) -> RSAPrivateKey:
    """A private key, PKCS #8 or PKCS #1."""
    key = load_der_private_key(_der(text), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("the private key is not an RSA key")
    return key


def public_key(text: str) -> RSAPublicKey:
    """A public key, or that of a certificate."""
    if "BEGIN CERTIFICATE" in text:
        key = load_pem_x509_certificate(text.encode()).public_key()
    else:
        key = load_der_public_key(_der(text))  # type: ignore[assignment]  # the union of the two loaders is wider
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the public key is not an RSA key")
    return key


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """Signature over the bytes, Base64."""
    return b64encode(key.sign(message, padding.PKCS1v15(), SHA256())).decode()


def verified(key: RSAPublicKey, message: bytes, signature: str) -> bool:
    """Whether a Base64 signature is the key's over these bytes."""
    try:
        key.verify(b64decode(signature, validate=True), message, padding.PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def sealed(key: RSAPublicKey, text: str) -> str:
    """A short text that the owner of the key alone reads, Base64."""
    return b64encode(key.encrypt(text.encode(), _oaep())).decode()


def unsealed(key: RSAPrivateKey, text: str) -> str:
    """The text; ValueError where it is not for this key."""
    return key.decrypt(b64decode(text, validate=True), _oaep()).decode()


def opened(key: bytes, nonce: str, ciphertext: str, associated_data: str) -> bytes:
    """What AES-256-GCM holds (Base64, tag at the end); ValueError where it was changed, or is for another key."""
    try:
        return AESGCM(key).decrypt(nonce.encode(), b64decode(ciphertext, validate=True), associated_data.encode())
    except InvalidTag:
        raise ValueError("the text was changed, or is for another key") from None


def _oaep() -> padding.OAEP:
    return padding.OAEP(mgf=padding.MGF1(SHA1()), algorithm=SHA1(), label=None)


def _der(text: str) -> bytes:
    lines = [line for line in text.strip().splitlines() if _MARK not in line]
    return b64decode("".join(lines), validate=True)
