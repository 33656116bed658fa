"""Bodies as JSON, and what is told of a body that is none: line, column, and what it looks like.

The lenient way reads what clients of the field send and what can mean one thing only: GBK, a byte order mark, control
characters inside texts, closing NULs. The strict way reads JSON as its standard has it, in UTF-8. Neither mends a body, and
neither reads an object that has a name twice: both values are plausible, and money hangs on some (our decision).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Literal, NoReturn

import msgspec

from gateway.charset import text_of
from gateway.nested import LONGEST_NAME, Tell, names_in, path_of, step, trim_texts
from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime.texts.gateway import rule_text

Decoder = msgspec.json.Decoder[Any]

_BOM: Final = b"\xef\xbb\xbf"
_DEEPEST: Final = 900
_NESTING: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MAGIC: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    *((b"\x78" + level, "deflate") for level in (b"\x01", b"\x5e", b"\x9c", b"\xda")),
)
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_FORM: Final = re.compile(r"[\w.\-\[\]]{1,64}=")
# Base64 or hexadecimal, which is what a body looks like that somebody has encrypted.
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/_\-\s]{16,}+={0,2}", re.ASCII)
_FULL_WIDTH: Final = frozenset("“”‘’＂，：；｛｝［］")
_COMMENTS: Final = ("//", "/*", "#", "--", "<!--")
_NO_NUMBER: Final = re.compile(r"-?(nan|inf(inity)?)\b", re.IGNORECASE)
# A number that JSON does not have: a sign or a point first, thousands, or something behind the digits.
_BEGINS_NUMBER: Final = frozenset("+.-0123456789")
_NO_OBJECTS: Final = {"list": "body.array", "str": "body.quoted"}
_SPACES: Final = b" \t\r\n"
_NO_NUMBERS: Final = ("NaN", "Infinity", "-Infinity")
# Blanks at the ends of a text that `str.strip` leaves: what C fills its arrays with, and what web pages hide in texts.
_HIDDEN: Final = "\x00\u200b\ufeff"
BLANKS: Final = "".join(each for each in map(chr, range(0x3001)) if each.isspace()) + _HIDDEN
# How they stand in a body, by their first byte: a search for one byte costs next to nothing.
_HIDDEN_FORMS: Final = (
    (b"\x00", (b"\x00",)),
    (b"\\", (b"\\u0000", b"\\u200b", b"\\u200B", b"\\ufeff", b"\\uFEFF")),
    (b"\xe2", ("\u200b".encode(),)),
    (b"\xef", (_BOM,)),
)


def _untold(_: str) -> None:
    """Nobody wants to know."""


class Unreadable(Exception):
    """A body that is no JSON object: the rule that says why, and the values that the rule's text names.

    `place` is the path of the name that it is about, from the object's root; "" where it is about the whole.
    """

    def __init__(self, rule: str, place: str = "", **values: str) -> None:
        self.rule = rule
        self.place = place
        self.values = values
        super().__init__(rule)

    def fault(self, reason: str, path: str, lang: Literal["zh", "en"]) -> Fault:
        """The refusal; `path` names the field whose text it is, "" for the body itself."""
        broken = Violation(self.place or path, self.rule, rule_text(self.rule, self.values, lang), self.values)
        return Fault(FaultKind.INVALID, reason, self.values, violations=[broken])


def strictly(decoder: Decoder, body: bytes, encoding: str = "") -> dict[str, Any]:
    """The object in a body of UTF-8; `encoding` is its Content-Encoding. Raises Unreadable."""
    try:
        found = decoder.decode(body.removeprefix(_BOM))
        refuse_twice(body, found)
    except _BROKEN:
        _refuse_bytes(body, encoding)
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _misread(body, error.start, text_of(body, declared_gbk=True) is not None) from None
        _refuse_halves(_parsed(text, strict=True))
        # What is left are numbers beyond any type.
        raise Unreadable("body.number") from None
    return _object(found)


def leniently(
    decoder: Decoder, body: bytes, declared_gbk: bool = False, encoding: str = "", tell: Tell = _untold
) -> dict[str, Any]:
    """The object in a body as clients of the field send it; `encoding` is its Content-Encoding. Raises Unreadable.

    `tell` is called with a rule for each thing that the standard has otherwise.
    """
    if body.startswith(_BOM):
        tell("lenient.bom")
    if not declared_gbk:
        try:
            return _decoded(decoder, body.removeprefix(_BOM))
        except _BROKEN:
            pass
    _refuse_bytes(body, encoding)
    text = text_of(body, declared_gbk)
    if text is None:
        raise _neither(body)
    if not _is_utf8(body):
        tell("lenient.gbk")
    return in_text(decoder, text, tell)


def in_text(decoder: Decoder, text: str, tell: Tell = _untold) -> dict[str, Any]:
    """The object in JSON text, read leniently. Raises Unreadable."""
    try:
        return _decoded(decoder, text.encode())
    except (*_BROKEN, UnicodeEncodeError):
        pass
    shorter = text.rstrip(BLANKS)
    found = _carefully(shorter, decoder.float_hook or float)
    if len(shorter) < len(text.rstrip()):
        tell("lenient.trailing")
    if _has_control(decoder, shorter):
        tell("lenient.control")
    return found


def _has_control(decoder: Decoder, text: str) -> bool:
    """Whether a text that is read holds control characters within texts: nothing else makes the strict way refuse it."""
    try:
        decoder.decode(text.encode())
    except _BROKEN:
        return True
    return False


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoded(decoder: Decoder, body: bytes) -> dict[str, Any]:
    found = decoder.decode(body)
    refuse_twice(body, found)
    return _object(found)


def refuse_twice(body: bytes, found: Any) -> None:
    """Raises Unreadable where an object of a body of UTF-8 has a name twice; `found` is what was read of it.

    Counted, which costs a fraction of parsing: names stand before colons, and of those that stand twice one was lost. With
    care only where a text may hold those two characters, too.
    """
    if body.translate(None, _SPACES).count(b'":') == names_in(found, body.count(b"{") + body.count(b"[")):
        return
    _parsed(body.decode("utf-8-sig"), strict=False)


def _carefully(text: str, read_float: Callable[[str], Any]) -> dict[str, Any]:
    found = _parsed(text, read_float, strict=False)
    if "\\u" in text:
        _refuse_halves(found)
    return _object(found)


def holds_hidden(body: bytes) -> bool:
    """Whether a body may hold characters that `clean` looks for; nearly none does."""
    return any(first in body and any(form in body for form in forms) for first, forms in _HIDDEN_FORMS)


def clean(value: Any, refuse: Tell, tell: Tell = _untold) -> None:
    """Takes hidden characters off the ends of all texts of an object or list, in place.

    Plain blanks alone are left for the readers, who tell of them otherwise.

    `refuse` is called with the path of a text that holds a NUL inside: no database keeps it; `tell` with the path of one that
    had hidden characters. Raises Unreadable.
    """
    try:
        trim_texts(value, BLANKS, refuse, tell)
    except RecursionError:
        raise Unreadable("body.too_deep") from None


def _object(found: Any) -> dict[str, Any]:
    if type(found) is dict:
        return found
    if type(found) is str and not found.lstrip(BLANKS).startswith("{"):
        raise Unreadable("body.no_object")
    raise Unreadable(_NO_OBJECTS.get(type(found).__name__, "body.no_object"))


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _refuse_bytes(body: bytes, encoding: str) -> None:
    """Refuses what is no text of one byte a character."""
    start = body[:4]
    named = next((name for magic, name in _MAGIC if start.startswith(magic)), "")
    declared = encoding.strip().casefold()
    if named or declared not in ("", "identity"):
        raise Unreadable("body.compressed", name=named or declared[:20])
    if start.startswith(_UTF16) or (len(start) > 1 and b"\x00" in start):
        raise Unreadable("body.utf16")


def _neither(body: bytes) -> Unreadable:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return _misread(body, error.start, gbk=False)
    return Unreadable("body.no_object")


def _misread(body: bytes, at: int, gbk: bool) -> Unreadable:
    """Bytes that are no UTF-8 from `at` on."""
    before = body[:at].decode("utf-8-sig", errors="replace")
    return _at("body.gbk" if gbk else "body.encoding", before, len(before))


def _at(rule: str, text: str, position: int) -> Unreadable:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return Unreadable(rule, line=str(line), column=str(column))


def _parsed(text: str, read_float: Callable[[str], Any] = str, *, strict: bool) -> Any:
    """What the standard's parser reads: it alone takes control characters inside texts, and says where a text breaks."""
    begin = text.lstrip(BLANKS)[:100]
    if not begin:
        raise Unreadable("body.empty")
    looks = _looks(begin, text) if begin[0] not in "{[" else ""
    if looks:
        raise Unreadable(looks)
    twice: list[tuple[dict[str, Any], str]] = []

    def read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs) and not twice:
            names = Counter(name for name, _ in pairs)
            twice.append((found, next(name for name in names if names[name] > 1)))
        return found

    try:
        found = json.loads(
            text, strict=strict, parse_float=read_float, parse_constant=_no_number, object_pairs_hook=read_object
        )
        if twice:
            raise _twice(found, *twice[0])
        return found
    except json.JSONDecodeError as error:
        if _is_deep(text):
            raise Unreadable("body.too_deep") from None
        if begin[0] not in '{["' and begin[0] not in _FULL_WIDTH and not begin.startswith(_COMMENTS):
            raise _at("body.no_json", text, len(text) - len(text.lstrip(BLANKS))) from None
        raise _named(text, error) from None
    except ValueError as error:
        raise _no_json_number(text, str(error)) from None
    except RecursionError:
        raise Unreadable("body.too_deep") from None


def _is_deep(text: str) -> bool:
    """Whether a broken text opens more than any message does: how deep the parser goes depends on Python and the stack."""
    if text.count("[") + text.count("{") <= _DEEPEST:
        return False
    depth = deepest = 0
    for found in _NESTING.finditer(text):
        depth += found[0] in ("[", "{")
        depth -= found[0] in ("]", "}")
        deepest = max(deepest, depth)
    return deepest > _DEEPEST


def _twice(root: Any, holder: dict[str, Any], name: str) -> Unreadable:
    """The refusal of a name that an object has twice, by the path of the object."""
    path = path_of(root, holder) or ""
    shown = name[:LONGEST_NAME]
    return Unreadable("body.twice", step(path, shown), name=shown)


def _refuse_halves(found: Any) -> None:
    """Half of a pair of escapes is no character, and would fail where it is stored."""
    try:
        json.dumps(found, ensure_ascii=False, default=bytes.decode).encode()
    except UnicodeEncodeError:
        raise Unreadable("body.surrogate") from None


def _looks(begin: str, text: str) -> str:
    """What a text looks like that does not begin as JSON does; "" where nothing is known."""
    if begin[0] == "<":
        return "body.html" if re.match(r"<(!doctype\s+html|html)\b", begin, re.IGNORECASE) else "body.xml"
    if begin.startswith("--"):
        return "body.multipart"
    if _ENCODED.fullmatch(begin.rstrip()) and not begin.isdigit() and _ENCODED.fullmatch(text.strip()):
        return "body.encoded"
    if begin[:3].casefold() in ("%7b", "%5b") or _FORM.match(begin):
        return "body.form"
    return ""


def _no_json_number(text: str, name: str) -> Unreadable:
    """NaN and its kin, and whole numbers of thousands of digits."""
    place = text.find(name) if name in _NO_NUMBERS else -1
    return _at("body.no_number", text, place) if place >= 0 else Unreadable("body.number")


def _named(text: str, error: json.JSONDecodeError) -> Unreadable:
    at, message = error.pos, error.msg
    if message.startswith("Illegal trailing comma"):
        # Python 3.13 and later point at the comma, earlier ones at the bracket behind it.
        return _at("body.trailing_comma", text, len(text) - len(text[at + 1 :].lstrip(BLANKS)))
    if message.startswith("Unterminated string"):
        # A body that ends as a whole one does was not cut off: a quote is missing in it.
        whole = text.rstrip()[-1:] in ("}", "]")
        return _at("body.unclosed", text, at) if whole else _at("body.truncated", text, len(text))
    if message != "Extra data" and not text[at:].strip(BLANKS):
        return _at("body.truncated", text, len(text))
    return _at(_rule(text, at, message), text, at)


def _rule(text: str, at: int, message: str) -> str:
    """What the parser stopped at, told by what stands there and before it."""
    here, before = text[at], text[:at].rstrip()[-1:]
    if here in _FULL_WIDTH:
        return "body.full_width"
    if message.startswith("Invalid control"):
        return "body.control"
    if "escape" in message:
        return "body.escape"
    if text.startswith(_COMMENTS, at):
        return "body.comment"
    if message == "Extra data":
        return {"}": "body.bracket", "]": "body.bracket", "{": "body.second", "[": "body.second"}.get(
            here, "body.extra"
        )
    if here in BLANKS:
        return "body.blank"
    if message.startswith("Expecting property name"):
        return _rule_of_name(text, at, before)
    if message.startswith("Expecting value"):
        return _rule_of_value(text, at, before)
    if message == "Expecting ':' delimiter":
        return "body.colon"
    if here in "}]":
        return "body.bracket"
    # Right behind a number: 012, 2026-01-05, 12.5% and their like.
    return "body.number_form" if text[at - 1].isdigit() and here not in '"{[;' else "body.comma"


def _rule_of_name(text: str, at: int, before: str) -> str:
    """What stands where a field's name is expected."""
    here = text[at]
    if here == ",":
        return "body.comma_twice"
    if before == "," and here in "}]":
        return "body.trailing_comma"
    if here == "'":
        return "body.single_quotes"
    if here == "\\":
        return "body.escaped"
    # 1,234.00: the comma of thousands.
    return "body.number_form" if before == "," and here.isdigit() and text[at - 2].isdigit() else "body.key"


def _rule_of_value(text: str, at: int, before: str) -> str:
    """What stands where a value is expected."""
    here = text[at]
    if before == ":":
        if here in ",}]":
            return "body.no_value"
    elif here == ",":
        return "body.comma_twice"
    elif here in "}]":
        return "body.trailing_comma" if before == "," else "body.bracket"
    if here == "'":
        return "body.single_quotes"
    if here == "\\":
        return "body.escaped"
    if _NO_NUMBER.match(text, at):
        return "body.no_number"
    return "body.number_form" if here in _BEGINS_NUMBER else "body.value"
