"""TLS for SDKs with a fixed host: the twin answers `CONNECT api.mch.weixin.qq.com:443` with a certificate of its own authority.

The authority is made at the first start and stands in what the control door tells: a client trusts it for its tests alone.
"""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tools.twins.shelf import Shelf

HOST: Final = "api.mch.weixin.qq.com"
_KIND: Final = "proxy"
_DAYS: Final = 365
_PEM: Final = serialization.Encoding.PEM


def authority(shelf: Shelf) -> str:
    """The certificate that a client trusts, PEM."""
    return str(_kept(shelf)["authority"])


def tls(shelf: Shelf) -> ssl.SSLContext:
    """How the twin speaks TLS behind CONNECT."""
    kept = _kept(shelf)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "host.pem"
        file.touch(mode=0o600)
        file.write_text(kept["chain"], encoding="ascii")
        context.load_cert_chain(file)
    return context


def _kept(shelf: Shelf) -> dict[str, str]:
    kept = shelf.get(_KIND, "")
    if kept is None:
        root, host = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        top = _certificate("twins test authority", root, "twins test authority", root, None)
        leaf = _certificate(HOST, host, "twins test authority", root, HOST)
        key = host.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
        kept = {"authority": top, "chain": key + leaf}
        shelf.put(_KIND, "", kept)
    return kept


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, host: str | None
) -> str:
    begun = datetime.now(UTC) - timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begun)
        .not_valid_after(begun + timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if host is None:
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(_PEM).decode()
