"""What the options of a method say, each in its own shape: binding, transaction, list form, route, door and so on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

Getter = Callable[[Any], Any]


class Effect(Enum):
    """What a repeated call does."""

    READ = "READ"
    IDEMPOTENT = "IDEMPOTENT"
    ONCE = "ONCE"


@dataclass(frozen=True, slots=True)
class Binding:
    """The field of the request that must equal the caller's subject."""

    field: str
    get: Getter


@dataclass(frozen=True, slots=True)
class Transaction:
    """A national transaction that a method serves; `wrapper` is INFNO or EC_LOCAL, `bare_if` the switch of a dialect by which
    the answer has no node, "" for none; `file` the field of the response whose bytes are the answer, "" for none."""

    infno: str
    wrapper: str
    bare_if: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class BatchForm:
    """Says that a method is the list form of `method` (a path), and which fields hold items and outcomes."""

    method: str
    items: str
    outcomes: str


@dataclass(frozen=True, slots=True)
class ElsewhereForm:
    """Says which method (a path) serves the same where another cell insures the person, and after which reasons of the own
    cell's refusal it is asked. `told` names the bytes beside such a refusal that go with the request, "" for none."""

    method: str
    on: frozenset[str]
    told: str = ""


@dataclass(frozen=True, slots=True)
class MobileForm:
    """A path of the mobile payment centre, and the field of the request that numbers its messages, "" for none."""

    path: str
    number: str


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """One `google.api.http` route: verb, path template, name of the body field ("*" = the whole request, "" = none)."""

    verb: str
    path: str
    body: str


@dataclass(frozen=True, slots=True)
class DoorForm:
    """A door: its path, the HTTP methods that it lets in, the headers that it hands on (all where there are none), and whether it
    answers with a status and headers of its own.
    """

    path: str
    verbs: frozenset[str]
    headers: frozenset[str]
    answers_status: bool


@dataclass(frozen=True, slots=True)
class Number:
    """A business number of a message: the span attribute and where its value stands."""

    attribute: str
    get: Getter
