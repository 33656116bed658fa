"""The keys of the sandbox: known to everybody on purpose, one a role, made by `seed` and printed by `make up`.

They exist only where the mesh runs as a sandbox; a production mesh issues its own.
"""

from __future__ import annotations

INSTITUTION = "H99010000001"
PERSON = "99000000000000000001"
CHANNEL = "NATIONAL_APP"
CELL_INSTITUTIONS = {"110000": "H11010100901", "310000": "H31010100901", "370000": "H37010200901"}
"""By cell beside the sandbox's, a hospital that needs no signature there."""


def key_of(role: str, subject: str) -> str:
    """The sandbox key of a role and subject, `sandbox-channel-NATIONAL_APP`."""
    return f"sandbox-{role}-{subject}"
