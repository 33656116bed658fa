"""The keys of the sandbox: known to everybody on purpose, one a role, made by `seed` and printed by `make up`.

They exist only where the mesh runs as a sandbox; a production mesh issues its own.
"""

from __future__ import annotations

INSTITUTION = "H99010000001"
PERSON = "99000000000000000001"
CHANNEL = "NATIONAL_APP"
CELL_INSTITUTIONS = {"110000": "H11010100901", "310000": "H31010100901", "370000": "H37010200901"}
"""By cell beside the sandbox's, a hospital that needs no signature there."""


# The app of INSTITUTION at the mobile envelope: what the hospital has of it.
MOBILE_APP = f"sandbox-{INSTITUTION}"
MOBILE_SECRET = f"sandbox-secret-{INSTITUTION}"
MOBILE_PRIVATE_KEY = "88581bfb3fd4713c0e827136672f72a73ace6a623bf43631b29b17888dedb018"
MOBILE_BUREAU_KEY = (
    "044edf7229ab867bdc2ace73cc1eece39ca405e35344fb2c4de6f54b37c9cb1f55"
    "eb7190bf345616d05539ac6c1570217946b2b8ebde7b7cbf422512bea9112fcd"
)
"""The bureau's public key, by which its answers are verified."""


def key_of(role: str, subject: str) -> str:
    """The sandbox key of a role and subject, `sandbox-channel-NATIONAL_APP`."""
    return f"sandbox-{role}-{subject}"
