"""The outer forms of the national interface: reading them out of any body, and writing their answers.

Reads `{infno, …, input}`, the credential decoder `{orgId, transType, data}`, a bare `{data}` (1162 as some clients post it)
and the `jsonStr` of a multipart upload; `input` and the decoder's `data` may be JSON text. It never looks into a node.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from json.encoder import encode_basestring
from typing import Any, Final

import msgspec

from gateway import reading
from gateway.charset import declares_gbk
from gateway.national.codec.plan import disagreeing, find, is_absent
from gateway.national.codec.reading import Row
from gateway.national.codec.refusing import check_keys, end_of
from gateway.national.codec.scalars import Unfit, read_text
from gateway.reading import Decoder, Unreadable
from services.kernel.clock import stamp_text
from services.runtime.bounds import check_json

INFNO: Final = "INFNO"
EC_LOCAL: Final = "EC_LOCAL"
EC_QUERY: Final = "ec.query"
EC_FAILED: Final = 500159

_MULTIPART: Final = "multipart/form-data"
_BOUNDARY: Final = re.compile(r'boundary="?([^";]{1,200})"?', re.IGNORECASE)
_UPLOAD: Final = "fsUploadIn"
_UPLOADED: Final = "in"
_FILE_PART: Final = re.compile(rb'[; ]name="?file"?(?![\w.])', re.IGNORECASE)
_JSON_PART: Final = re.compile(rb'name="?jsonStr"?', re.IGNORECASE)
_MOST_ODD: Final = 100
_MOST_PARTS: Final = 64
# Three times those of the largest bill with every field of the interface; those that nobody knows cost most.
_MOST_KEYS: Final = 60_000
_NO_LISTS: Final[Mapping[str, int]] = {}
_TOO_LONG: Final = "national.max_items"
_REGION: Final = re.compile(r"[0-9]{6}", re.ASCII)
_SERIALS: Final = 10**10
_ERR_MSG_LENGTH: Final = 200
_HEAD: Final = 500
_INVALID: Final = "ENVELOPE_INVALID"
_READ: Final = frozenset(
    ("infno", "input", "msgid", "fixmedins_code", "sign_no", "mdtrtarea_admvs", "transType", "orgId", "data")
)
"""Names that are read here; other fields of the envelope are read by the request's own reader."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One request: its outer fields, its `input`, and the numbers by which it is routed and told apart.

    `odd` is what was read of the body though the text or JSON has it otherwise, by path and rule.
    """

    row: Row
    root: Row
    infno: str
    wrapper: str
    msgid: str
    fixmedins_code: str
    sign_no: str
    region: str
    odd: tuple[tuple[str, str], ...] = ()


class _Odd:
    """What was odd in a body, at most so much of it; the same is told once."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], None] = {}

    def add(self, path: str, rule: str) -> None:
        """Takes one down."""
        if len(self.found) < _MOST_ODD:
            self.found[path, rule] = None

    def body(self, rule: str) -> None:
        """In the body itself."""
        self.add("body", rule)

    def input(self, rule: str) -> None:
        """In the text of `input`."""
        self.add("input", rule)

    def hidden(self, path: str) -> None:
        """Hidden characters at the end of a text."""
        self.add(path.removeprefix("input."), "lenient.padded")


class Serials:
    """Ten-digit serial numbers of answers; `first` keeps several gateways apart."""

    def __init__(self, first: int) -> None:
        self._numbers = count(first % _SERIALS + 1)

    def take(self) -> str:
        """The next one; also where two threads take theirs at the same moment."""
        return f"{next(self._numbers) % _SERIALS:010d}"


def decoder() -> Decoder:
    """Reads JSON; a number with a fraction stays as it was written, in bytes, so that no digit is lost."""
    return msgspec.json.Decoder(float_hook=str.encode)


def read_body(
    read_json: Decoder, body: bytes, content_type: str, encoding: str = "", lists: Mapping[str, int] = _NO_LISTS
) -> Envelope:
    """The request in a body, in UTF-8 or GBK; `encoding` is its Content-Encoding. Fault ENVELOPE_INVALID.

    `lists` are the most rows of nodes by name: one of a body with too many values is named where it is too long.
    """
    odd, sent = _Odd(), None
    if content_type.strip().casefold().startswith(_MULTIPART):
        odd.add("body", "lenient.multipart")
        body, content_type, sent = _json_part(body, content_type)
    check_json(body, _MOST_KEYS, lists, _TOO_LONG)
    hidden = reading.holds_hidden(body)
    declared = declares_gbk(content_type)
    row = _object("", lambda: reading.leniently(read_json, body, declared, encoding, odd.body), hidden, odd)
    if other := disagreeing(row, _READ):
        raise end_of(other, Unfit("national.disagrees"), _INVALID)
    infno = _text(row, "infno")
    if not infno and not is_absent(find(row, "transType")):
        return _decoder_request(row, _text(row, "transType"), _node(read_json, find(row, "data")))
    if not infno and is_absent(find(row, "input")):
        data = _node(read_json, find(row, "data"))
        if type(data) is dict:
            return _decoder_request(row, EC_QUERY, data)
    raw = find(row, "input")
    if type(raw) is str and not is_absent(raw):
        text = raw
        check_json(text, _MOST_KEYS, lists, _TOO_LONG)
        raw = _object("input", lambda: reading.in_text(read_json, text, odd.input), hidden, odd)
    if is_absent(raw):
        raw = {}
    if type(raw) is not dict:
        raise Unreadable("body.array" if type(raw) is list else "body.no_object").fault(_INVALID, "input", "zh")
    _take_file(raw, sent)
    fixmedins_code = _text(row, "fixmedins_code")
    return Envelope(
        row=row,
        root=raw,
        infno=infno,
        wrapper=INFNO,
        # One of blanks is none: two bills must not share it.
        msgid=_text(row, "msgid").strip(),
        fixmedins_code=fixmedins_code,
        sign_no=_text(row, "sign_no"),
        region=_region(_text(row, "mdtrtarea_admvs"), fixmedins_code),
        odd=tuple(odd.found),
    )


def refmsgid(region: str, moment: datetime, serial: str) -> str:
    """The answer's own number: region, second, serial."""
    return f"{region}{stamp_text(moment)}{serial}"


def write_answer(
    *,
    reference: str,
    received: datetime,
    answered: datetime,
    output: str = "null",
    refusal: str = "",
    warning: str = "",
    code_as_text: bool = False,
) -> bytes:
    """The answer envelope; a refusal turns it into a failure."""
    code = "-1" if refusal else "0"
    return (
        f'{{"infcode":{encode_basestring(code) if code_as_text else code},'
        f'"inf_refmsgid":"{reference}","refmsg_time":"{_stamp(received)}","respond_time":"{_stamp(answered)}",'
        f'"enctype":"","signtype":"","cainfo":"",'
        f'"err_msg":{_text_or_null(refusal)},"warn_msg":{_text_or_null(warning)},"output":{output}}}'
    ).encode()


def write_decoded(org_id: str, data: str) -> bytes:
    """The credential decoder's answer."""
    return f'{{"code":0,"message":"成功","orgId":{encode_basestring(org_id)},"data":{data}}}'.encode()


def write_not_decoded(refusal: str) -> bytes:
    """The credential decoder's refusal."""
    return f'{{"code":{EC_FAILED},"success":false,"message":{encode_basestring(refusal)}}}'.encode()


def write_bus_refusal(message: str) -> bytes:
    """How the service bus refuses a caller."""
    return f'{{"code":401,"message":{encode_basestring(message)}}}'.encode()


def _decoder_request(row: Row, kind: str, data: Any) -> Envelope:
    """The decoder has no message number: every call is one of its own."""
    node: Mapping[str, object] = data if type(data) is dict else {}
    org_id = _text(row, "orgId") or _text(dict(node), "orgId")
    fills = org_id and (type(data) is dict or is_absent(data)) and is_absent(find(dict(node), "orgId"))
    root = {"data": {**node, "orgId": org_id} if fills else data}
    return Envelope(row, root, kind, EC_LOCAL, "", org_id, "", _region("", org_id))


def _node(read_json: Decoder, raw: Any) -> Any:
    """A node that may be JSON text or a list of one; what is no object comes back as it is, to be refused by its path."""
    found = raw
    if type(raw) is str and not is_absent(raw):
        check_json(raw, _MOST_KEYS)
        try:
            body = raw.encode()
            found = read_json.decode(body)
            reading.refuse_twice(body, found)
        except Unreadable as broken:
            raise broken.fault(_INVALID, "data", "zh") from None
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return _object_or(raw, read_json)
    if type(found) is list and len(found) == 1:
        found = found[0]
    return found if type(found) is dict else raw


def _object_or(raw: str, read_json: Decoder) -> Any:
    try:
        return reading.in_text(read_json, raw)
    except Unreadable as broken:
        if broken.place:
            raise broken.fault(_INVALID, "data", "zh") from None
        return raw


def _object(path: str, read: Callable[[], Row], hidden: bool, odd: _Odd) -> Row:
    """What `read` reads; where it may hold hidden characters it is cleaned of them."""
    try:
        row = read()
        check_keys(row, path)
        if hidden:
            reading.clean(row, _refuse_nul, odd.hidden)
        return row
    except Unreadable as broken:
        broken.place = broken.place.removeprefix("input.")
        raise broken.fault(_INVALID, path, "zh") from None


def _refuse_nul(path: str) -> None:
    raise Unreadable("body.nul").fault(_INVALID, path.removeprefix("input."), "zh")


def _json_part(body: bytes, content_type: str) -> tuple[bytes, str, bytes | None]:
    """The `jsonStr` part of a multipart body with its type, else that of the whole, and the `file` part; lines may end in LF
    alone.
    """
    boundary, sent = _BOUNDARY.search(content_type), None
    parts = body.split(b"--" + boundary[1].encode(), _MOST_PARTS) if boundary else []
    found = ""
    for part in parts:
        head, _, content = part.replace(b"\r\n", b"\n").partition(b"\n\n")
        if _JSON_PART.search(head) and not found:
            body, found = content.rstrip(b"\n"), f"{head[:_HEAD].decode('latin-1')} {content_type}"
        elif _FILE_PART.search(head) and sent is None:
            sent = _content(part)
    if found:
        return body, found, sent
    raise Unreadable("body.no_part").fault(_INVALID, "", "zh")


def _content(part: bytes) -> bytes:
    """What a part holds, byte for byte, without the line end before the next boundary."""
    ends = [(at, len(end)) for end in (b"\r\n\r\n", b"\n\n") if (at := part.find(end)) >= 0]
    at, wide = min(ends, default=(len(part), 0))
    content = part[at + wide :]
    return content.removesuffix(b"\n").removesuffix(b"\r") if content.endswith(b"\r\n") else content.removesuffix(b"\n")


def _take_file(root: Row, sent: bytes | None) -> None:
    """Makes `fsUploadIn.in` (9101) Base64 of what came beside the envelope, or as a list of bytes, which may be signed."""
    node = find(root, _UPLOAD)
    if type(node) is not dict:
        return
    name = next((each for each in node if each.casefold() == _UPLOADED), _UPLOADED)
    held = node.get(name)
    if type(held) is list and all(type(each) is int and -128 <= each < 256 for each in held):
        sent = bytes(each & 255 for each in held)
    elif not is_absent(held):
        return
    if sent is not None:
        node[name] = b64encode(sent).decode()


def _text(row: Row, name: str) -> str:
    raw = find(row, name)
    if is_absent(raw):
        return ""
    try:
        return read_text(raw).strip()
    except Unfit as unfit:
        if type(raw) is bytes:
            raise end_of(name, unfit, _INVALID) from None
        return ""


def _region(region: str, fixmedins_code: str) -> str:
    for text in (region, fixmedins_code[1:7]):
        if _REGION.fullmatch(text):
            return text
    return "000000"


def _stamp(moment: datetime) -> str:
    return f"{stamp_text(moment)}{moment.microsecond // 1000:03d}"


def _text_or_null(text: str) -> str:
    return encode_basestring(text[:_ERR_MSG_LENGTH]) if text else "null"
