"""Messages of a POS: a type and numbered fields, to and from bytes. `iso8583` packs them; the layout is UnionPay's (C§3.2).

It knows the form of a field, never whether a message makes sense. What it prints of a message hides card, tracks and PIN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import iso8583

MOST_BYTES: Final = 2_048
"""Of a message: the longest, an upload of a batch, has about 400 (our decision)."""
CURRENCY: Final = "156"
_HIDDEN: Final = frozenset({14, 35, 36, 52, 55, 62, 64})
_SHOWN_DIGITS: Final = 4


class Malformed(ValueError):
    """Bytes that are no message of this layout, or fields that do not fit it; the text names the field and never its value."""


@dataclass(frozen=True, slots=True)
class PosMessage:
    """A type ("0200") and its fields by number, as text: digits where the wire has BCD, hex where it has bytes."""

    mti: str
    fields: Mapping[int, str]

    def get(self, number: int, default: str = "") -> str:
        """A field, or the default where the message has none."""
        return self.fields.get(number, default)

    def masked(self) -> dict[str, str]:
        """Type and fields for a log: of the card its last four digits, nothing of tracks, chip, expiry, PIN, keys and seal."""
        return {"t": self.mti} | {str(number): _masked(number, self.fields[number]) for number in sorted(self.fields)}

    def __repr__(self) -> str:
        return f"Message({self.masked()})"


def _masked(number: int, value: str) -> str:
    if number == 2:
        return f"{'*' * max(0, len(value) - _SHOWN_DIGITS)}{value[-_SHOWN_DIGITS:]}"
    return f"<{len(value)}>" if number in _HIDDEN else value


def encode(message: PosMessage) -> bytes:
    """The bytes from the type to the last field; `Malformed`."""
    _check(message)
    told = {"t": message.mti} | {str(number): value for number, value in message.fields.items()}
    try:
        raw, _ = iso8583.encode(told, SPEC)
    except iso8583.EncodeError as error:
        raise Malformed(f"field {error.field}: {error.msg}") from None
    return _bounded(bytes(raw))


def decode(raw: bytes) -> PosMessage:
    """The message in these bytes; `Malformed`."""
    try:
        told, _ = iso8583.decode(_bounded(raw), SPEC)
    except iso8583.DecodeError as error:
        raise Malformed(f"field {error.field}: {error.msg}") from None
    message = PosMessage(told["t"], {int(name): value for name, value in told.items() if name.isdigit()})
    _check(message)
    return message


def _bounded(raw: bytes) -> bytes:
    if len(raw) > MOST_BYTES:
        raise Malformed(f"a message of {len(raw)} bytes; at most {MOST_BYTES}")
    return raw


def _check(message: PosMessage) -> None:
    """What the packer lets pass: fields that the layout has not, and BCD that is no number."""
    for number, value in message.fields.items():
        if number not in _LAYOUT:
            raise Malformed(f"field {number}: not used here")
        if number in _NUMBERS and not (value.isascii() and value.isdigit()):
            raise Malformed(f"field {number}: digits alone")


def without_card(raw: bytes, message: PosMessage) -> bytes:
    """Bytes of a message, or of its frame, with zeros in place of the card's number but its last four digits: for records of what
    was told to whom.
    """
    card, told = message.get(2), raw.hex()
    return bytes.fromhex(told.replace(card, f"{card[-_SHOWN_DIGITS:]:0>{len(card)}}")) if card else raw


def amount_of(fen: int) -> str:
    """An amount as field 4 has it: fen in 12 digits; `Malformed` outside of them."""
    if not 0 <= fen < 10**12:
        raise Malformed("field 4: an amount has at most 12 digits of fen")
    return f"{fen:012d}"


def _digits(length: int, pad: str = "right_pad") -> dict[str, Any]:
    """BCD of a fixed number of digits; an odd one is padded on that side."""
    return {
        "data_enc": "b",
        "len_enc": "bcd",
        "len_type": 0,
        "max_len": length,
        "len_count": "nibbles",
        pad: "0",
    }


def _more_digits(length: int, len_type: int = 2) -> dict[str, Any]:
    """BCD of up to so many digits; their number stands before them, in so many bytes of BCD."""
    return _digits(length) | {"len_type": len_type}


def _text(length: int) -> dict[str, Any]:
    return {"data_enc": "ascii", "len_enc": "bcd", "len_type": 0, "max_len": length}


def _more_text(length: int, len_type: int = 2) -> dict[str, Any]:
    return _text(length) | {"len_type": len_type}


def _raw(length: int, len_type: int = 0) -> dict[str, Any]:
    return {"data_enc": "b", "len_enc": "bcd", "len_type": len_type, "max_len": length}


_LAYOUT: Final[Mapping[int, tuple[str, Mapping[str, Any]]]] = {
    2: ("card", _more_digits(19, 1)),
    3: ("processing code", _digits(6)),
    4: ("amount", _digits(12)),
    11: ("trace", _digits(6)),
    12: ("time", _digits(6)),
    13: ("date", _digits(4)),
    14: ("expiry", _digits(4)),
    15: ("settlement date", _digits(4)),
    22: ("entry mode", _digits(3)),
    23: ("card sequence", _digits(3, "left_pad")),
    25: ("condition", _digits(2)),
    26: ("PIN capture", _digits(2)),
    32: ("acquirer", _more_digits(11, 1)),
    35: ("track 2", _more_digits(37, 1)),
    36: ("track 3", _more_digits(104)),
    37: ("retrieval reference", _text(12)),
    38: ("authorisation", _text(6)),
    39: ("answer", _text(2)),
    41: ("terminal", _text(8)),
    42: ("merchant", _text(15)),
    44: ("issuer and acquirer", _more_text(25, 1)),
    48: ("totals, details", _more_digits(322)),
    49: ("currency", _text(3)),
    52: ("PIN block", _raw(8)),
    53: ("security", _digits(16)),
    54: ("balance", _more_text(20)),
    55: ("IC data", _raw(255, 2)),
    60: ("kind, batch, network", _more_digits(17)),
    61: ("original batch, trace, date", _more_digits(29)),
    62: ("working keys", _raw(512, 2)),
    63: ("operator", _more_text(163)),
    64: ("seal", _raw(8)),
}
_NUMBERS: Final = frozenset(
    number for number, (_, layout) in _LAYOUT.items() if "len_count" in layout and number not in {35, 36}
)
SPEC: Final[Mapping[str, Mapping[str, Any]]] = {
    **{str(number): {**_raw(0), "desc": "not used"} for number in range(1, 129)},
    **{str(number): {**layout, "desc": desc} for number, (desc, layout) in _LAYOUT.items()},
    "h": {**_raw(0), "desc": "no header"},
    "t": {**_raw(2), "desc": "message type"},
    "p": {**_raw(8), "desc": "bitmap"},
}
"""The layout as `iso8583` takes it (C§3.2). A message with a field that has no row in `_LAYOUT` is refused."""
