"""RSA and AES as channels use them: what one side signs or seals, the other reads, and nothing that was changed."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa as keys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from services.runtime import rsa

OWN = keys.generate_private_key(65537, 2048)
PUBLIC = OWN.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("bare", [False, True])
def test_a_key_is_read_from_pem_and_from_its_bare_base64(form: PrivateFormat, bare: bool) -> None:
    pem = OWN.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
    text = "".join(line for line in pem.splitlines() if "-----" not in line) if bare else pem
    signature = rsa.sign(rsa.private_key(text), "分".encode())
    assert rsa.verified(rsa.public_key(PUBLIC), "分".encode(), signature)
    assert not rsa.verified(rsa.public_key(PUBLIC), b"other", signature)
    assert not rsa.verified(rsa.public_key(PUBLIC), "分".encode(), "no Base64 at all")


def test_what_is_sealed_only_its_owner_reads() -> None:
    sealed = rsa.sealed(rsa.public_key(PUBLIC), "张三")
    assert rsa.unsealed(OWN, sealed) == "张三"
    with pytest.raises(ValueError, match=r"\S"):
        rsa.unsealed(keys.generate_private_key(65537, 2048), sealed)


def test_a_changed_callback_is_not_opened() -> None:
    key, nonce = bytes(range(32)), "abcdefghijkl"
    cipher = AESGCM(key).encrypt(nonce.encode(), b'{"a":1}', b"transaction")
    assert rsa.opened(key, nonce, b64encode(cipher).decode(), "transaction") == b'{"a":1}'
    with pytest.raises(ValueError, match="changed"):
        rsa.opened(key, nonce, b64encode(cipher).decode(), "refund")
