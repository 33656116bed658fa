"""Keys of the tests: the published pair of GB/T 32918.5 annex A and one of these tests' own; and a second library."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Final

import pytest

from services.runtime.national.sm2 import PrivateKey, Sm2, open_sm2

STANDARD: Final = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
STANDARD_PUBLIC: Final = (
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
OTHER: Final = "0000000000000000000000000000000000000000000000000000000000000007"


@cache
def sm2() -> Sm2:
    """SM2 by this machine's OpenSSL."""
    return open_sm2()


def standard() -> PrivateKey:
    """The standard's key."""
    return sm2().private_key(STANDARD)


def other() -> PrivateKey:
    """Somebody else's key."""
    return sm2().private_key(OTHER)


def second_library() -> ModuleType:
    """GmSSL's own implementation; the test is skipped where it has no wheel."""
    found: ModuleType = pytest.importorskip("gmssl_pyx", reason="the second library has no wheel for this platform")
    return found
