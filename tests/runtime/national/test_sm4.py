"""SM3 and SM4 against GB/T 32905, GB/T 32907, RFC 8998 and a second library."""

from __future__ import annotations

from types import ModuleType

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from hypothesis import given, settings
from hypothesis import strategies as st

from services.runtime.national import sm4
from services.runtime.national.sm4 import CipherUnavailable, Sm4Error
from tests.runtime.national.keys import second_library

KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
# RFC 8998 A.1
NONCE = bytes.fromhex("00001234567800000000ABCD")
BESIDE = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
PLAIN = bytes.fromhex("AA" * 8 + "BB" * 8 + "CC" * 8 + "DD" * 8 + "EE" * 8 + "FF" * 8 + "EE" * 8 + "AA" * 8)
SEALED = bytes.fromhex(
    "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
    "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
    "83DE3541E4C2B58177E065A9BF7B62EC"
)


@pytest.fixture
def second() -> ModuleType:
    return second_library()


def test_sm3_of_the_standards_examples() -> None:
    abc = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    abcd = "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    assert sm4.sm3(b"abc").hex() == abc
    assert sm4.sm3(b"abcd" * 16).hex() == abcd


def test_one_block_of_the_standards_example() -> None:
    assert sm4.encrypt_ecb(KEY, KEY)[:16].hex().upper() == "681EDF34D206965E86B3E94F536E4246"


def test_gcm_of_rfc_8998() -> None:
    assert sm4.encrypt_gcm(KEY, NONCE, PLAIN, BESIDE) == SEALED
    assert sm4.decrypt_gcm(KEY, NONCE, SEALED, BESIDE) == PLAIN


@pytest.mark.parametrize("place", [0, 40, 64, 79])
def test_a_changed_text_or_tag_is_refused(place: int) -> None:
    changed = bytearray(SEALED)
    changed[place] ^= 1
    with pytest.raises(Sm4Error):
        sm4.decrypt_gcm(KEY, NONCE, bytes(changed), BESIDE)


def test_what_stands_beside_is_part_of_the_tag() -> None:
    with pytest.raises(Sm4Error):
        sm4.decrypt_gcm(KEY, NONCE, SEALED, BESIDE[:-1])
    with pytest.raises(Sm4Error, match="shorter"):
        sm4.decrypt_gcm(KEY, NONCE, SEALED[:15])


@settings(max_examples=20)
@given(plain=st.binary(max_size=200), iv=st.binary(min_size=16, max_size=16))
def test_what_is_encrypted_is_read_again(plain: bytes, iv: bytes) -> None:
    assert sm4.decrypt_ecb(KEY, sm4.encrypt_ecb(KEY, plain)) == plain
    assert sm4.decrypt_cbc(KEY, iv, sm4.encrypt_cbc(KEY, iv, plain)) == plain


@pytest.mark.parametrize("cipher", [b"", bytes(15), bytes(17), bytes(16)])
def test_a_text_of_another_length_or_padding_is_refused_and_told_apart(cipher: bytes) -> None:
    told = "padding is wrong" if len(cipher) == 16 else "not a multiple of 16 bytes"
    with pytest.raises(Sm4Error, match=told):
        sm4.decrypt_ecb(KEY, cipher)
    with pytest.raises(Sm4Error, match=told):
        sm4.decrypt_cbc(KEY, bytes(16), cipher)


def test_a_second_library_agrees(second: ModuleType) -> None:
    for length in (1, 15, 16, 17, 500):
        plain = bytes(range(256))[:length] * 2
        assert sm4.sm3(plain) == second.sm3_hash(plain)
        iv = NONCE + bytes(4)
        assert sm4.encrypt_cbc(KEY, iv, plain) == second.sm4_cbc_padding_encrypt(KEY, iv, plain)
        cipher, tag = second.sm4_gcm_encrypt(KEY, NONCE, BESIDE, plain)
        assert sm4.encrypt_gcm(KEY, NONCE, plain, BESIDE) == cipher + tag


class TestABuildWithoutThem:
    def test_a_sound_package_passes(self) -> None:
        sm4.check_sm3_sm4()

    def test_one_without_sm4_is_refused_at_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise UnsupportedAlgorithm("SM4")

        monkeypatch.setattr(sm4, "encrypt_gcm", refuse)
        with pytest.raises(CipherUnavailable, match="install its wheel"):
            sm4.check_sm3_sm4()

    def test_one_that_computes_something_else_is_refused_at_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sm4, "sm3", lambda _: bytes(32))
        with pytest.raises(CipherUnavailable):
            sm4.check_sm3_sm4()
