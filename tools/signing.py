"""How a client signs a request to the national envelope in the signed style: headers and body, with a nonce.

A recipe to copy: it uses the standard library alone and knows nothing of the mesh. `docs/signing.md` says the same in words.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time


def signed_headers(
    access_key: str,
    secret: str,
    infno: str,
    body: bytes,
    content_type: str = "application/json",
    *,
    timestamp_ms: int | None = None,
    nonce: str = "",
) -> dict[str, str]:
    """The headers of one POST of these bytes; sign anew for every attempt, also of the same message."""
    values = {
        "_api_access_key": access_key,
        "_api_name": infno,
        "_api_nonce": nonce or secrets.token_hex(16),
        "_api_timestamp": str(timestamp_ms or time.time_ns() // 1_000_000),
        "_api_version": "1.0",
    }
    signed = "&".join(f"{name}={values[name]}" for name in sorted(values))
    signed += f"&body={hashlib.sha256(body).hexdigest()}&content_type={content_type}"
    seal = hmac.digest(secret.encode(), signed.encode(), "sha256")
    return {**values, "_api_signature": base64.b64encode(seal).decode(), "Content-Type": content_type}
