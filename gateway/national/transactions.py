"""Transactions by number: those served, with their compiled codecs, and the titles of all that are known.

Both are read, not written: served ones from the `transaction` options, titles from a table of names.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from io import StringIO
from string import ascii_uppercase
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gateway.national.codec.decode import RequestReader, compile_request
from gateway.national.codec.encode import ResponseWriters, compile_response
from gateway.national.codec.plan import FieldPlan, Kind, Place, fields_of
from gateway.national.envelope import INFNO
from gateway.national.lenience import Lenience
from gateway.national.notices import Notices, compile_notices
from services.kernel.errors import Fault, FaultKind
from services.runtime.contract import Contract, ContractError, MethodContract
from services.runtime.forms import Transaction
from services.runtime.texts.gateway import NOT_PLANNED, PLANNED
from yibao.identity.v1.partner_pb2 import Dialect

# Of the envelope itself, beside `input`.
_SIGN_NO: Final = "sign_no"


@dataclass(frozen=True, slots=True)
class Served:
    """One transaction: its method, the reader of its request, the writer of its answer and what that says beside it.

    `key` is the number that its messages are kept under: 2207 for 2207A too, which is the same transaction, so that a message
    that is sent again under the other number is a repeat (our decision).
    `keyed` where the request carries a request key, so that a message number is needed; `signed` where it carries the
    sign-in number, so that one that is given is checked.
    """

    infno: str
    key: str
    wrapper: str
    method: MethodContract
    read: RequestReader
    answer: ResponseWriters
    notices: Notices
    keyed: bool
    signed: bool
    lenience: Lenience
    bare_if: str
    file: str

    def bare_for(self, dialect: Dialect) -> Callable[[Message], str] | None:
        """The writer of the answer without its node, where the transaction has such a form for clients of this dialect."""
        if self.wrapper != INFNO or (self.bare_if and getattr(dialect, self.bare_if)):
            return self.answer.bare
        return None

    def missing(self, msgid: str, institution: str) -> list[str]:
        """Names of what routing and proof need and the envelope does not have."""
        if self.wrapper != INFNO:
            return [] if institution else ["orgId"]
        return [*([] if institution else ["fixmedins_code"]), *(["msgid"] if self.keyed and not msgid else [])]


class Transactions:
    """The table of one contract."""

    def __init__(self, contract: Contract, titles: Mapping[str, str], planned: Collection[str] = ()) -> None:
        self._titles = titles
        self._planned = frozenset(planned)
        self._served: dict[tuple[str, str], Served] = {}
        for method in contract.methods.values():
            for served in _served(method):
                if self._served.setdefault((served.infno, served.wrapper), served) is not served:
                    raise ContractError(f"{method.full_name}: {served.infno} is served twice")

        self._lists: dict[str, int] = {}
        for each in self._served.values():
            descriptor: Any = each.method.request_class.DESCRIPTOR
            for plan in fields_of(descriptor):
                for name in plan.names if plan.most is not None else ():
                    self._lists[name] = max(plan.most or 0, self._lists.get(name, 0))

    def find(self, infno: str, wrapper: str) -> Served:
        """The transaction of a number; Fault INFNO_NOT_SERVED for a known one, else INFNO_UNKNOWN."""
        served = self._served.get((infno, wrapper))
        if served is not None:
            return served
        if infno in self._titles:
            plan = PLANNED if infno in self._planned else NOT_PLANNED
            title = {"infno": infno, "title": self._titles[infno], "plan": plan}
            raise Fault(FaultKind.UNSERVED, "INFNO_NOT_SERVED", title)
        raise Fault(FaultKind.UNSERVED, "INFNO_UNKNOWN", {"infno": infno[:10]})

    def title(self, infno: str) -> str:
        """The Chinese name of a number, "" for one that is not known."""
        return self._titles.get(infno, "")

    @property
    def served(self) -> tuple[Served, ...]:
        """All that are served, in the order of their numbers."""
        return tuple(sorted(self._served.values(), key=lambda each: (each.infno, each.wrapper)))

    @property
    def lists(self) -> Mapping[str, int]:
        """The most rows of each node that is a list, by name; where transactions differ, of the one that takes most."""
        return self._lists

    @property
    def titles(self) -> Mapping[str, str]:
        """All known numbers with their names."""
        return self._titles


def known_titles() -> Mapping[str, str]:
    """Number → Chinese name of every transaction of the national text and of the provincial numbers seen beside it."""
    return {row["infno"]: row["title"] for row in _known()}


def planned_numbers() -> frozenset[str]:
    """The known numbers that are not served yet and will be."""
    return frozenset(row["infno"] for row in _known() if row["planned"])


def _known() -> Iterator[Mapping[str, str]]:
    table = files("gateway.national").joinpath("transactions.csv").read_text(encoding="utf-8")
    yield from csv.DictReader(StringIO(table))


def _served(method: MethodContract) -> tuple[Served, ...]:
    if not method.transactions:
        return ()
    descriptor: Any = method.request_class.DESCRIPTOR
    plans = fields_of(descriptor)
    infnos = frozenset(each.infno for each in method.transactions)
    read, answer = compile_request(method.request_class, infnos), compile_response(method.response_class)
    notices = compile_notices(method.response_class)
    keyed = any(plan.place is Place.REQUEST_KEY for plan in plans)
    signed = any(_carries_sign_no(plan) for plan in plans)
    lenience = Lenience(descriptor, signed)
    return tuple(
        Served(
            each.infno,
            _key(each.infno, infnos),
            each.wrapper,
            method,
            read,
            answer,
            notices,
            keyed,
            signed,
            lenience,
            _switch(method, each, answer),
            _file(method, each),
        )
        for each in method.transactions
    )


def _switch(method: MethodContract, transaction: Transaction, answer: ResponseWriters) -> str:
    """The switch of a dialect that the option names; ContractError where no dialect has it or nothing could be bare."""
    name = transaction.bare_if
    if not name:
        return ""
    switch = Dialect.DESCRIPTOR.fields_by_name.get(name)
    if switch is None or switch.type != FieldDescriptor.TYPE_BOOL:
        raise ContractError(f"{method.full_name}: no dialect has the switch {name!r}")
    if answer.bare is None:
        raise ContractError(f"{method.full_name}: {name} needs an answer of one node")
    return name


def _file(method: MethodContract, transaction: Transaction) -> str:
    """The field whose bytes are the answer; ContractError where the response has no such text."""
    field = method.response_class.DESCRIPTOR.fields_by_name.get(transaction.file) if transaction.file else None
    if transaction.file and (field is None or field.type != FieldDescriptor.TYPE_STRING):
        raise ContractError(f"{method.full_name}: the answer has no text {transaction.file!r}")
    return transaction.file


def _key(infno: str, infnos: frozenset[str]) -> str:
    """The plain number of a transaction, where its method serves that as well as the one with a letter."""
    plain = infno.rstrip(ascii_uppercase)
    return plain if plain in infnos else infno


def _carries_sign_no(plan: FieldPlan) -> bool:
    if plan.place is not Place.ENVELOPE:
        return False
    if plan.kind is Kind.ROW and plan.row is not None:
        return any(_SIGN_NO in each.names for each in fields_of(plan.row))
    return _SIGN_NO in plan.names
