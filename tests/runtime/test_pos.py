"""Messages, frames, seals and keys of a POS line, against bytes that were written by hand and a published example of a seal."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.pos import parts
from services.runtime.pos.frames import PosFrame, read_frame
from services.runtime.pos.messages import MOST_BYTES, Malformed, PosMessage, amount_of, decode, encode
from services.runtime.pos.seals import Algorithm, PosKeys, packed_keys, seal_holds, seal_of, sealed, unpacked_keys

CARD = "9000000000000000019"
PURCHASE = PosMessage(
    "0200",
    {
        2: CARD,
        3: "000000",
        4: "000000012345",
        11: "000407",
        22: "021",
        25: "00",
        35: f"{CARD}D49120000000000000",
        41: "10000001",
        42: "900000000000001",
        49: "156",
        60: "22000001000",
    },
)
# One line for each part, in the order of the wire: type, bitmap, fields.
PURCHASE_BYTES = bytes.fromhex(
    "0200 7020048020C08010"
    "19 90000000000000000190"
    "000000"
    "000000012345"
    "000407"
    "0210"
    "00"
    "37 9000000000000000019D491200000000000000"
    "3130303030303031"
    "393030303030303030303030303031"
    "313536"
    "0011 220000010000"
)
SIGN_ON_BYTES = bytes.fromhex(
    "003C 6000030000 602200000000"
    "0800 0020000000C00012"
    "000074"
    "3130303030303031"
    "393030303030303030303030303031"
    "0011 000000010010"
    "0003 303120"
)
KEYS = PosKeys(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"), bytes.fromhex("1122334455667788990011223344AABB"))
MASTER = bytes.fromhex("31313131313131313232323232323232")


async def _read(raw: bytes) -> PosFrame | None:
    reader = asyncio.StreamReader()
    reader.feed_data(raw)
    reader.feed_eof()
    return await read_frame(reader)


def test_a_purchase_has_the_bytes_that_terminals_send() -> None:
    assert encode(PURCHASE).hex() == PURCHASE_BYTES.hex()
    assert decode(PURCHASE_BYTES) == PosMessage("0200", {**PURCHASE.fields})


async def test_a_sign_on_is_read_from_its_frame() -> None:
    frame = await _read(SIGN_ON_BYTES)
    assert frame is not None
    assert decode(frame.payload).fields == {
        11: "000074",
        41: "10000001",
        42: "900000000000001",
        60: "00000001001",
        63: "01 ",
    }
    assert PosFrame(frame.payload).packed() == SIGN_ON_BYTES
    assert frame.answer(b"").tpdu.hex() == "6000000003"


async def test_a_line_that_ends_between_two_frames_has_no_more() -> None:
    assert await _read(b"") is None


@pytest.mark.parametrize("raw", [b"\x00\x05hello", b"\xff\xff" + b"x" * 70_000])
async def test_a_length_outside_of_the_limits_is_refused_before_it_is_read(raw: bytes) -> None:
    with pytest.raises(Malformed, match="a frame of"):
        await _read(raw)


async def test_a_frame_that_breaks_off_is_no_frame() -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await _read(SIGN_ON_BYTES[:-1])


def test_a_seal_is_that_of_the_published_example() -> None:
    # solo123/pgate, test/integration/pos_mac_test.rb: key, text and every step of it.
    text = bytes.fromhex("1234567890ABCDEFABCDEF1234567890")
    assert seal_of(text, bytes.fromhex("2222222222222222")) == b"E267B6E2"


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_seal_holds_for_its_bytes_and_its_key_alone(algorithm: Algorithm) -> None:
    keys = PosKeys(KEYS.pin, KEYS.seal, algorithm)
    raw = sealed(PURCHASE, keys)
    assert raw[10:-8] == PURCHASE_BYTES[10:]
    assert seal_holds(raw, keys)
    assert not seal_holds(raw[:20] + bytes([raw[20] ^ 1]) + raw[21:], keys)
    assert not seal_holds(raw, PosKeys(KEYS.pin, KEYS.pin, algorithm))


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_working_keys_arrive_under_the_master_key(algorithm: Algorithm) -> None:
    keys = PosKeys(KEYS.pin, KEYS.seal, algorithm)
    told = packed_keys(keys, MASTER)
    assert len(told) == 80
    assert unpacked_keys(told, MASTER, algorithm) == keys
    with pytest.raises(Malformed, match="check value"):
        unpacked_keys(told, bytes(range(16)), algorithm)
    with pytest.raises(Malformed, match="bytes of keys"):
        unpacked_keys(told[:-2], MASTER, algorithm)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({4: "00000000000A"}, "field 4: digits"),
        ({7: "1130120000"}, "field 7: not used"),
        ({41: "123"}, "field 41"),
        ({60: "1" * 18}, "field 60"),
    ],
)
def test_fields_that_do_not_fit_are_named_and_never_shown(fields: dict[int, str], told: str) -> None:
    with pytest.raises(Malformed, match=told) as refused:
        encode(PosMessage("0200", fields))
    assert not any(value in str(refused.value) for value in fields.values())


def test_bytes_with_a_field_that_is_not_used_are_refused() -> None:
    with pytest.raises(Malformed):
        decode(bytes.fromhex("0200 0200000000000000"))


def test_more_bytes_than_a_message_may_have_are_not_read_and_the_refusal_says_how_many() -> None:
    whole = encode(PURCHASE)
    assert decode(whole) == PURCHASE
    with pytest.raises(Malformed, match=f"a message of {MOST_BYTES + 1} bytes; at most {MOST_BYTES}"):
        decode(whole + bytes(MOST_BYTES + 1 - len(whole)))


def test_amounts_are_whole_fen_in_twelve_digits() -> None:
    assert amount_of(12345) == "000000012345"
    for wrong in (-1, 10**12):
        with pytest.raises(Malformed):
            amount_of(wrong)


def test_what_is_printed_of_a_message_hides_card_tracks_and_keys() -> None:
    told = repr(PosMessage("0200", {**PURCHASE.fields, 14: "4912", 52: "ABCDEF0123456789"}))
    assert "0019" in told
    assert all(secret not in told for secret in (CARD, "4912", "ABCDEF0123456789"))


def test_parts_of_fields_are_read_as_they_are_written() -> None:
    totals = parts.Totals(123_456, 3, 500, 1)
    assert parts.totals_of(parts.totals_field(totals, 1)) == (totals, 1)
    assert parts.totals_field(totals)[:30] == "000000123456003000000000500001"
    assert [parts.balance_of(parts.balance_field(fen)) for fen in (0, 98_765, -7)] == [0, 98_765, -7]
    assert parts.balance_field(98_765) == "1002156C000000098765"
    assert str(parts.route_of("22000001000")) == "22000001000"
    assert str(parts.original_of("0000010004071130")) == "0000010004071130"
    lines = (parts.Uploaded("000407", CARD, 12_345), parts.Uploaded("000408", "", 500, credit=True))
    assert parts.details_of(parts.details_field(lines)) == lines


@pytest.mark.parametrize(
    ("read", "field"),
    [
        (parts.route_of, "22"),
        (parts.original_of, "000001"),
        (parts.balance_of, "1002156X000000098765"),
        (parts.totals_of, "1"),
        (parts.details_of, "0212"),
    ],
)
def test_parts_that_are_too_short_are_refused(read: type, field: str) -> None:
    with pytest.raises(Malformed):
        read(field)


_DIGIT = st.sampled_from("0123456789")


@given(
    st.text(_DIGIT, min_size=13, max_size=19),
    st.integers(0, 10**12 - 1),
    st.text(_DIGIT, min_size=11, max_size=17),
    st.text(_DIGIT, min_size=1, max_size=322),
)
def test_any_message_comes_back_from_its_bytes(card: str, fen: int, route: str, totals: str) -> None:
    message = PosMessage("0400", {2: card, 4: amount_of(fen), 23: "001", 48: totals, 60: route, 64: "0011223344556677"})
    assert decode(encode(message)) == message
