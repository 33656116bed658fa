"""Twenty thousand signatures, refusals and keys: the library gives back what it takes. The figures are printed."""

from __future__ import annotations

import gc
import os

import pytest

from services.runtime.national.sm2 import Sm2CipherError, Sm2KeyError
from tests.runtime.national.keys import STANDARD, other, sm2, standard
from tests.torture.victim import show
from tools.bench.processes import tree

TIMES = 20_000
ROUNDS = 4_000
MOST_BYTES = 512 << 10
"""131 bytes for each round of everything: one number of the library that is kept has as many."""


def round_of_everything(message: bytes) -> None:
    """Signs, verifies good and bad, reads a key and a wrong one, encrypts, decrypts and fails to."""
    signer = sm2().private_key(STANDARD)
    signature = signer.sign(message)
    assert signer.public.verify(signature, message)
    assert not other().public.verify(signature, message)
    assert len(signer.public.point) == 65
    with pytest.raises(Sm2KeyError):
        sm2().public_key("00" * 64)
    cipher = signer.public.encrypt(b"word")
    assert signer.decrypt(cipher) == b"word"
    with pytest.raises(Sm2CipherError):
        signer.decrypt(cipher[:-1] + bytes((cipher[-1] ^ 1,)))


@pytest.mark.torture
def test_twenty_thousand_signatures_leave_nothing_behind() -> None:
    standard().sign(b"the first of all")
    for place in range(500):
        round_of_everything(b"%d" % place)
    before = resident()
    signer = standard()
    for place in range(TIMES):
        signer.sign(b"%d" % place)
    signed = resident()
    for place in range(ROUNDS):
        round_of_everything(b"%d" % place)
    after = resident()
    show(
        f"{TIMES} signatures {(signed - before) / 1024:+.0f} KiB, {ROUNDS} of everything {(after - signed) / 1024:+.0f} KiB"
    )
    assert signed - before < MOST_BYTES
    assert after - signed < MOST_BYTES


def resident() -> int:
    """Bytes that this process holds."""
    gc.collect()
    return tree(os.getpid())[os.getpid()].rss_bytes
