"""What the open platform signs, and how its answers carry a signature (C§2.1, C§2.4): texts in, bytes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from services.runtime import rsa

SIGN: Final = "sign"
SIGN_TYPE: Final = "sign_type"
_CHARSETS: Final = {"utf-8": "utf-8", "gbk": "gbk", "gb2312": "gbk"}
ERROR_NODE: Final = "error_response"
"""The node of an answer to a request whose method nobody knows."""


def request_text(parameters: Mapping[str, str]) -> bytes:
    """All parameters but `sign`, raw values, sorted, in the request's charset; `sign_type` is one of them, empty ones are not."""
    return _text(parameters, without=(SIGN,)).encode(encoding_of(parameters))


def notify_text(fields: Mapping[str, str]) -> bytes:
    """All fields of a notify but `sign` and `sign_type`."""
    return _text(fields, without=(SIGN, SIGN_TYPE)).encode()


def encoding_of(parameters: Mapping[str, str]) -> str:
    """How a request's bytes are read; ValueError where its `charset` is none of the platform's."""
    charset = parameters.get("charset", "utf-8").lower()
    if charset not in _CHARSETS:
        raise ValueError(charset)
    return _CHARSETS[charset]


def node_name(method: str) -> str:
    """`alipay.trade.query` answers in `alipay_trade_query_response`."""
    return method.replace(".", "_") + "_response" if method else ERROR_NODE


def answer(key: RSAPrivateKey, node: str, content: bytes) -> bytes:
    """The whole answer: the signature stands directly behind the node and covers the node's bytes as they are sent."""
    return b'{"%s":%s,"sign":"%s"}' % (node.encode(), content, rsa.sign(key, content).encode())


def _text(fields: Mapping[str, str], without: tuple[str, ...]) -> str:
    kept = sorted((name, value) for name, value in fields.items() if value and name not in without)
    return "&".join(f"{name}={value}" for name, value in kept)
