"""What several services of routing read alike."""

from __future__ import annotations


def cert_type(code: str) -> str:
    """A psn_cert_type as cells keep it: a client that keeps numbers sends 8 for 08."""
    return code.zfill(2) if code.isdecimal() else code
