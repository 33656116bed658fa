"""One call of a method, as the methods see it, and what they give back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tools.twins.alipay.fields import Fields


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose signature was right: whose it is, what it asks, where its notifies go."""

    app_id: str
    method: str
    fields: Fields
    notify_url: str


class Lost(Exception):
    """The request ends without an answer; what it has done by then stays."""


Node = dict[str, object]
"""The fields of an answer beside `code` and `msg`; empty ones are left out. A `code` in it stands instead of 10000."""
Methods = Mapping[str, Callable[[Call], Awaitable[Node]]]
"""Methods by their names."""
