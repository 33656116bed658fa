"""SM2: the standard's examples, every form of a key, a second library both ways, and what happens where there is none."""

from __future__ import annotations

import base64
import ctypes
import ctypes.util
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.runtime.national import sm2 as room
from services.runtime.national.libcrypto import Libcrypto, LibcryptoError
from services.runtime.national.sm2 import Sm2CipherError, Sm2KeyError, Sm2Unavailable, open_sm2
from tests.runtime.national.keys import STANDARD, STANDARD_PUBLIC, other, second_library, sm2, standard

# GB/T 32918.5-2017 annexes A (signature) and C (encryption), with the key of `keys`.
SIGNATURE = bytes.fromhex(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)
CIPHER = bytes.fromhex(
    "0404EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73"
    "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
    "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766"
    "21886CA989CA9C7D58087307CA93092D651EFA"
)
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123


def pem(label: str, head: str, middle: str) -> str:
    """A private key with its public part, as OpenSSL writes it."""
    content = base64.b64encode(bytes.fromhex(f"{head}{STANDARD}{middle}{STANDARD_PUBLIC}")).decode()
    return f"-----BEGIN {label}-----\n{content}\n-----END {label}-----\n"


PKCS8_PEM = pem(
    "PRIVATE KEY", "308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420", "a14403420004"
)
# As `openssl ecparam -genkey` writes it, with its parameters before it.
SEC1_PEM = "-----BEGIN EC PARAMETERS-----\nBggqgRzPVQGCLQ==\n-----END EC PARAMETERS-----\n" + pem(
    "EC PRIVATE KEY", "30770201010420", "a00a06082a811ccf5501822da14403420004"
)
P256_PEM = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
"""


@pytest.fixture
def second() -> ModuleType:
    return second_library()


def spki(point: str) -> bytes:
    return bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200" + "04" + point)


class TestTheStandardsExamples:
    def test_the_signature_of_annex_a_is_good_for_its_message_and_id_alone(self) -> None:
        public = standard().public
        assert public.verify(SIGNATURE, b"message digest")
        assert not public.verify(SIGNATURE, b"message digest ")
        assert not public.verify(SIGNATURE, b"message digest", b"8765432187654321")
        assert not other().public.verify(SIGNATURE, b"message digest")

    def test_the_cipher_text_of_annex_c_is_read(self) -> None:
        assert standard().decrypt(CIPHER) == b"encryption standard"

    def test_the_public_key_follows_from_the_private_one(self) -> None:
        assert standard().public.point.hex().upper() == f"04{STANDARD_PUBLIC}"
        assert standard().scalar.hex().upper() == STANDARD


class TestKeys:
    @pytest.mark.parametrize(
        "given",
        [STANDARD, STANDARD.lower(), bytes.fromhex(STANDARD), PKCS8_PEM, PKCS8_PEM.encode(), SEC1_PEM, f" {STANDARD}\n",
         base64.b64encode(bytes.fromhex(STANDARD)).decode(), base64.b64decode("".join(PKCS8_PEM.split("\n")[1:-2]))],
        ids=["hex", "lower", "raw", "pkcs8", "bytes", "sec1", "blanks", "base64", "der"],
    )  # fmt: skip
    def test_a_private_key_is_read_from_every_usual_form(self, given: bytes | str) -> None:
        assert sm2().private_key(given).public.point == standard().public.point

    @pytest.mark.parametrize(
        "given",
        [STANDARD_PUBLIC, f"04{STANDARD_PUBLIC}", bytes.fromhex(STANDARD_PUBLIC), spki(STANDARD_PUBLIC),
         base64.b64encode(bytes.fromhex(f"04{STANDARD_PUBLIC}")).decode(),
         f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(spki(STANDARD_PUBLIC)).decode()}\n-----END PUBLIC KEY-----"],
        ids=["hex", "hex04", "raw", "der", "base64", "pem"],
    )  # fmt: skip
    def test_a_public_key_is_read_from_every_usual_form(self, given: bytes | str) -> None:
        assert sm2().public_key(given).verify(SIGNATURE, b"message digest")

    @pytest.mark.parametrize(
        "given",
        ["", "zz", "00" * 32, f"{ORDER:064X}", f"{ORDER - 1:064X}", "11" * 31, STANDARD_PUBLIC, "ff" * 3000, P256_PEM,
         PKCS8_PEM.replace("PRIVATE", "ENCRYPTED PRIVATE"),
         PKCS8_PEM.replace(PKCS8_PEM.split("\n")[1][-12:], "AAAAAAAAAAAA")],
    )  # fmt: skip
    def test_what_is_no_private_key_is_refused_without_being_shown(self, given: str) -> None:
        with pytest.raises(Sm2KeyError) as refused:
            sm2().private_key(given)
        assert not given or given not in str(refused.value)

    @pytest.mark.parametrize(
        "given",
        ["", STANDARD, P256_PEM, "00" * 64, STANDARD_PUBLIC[:-1] + "4", f"02{STANDARD_PUBLIC[:64]}", PKCS8_PEM],
        ids=["none", "private", "p256", "zero", "off", "compressed", "pkcs8"],
    )
    def test_a_point_that_is_not_on_the_curve_is_no_public_key(self, given: str) -> None:
        with pytest.raises(Sm2KeyError):
            sm2().public_key(given)


class TestForms:
    @given(message=st.binary(max_size=300), user_id=st.binary(max_size=40))
    @settings(max_examples=15)
    def test_raw_and_der_are_the_same_signature(self, message: bytes, user_id: bytes) -> None:
        signer = standard()
        raw = signer.sign(message, user_id)
        assert len(raw) == 64
        assert signer.public.verify(raw, message, user_id)
        der = signer.sign_der(message, user_id)
        assert signer.public.verify_der(der, message, user_id)
        assert not signer.public.verify_der(der + b"\x00", message, user_id)

    @pytest.mark.parametrize(
        "signature",
        [b"", bytes(63), bytes(64), b"\xff" * 64, SIGNATURE[:63], SIGNATURE + b"\x00", SIGNATURE[32:] + SIGNATURE[:32]],
    )
    def test_a_signature_of_another_form_is_not_good(self, signature: bytes) -> None:
        assert not standard().public.verify(signature, b"message digest")
        assert not standard().public.verify_der(signature, b"message digest")

    def test_two_signatures_of_one_message_differ(self) -> None:
        assert standard().sign(b"once") != standard().sign(b"once")

    @given(plain=st.binary(min_size=1, max_size=300))
    @settings(max_examples=10)
    def test_what_is_encrypted_is_read_by_its_key_alone(self, plain: bytes) -> None:
        cipher = standard().public.encrypt(plain)
        assert len(cipher) == 97 + len(plain)
        assert standard().decrypt(cipher) == plain
        with pytest.raises(Sm2CipherError):
            other().decrypt(cipher)

    @pytest.mark.parametrize("place", [0, 1, 40, 70, 100, -1])
    def test_a_changed_cipher_text_is_refused(self, place: int) -> None:
        changed = bytearray(CIPHER)
        changed[place] ^= 1
        with pytest.raises(Sm2CipherError):
            standard().decrypt(bytes(changed))

    @pytest.mark.parametrize("cut", [0, 1, 65, 97])
    def test_a_cipher_text_that_was_cut_off_is_refused(self, cut: int) -> None:
        with pytest.raises(Sm2CipherError):
            standard().decrypt(CIPHER[:cut])

    def test_nothing_is_not_encrypted_and_an_id_has_its_limit(self) -> None:
        with pytest.raises(ValueError, match="one byte"):
            standard().public.encrypt(b"")
        with pytest.raises(ValueError, match="8191"):
            standard().sign(b"m", bytes(8192))


class TestASecondLibrary:
    def test_each_verifies_what_the_other_signed(self, second: ModuleType) -> None:
        point = bytes.fromhex(STANDARD_PUBLIC)
        for length in (0, 1, 31, 32, 33, 1000):
            message = bytes(range(256)) * 4
            message, user_id = message[:length], b"id of %d" % length
            theirs = second.sm2_sign(bytes.fromhex(STANDARD), point, message, user_id)
            assert standard().public.verify_der(theirs, message, user_id)
            ours = standard().sign_der(message, user_id)
            assert second.sm2_verify(point, message, ours, user_id)
            assert not second.sm2_verify(point, message + b"x", ours, user_id)

    def test_each_reads_what_the_other_encrypted(self, second: ModuleType) -> None:
        theirs = second.sm2_encrypt(bytes.fromhex(STANDARD_PUBLIC), b"a word")
        assert sm2().private_key(STANDARD).decrypt(raw_of(theirs)) == b"a word"
        assert second.sm2_decrypt(bytes.fromhex(STANDARD), der_of(standard().public.encrypt(b"a word"))) == b"a word"

    def test_keys_that_it_makes_are_keys_here(self, second: ModuleType) -> None:
        for _ in range(10):
            point, private = second.sm2_key_generate()
            assert sm2().private_key(private).public.point == b"\x04" + point


def raw_of(der: bytes) -> bytes:
    """C1‖C3‖C2 of a cipher text of the standard's short forms, read without the code under test."""
    parts: list[bytes] = []
    at = 2
    while at < len(der):
        size = der[at + 1]
        parts.append(der[at + 2 : at + 2 + size])
        at += 2 + size
    x, y, digest, text = parts
    return b"\x04" + x.lstrip(b"\0").rjust(32, b"\0") + y.lstrip(b"\0").rjust(32, b"\0") + digest + text


def der_of(raw: bytes) -> bytes:
    """The same, the other way round."""

    def one(kind: int, content: bytes) -> bytes:
        return bytes((kind, len(content))) + content

    def number(content: bytes) -> bytes:
        short = content.lstrip(b"\0")
        return one(2, (b"\0" if short[0] & 0x80 else b"") + short)

    inner = number(raw[1:33]) + number(raw[33:65]) + one(4, raw[65:97]) + one(4, raw[97:])
    return one(0x30, inner)


class TestTheLibrary:
    def test_it_says_its_version(self) -> None:
        assert sm2().version.startswith("OpenSSL ")

    def test_a_failure_leaves_nothing_in_the_queue_that_others_read(self) -> None:
        library = ctypes.CDLL(loaded())
        library.ERR_peek_error.restype = ctypes.c_ulong
        for _ in range(3):
            with pytest.raises(Sm2KeyError):
                sm2().public_key("00" * 64)
            assert not standard().public.verify(bytes(64), b"m")
            with pytest.raises(Sm2CipherError):
                other().decrypt(CIPHER)
            assert library.ERR_peek_error() == 0
        assert ssl.create_default_context().get_ca_certs() is not None

    def test_one_key_serves_threads_side_by_side(self) -> None:
        signer, public = standard(), standard().public

        def work(number: int) -> bool:
            message = b"%d" % number
            return public.verify(signer.sign(message), message) and not public.verify(bytes(64), message)

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(200)))

    def test_a_key_outlives_whatever_it_was_read_with(self) -> None:
        public = open_sm2().private_key(STANDARD).public
        assert public.verify(SIGNATURE, b"message digest")

    def test_a_library_that_is_not_there_is_named_with_what_to_install(self) -> None:
        with pytest.raises(Sm2Unavailable, match=r"libnothing\.so\.9: .*apt-get install libssl3.*YIBAO_LIBCRYPTO"):
            open_sm2("libnothing.so.9")

    def test_a_library_that_is_something_else_is_not_used(self) -> None:
        libc = ctypes.util.find_library("c")
        assert libc is not None
        with pytest.raises(Sm2Unavailable, match="OpenSSL_version_num"):
            open_sm2(libc)

    def test_a_library_that_fails_the_standards_example_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(room, "_EXAMPLE_SIGNATURE", "00" * 64)
        with pytest.raises(Sm2Unavailable, match="does not pass the example"):
            open_sm2()

    def test_a_library_without_the_curve_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise LibcryptoError("unknown group")

        monkeypatch.setattr(Libcrypto, "private_key", refuse)
        with pytest.raises(Sm2Unavailable, match="no private key of SM2"):
            open_sm2()

    def test_an_older_library_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("services.runtime.national.libcrypto.LEAST_MAJOR", 99)
        with pytest.raises(Sm2Unavailable, match="is older than OpenSSL 99"):
            open_sm2()

    def test_macos_is_asked_for_no_library_that_would_end_the_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "darwin")
        with pytest.raises(Sm2Unavailable) as refused:
            open_sm2()
        assert "/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib" in str(refused.value)
        assert "libcrypto.dylib" not in str(refused.value)

    def test_the_library_that_the_system_names_is_tried_after_the_known_ones(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "platform", "linux")
        named = {"crypto": "libcrypto.so.5"}
        monkeypatch.setattr(ctypes.util, "find_library", named.get)
        assert list(room._candidates()) == ["libcrypto.so.3", "libcrypto.so.4", "libcrypto.so.5"]
        named["crypto"] = "libcrypto.so.3"
        assert list(room._candidates()) == ["libcrypto.so.3", "libcrypto.so.4"]


def loaded() -> str:
    """The library that these tests run on."""
    return "libcrypto.3.dylib" if sys.platform == "darwin" else "libcrypto.so.3"
