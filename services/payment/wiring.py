"""Puts the member payment together: store, peers, channels, operations, servicers, and the loop that brings orders on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import SystemRandom
from time import monotonic
from typing import Any, Final, Protocol

from services import cells
from services.kernel.clock import Clock
from services.kernel.errors import Fault
from services.payment.channels.alipay import Alipay
from services.payment.channels.bank import BankChannel
from services.payment.channels.bill_desk import BillDesk
from services.payment.channels.cash import Cash
from services.payment.channels.desk import Accounts, ChannelDesk
from services.payment.channels.national import NationalApp
from services.payment.channels.protocol import Channel, Delivery
from services.payment.channels.record import Record
from services.payment.channels.wechat import WeChat
from services.payment.domain.accounts import Account
from services.payment.domain.numbers import mark
from services.payment.domain.orders import PayOrder
from services.payment.domain.revoking import revs_token
from services.payment.domain.runs import DifferenceState, RunState
from services.payment.loader import Merchants, read_merchants
from services.payment.operations.books import Books, Write
from services.payment.operations.daily import Daily
from services.payment.operations.deciding import Deciding
from services.payment.operations.driving import Driving
from services.payment.operations.egress import Egress
from services.payment.operations.loop import OrderLoop
from services.payment.operations.paying import Paying
from services.payment.operations.reconciling import Counted, Reconciling
from services.payment.operations.reconciling_books import Comparing
from services.payment.operations.reconciling_repairs import Repairing
from services.payment.operations.refunding import Refunding
from services.payment.operations.saving import Saving
from services.payment.operations.telling import Telling
from services.payment.peers.authorisations import AuthorisationsElsewhere
from services.payment.peers.bills import Bills
from services.payment.peers.catalogue import KnownInstitutions
from services.payment.peers.elsewhere import ROUTING
from services.payment.peers.institutions import Institutions
from services.payment.peers.partners import Partners
from services.payment.peers.settlements import Settlements
from services.payment.peers.statements import Statements
from services.payment.servicer.authorisations import AuthorisationServicer
from services.payment.servicer.bureau import BureauServicer
from services.payment.servicer.egress import EgressServicer
from services.payment.servicer.held import HeldServicer
from services.payment.servicer.notifies import NotifyServicer
from services.payment.servicer.pay_orders import PayOrderServicer
from services.payment.servicer.reconciliations import ReconciliationServicer
from services.payment.servicer.unhurried import Unhurried
from services.payment.store.notice_rows import COUNTED
from services.payment.store.terminal_rows import TerminalRows
from services.payment.store.unit import PaymentStore
from services.runtime.auth import TokenSigner
from services.runtime.callbacks import Callbacks
from services.runtime.circuits import Circuits
from services.runtime.committer import Committer
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.elsewhere import HomeFirst
from services.runtime.identifiers import time_ordered_ids
from services.runtime.logs import describe, write
from services.runtime.national import sm2
from services.runtime.outbound import Peers
from services.runtime.outgoing import Outgoing
from services.runtime.pos.line import PosLine
from services.runtime.server import AddToServer, MemberServer, StartError
from services.runtime.telemetry import ROOT, Telemetry, current_span, extract
from yibao.payment.v1 import (
    authorisation_pb2_grpc,
    bureau_pb2_grpc,
    channel_pb2,
    egress_pb2_grpc,
    held_pb2_grpc,
    notify_pb2_grpc,
    pay_order_pb2_grpc,
    reconciliation_pb2_grpc,
)

MEMBER: Final = "payment"
MERCHANTS: Final = "YIBAO_MERCHANTS"
_RESTING: Final = (
    "Orders and charges that people have to decide about, and notices to institutions that are open or given up."
)
TOKENS: Final = "yibao payment: tokens"
"""For what the key of order tokens is derived."""


async def build(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> MemberServer:
    """The member, not yet started."""
    database = Database(config.database_url(MEMBER), clock, config.integer("YIBAO_DATABASE_POOL"))
    store = PaymentStore(database)
    peers = _peers(config, signer, telemetry)
    books = Books(store, clock, timedelta(days=config.integer("YIBAO_EGRESS_DAYS")))
    outside = _outside(config, clock, telemetry, database, books)
    desk, merchants = outside.desk, outside.merchants
    committer: Committer[Write, bool] = Committer("pay order", books.commit, telemetry=telemetry)
    books.submit = committer.submit
    settlements, bills, authorised = _settling(config, peers)
    driving = Driving(books, settlements, bills, desk, _found)
    new_id, own, work = time_ordered_ids(clock, SystemRandom()), mark(config.cell), Unhurried()
    known = KnownInstitutions(peers, clock, monotonic).check
    saving = Saving(books, driving, settlements, bills, new_id, partial(_key, signer), authorised, desk.balance, known)
    paying = Paying(books, driving, settlements, desk, partial(new_id, f"C{own}"))
    loop = OrderLoop(books, driving, partial(_span, telemetry), _told_stuck)
    reconciling = _reconciling(driving, store, desk, outside.bills, peers, config.cell, new_id)
    refunding, key = Refunding(books, driving, partial(new_id, f"F{own}")), partial(_key, signer)
    told = _TellingParts(config, telemetry, clock, books, Partners(peers, monotonic), key)
    loops: list[_Loop] = [loop, told.telling, *_daily(config, telemetry, store, books, reconciling)]
    orders = PayOrderServicer(
        books, saving, paying, refunding, desk.plan, merchants.closed, key, work, told.partners.shown
    )
    servicers: list[tuple[AddToServer, Any]] = [
        (pay_order_pb2_grpc.add_PayOrderServiceServicer_to_server, orders),
        *_asked_by_people(saving, key, config.cell),
        *_asked_by_others(paying, loop, Deciding(books, driving, partial(new_id, "D")), work),
        (reconciliation_pb2_grpc.add_ReconciliationServiceServicer_to_server, ReconciliationServicer(reconciling)),
        (egress_pb2_grpc.add_EgressServiceServicer_to_server, EgressServicer(Egress(books))),
    ]

    async def start() -> None:
        await store.start()
        if database.dialect == "sqlite":
            await books.release()
        for each in loops:
            each.start()

    async def stop() -> None:
        await work.idle()
        await _ended(*loops, reconciling, committer)
        with suppress(Fault):
            await books.write_told()
        for held in (told.callbacks, outside.outgoing, outside.pos, peers, database):
            await held.close()

    return MemberServer(
        *(MEMBER, config, telemetry, servicers, start, stop, database.ping), store=database, signer=signer, clock=clock
    )


class _Going(Protocol):
    """What ends when it is told."""

    async def stop(self) -> None: ...


class _Loop(_Going, Protocol):
    """What goes on by itself from start to stop."""

    def start(self) -> None: ...


async def _ended(*going: _Going) -> None:
    """Ends them one after the other."""
    for each in going:
        await each.stop()


@dataclass(frozen=True, slots=True)
class _Outside:
    """What reaches channels."""

    merchants: Merchants
    outgoing: Outgoing
    pos: PosLine
    desk: ChannelDesk
    bills: BillDesk


def _outside(config: Config, clock: Clock, telemetry: Telemetry, database: Database, books: Books) -> _Outside:
    """The channels that some institution has a contract with, whatever they are told recorded; StartError."""
    merchants, record = _merchants(config), Record(books.note, books.now)
    outgoing, pos = Outgoing(telemetry, record.told), PosLine(telemetry, record.told)
    lines = Lines(outgoing, pos, TerminalRows(database, clock), clock, config.text("YIBAO_LIBCRYPTO"))
    channels = channels_of(merchants, lines)
    desk = ChannelDesk(channels, Accounts(merchants.accounts), _told_lost, record.about)
    return _Outside(merchants, outgoing, pos, desk, BillDesk(channels, merchants.accounts))


def _peers(config: Config, signer: TokenSigner, telemetry: Telemetry) -> Peers:
    """Whom payment calls. Routing dark keeps only those waiting who asked it first; orders of the own cell do not pass it."""
    circuits = Circuits(telemetry.metrics)
    return Peers(MEMBER, config, signer, telemetry, circuits=circuits, circuits_to=frozenset({ROUTING}))


def _settling(config: Config, peers: Peers) -> tuple[Settlements, Bills, AuthorisationsElsewhere]:
    """What is asked of settlement, and of routing for people of other cells."""
    others = config.beside_others
    home_first = HomeFirst(peers, beside_others=others)
    authorised = AuthorisationsElsewhere(peers, config.cell, cells.of_division, beside_others=others)
    return Settlements(peers, home_first, config.cell), Bills(peers, home_first), authorised


def _asked_by_people(saving: Saving, key: Callable[[], bytes], own_cell: str) -> list[tuple[AddToServer, Any]]:
    """The servicer of persons."""
    authorisations = AuthorisationServicer(saving, key, own_cell)
    return [(authorisation_pb2_grpc.add_AuthorisationServiceServicer_to_server, authorisations)]


def _asked_by_others(
    paying: Paying, loop: OrderLoop, deciding: Deciding, work: Unhurried
) -> list[tuple[AddToServer, Any]]:
    """The servicers of channels and operators."""
    return [
        (bureau_pb2_grpc.add_BureauServiceServicer_to_server, BureauServicer(paying)),
        (notify_pb2_grpc.add_NotifyServiceServicer_to_server, NotifyServicer(paying, loop, Delivery)),
        (held_pb2_grpc.add_HeldServiceServicer_to_server, HeldServicer(deciding, work)),
    ]


def _reconciling(
    driving: Driving,
    store: PaymentStore,
    desk: ChannelDesk,
    bills: BillDesk,
    peers: Peers,
    own_cell: str,
    new_id: Callable[[str], str],
) -> Reconciling:
    """What compares days."""
    comparing = Comparing(store, driving.books, bills, Statements(peers), partial(new_id, "DF"), own_cell)
    repairing = Repairing(store, driving.books, driving, desk, _told_broken)
    return Reconciling(store, driving.books, comparing, repairing, partial(new_id, "R"), _told_broken)


def _daily(
    config: Config, telemetry: Telemetry, store: PaymentStore, books: Books, reconciling: Reconciling
) -> Sequence[Daily]:
    """What begins a day's comparison by itself, unless that is switched off."""
    hour = config.text("YIBAO_RECONCILE_HOUR")
    if hour == "off":
        return ()
    span = partial(telemetry.span, "reconciliation of a day", parent=ROOT)
    return (Daily(store, books, reconciling, int(hour), span, _told_day, lambda error: _told_broken(error, "")),)


@dataclass(frozen=True, slots=True)
class Lines:
    """What adapters need beside their accounts: the ways out, the book of terminals, the clock."""

    outgoing: Outgoing
    pos: PosLine
    book: TerminalRows
    clock: Clock
    libcrypto: str


def channels_of(merchants: Merchants, lines: Lines) -> Sequence[Channel]:
    """The adapters whose channel some institution has a contract with, and cash; StartError for a key that is none."""
    known = {each.channel for each in merchants.accounts}
    makers: dict[str, Callable[[], Channel]] = {
        "wechat": lambda: WeChat(merchants.accounts, lines.outgoing, lines.clock),
        "alipay": lambda: Alipay(merchants.accounts, lines.outgoing, lines.clock),
        "bank": lambda: BankChannel(_of_bank(merchants), lines.book, lines.pos, lines.outgoing, lines.clock),
        "national": lambda: NationalApp(merchants.accounts, sm2.open_sm2(lines.libcrypto), lines.outgoing, lines.clock),
    }
    if known - makers.keys():
        raise StartError(f"{MERCHANTS}: no channel is called {min(known - makers.keys())}")
    try:
        return (Cash(), *(make() for name, make in makers.items() if name in known))
    except (ValueError, sm2.Sm2Unavailable) as error:
        raise StartError(f"{MERCHANTS}: {error}") from None


class _TellingParts:
    """What tells institutions (6302): their profiles, the way to them, the loop, and what is counted beside it."""

    def __init__(
        self,
        config: Config,
        telemetry: Telemetry,
        clock: Clock,
        books: Books,
        partners: Partners,
        key: Callable[[], bytes],
    ) -> None:
        self.partners = partners
        self.callbacks = Callbacks(telemetry, plain=config.sandbox, private=config.private_callbacks)
        opened = partial(sm2.open_sm2, config.text("YIBAO_LIBCRYPTO"))
        institutions = Institutions(self.callbacks, opened, partial(_revs, key, books), clock)
        self.telling = Telling(books, institutions, partners.profile, partial(_span, telemetry), _told_untold)
        for kind in COUNTED:
            counted = partial(_counted, self.telling, kind)
            telemetry.metrics.gauge("yibao_payments_resting", _RESTING, {"kind": kind}, counted)


def _counted(telling: Telling, kind: str) -> float:
    return float(telling.counts.get(kind, 0))


def _revs(key: Callable[[], bytes], books: Books, order: PayOrder) -> str:
    return revs_token(key(), order, books.now())


def _of_bank(merchants: Merchants) -> Callable[[channel_pb2.Merchant], Account]:
    """The contract of a merchant with its bank."""
    held = {(each.merchant_no, each.app_no): each for each in merchants.accounts if each.channel == "bank"}
    return lambda merchant: held[merchant.merchant_no, merchant.app_no]


def _merchants(config: Config) -> Merchants:
    """The file that is set, or none; StartError where it cannot be read."""
    path = config.path(MERCHANTS)
    if path is None:
        return Merchants()
    try:
        return read_merchants(path)
    except Fault as fault:
        wrong = "; ".join(f"{each.path}: {each.description}" for each in fault.violations)
        raise StartError(f"{MERCHANTS}: {wrong}") from None
    except OSError as error:
        raise StartError(f"{MERCHANTS}: {error.strerror}") from None


def _key(signer: TokenSigner) -> bytes:
    return signer.derived(TOKENS)[0]


def _span(telemetry: Telemetry, number: str, traceparent: str) -> Any:
    """A span of its own for what is done when nobody waits any more: found by the order's number, and linked to the call that
    began to pay it and to the one that has just told of it."""
    links = [each for each in (extract(traceparent), current_span()) if each is not None]
    return telemetry.span("pay order goes on", attributes={"yibao.pay_ord_id": number}, parent=ROOT, links=links)


def _found(numbers: Mapping[str, str]) -> None:
    """Numbers of a charge by which the current span is found."""
    span = current_span()
    if span is not None:
        span.set_attributes({f"yibao.{name}": number for name, number in numbers.items() if number})


def _told_lost(channel: str, reason: str) -> None:
    """A line where nobody knows what became of a call to a channel, or where a notify proves nothing."""
    told = {"channel": channel, "reason": reason}
    write(logging.getLogger("yibao.payment"), logging.WARNING, "a channel is not understood", told)


def _told_broken(error: BaseException, number: str) -> None:
    """A line where a reconciliation came to nothing, or the repair of one difference; by its number."""
    told = {"number": number, **describe(error)}
    write(logging.getLogger("yibao.payment"), logging.ERROR, "a reconciliation came to nothing", told)


def _told_day(told: Counted) -> None:
    """A line for each day that was reconciled by itself: a warning where people have something to look at."""
    run, open_count = told.run, told.counts.get(DifferenceState.OPEN, 0)
    whole = run.state is RunState.DONE and not (run.unread or run.unasked or open_count)
    says = {"day": f"{run.day}", "run_no": run.run_no, "state": run.state.value, "open": open_count}
    says |= {"unread": len(run.unread), "unasked": run.unasked}
    level = logging.INFO if whole else logging.WARNING
    write(logging.getLogger("yibao.payment"), level, "a day is reconciled", says)


def _told_untold(notice_no: str, reason: str) -> None:
    """A line where an institution did not hear of its order for a day, or where nobody can be told now."""
    told = {"notice_no": notice_no, "reason": reason}
    write(logging.getLogger("yibao.payment"), logging.WARNING, "an institution is not told", told)


def _told_stuck(error: BaseException, number: str) -> None:
    """A line where an order cannot be brought on; it is tried again for ever."""
    why = {"reason": error.reason} if isinstance(error, Fault) else {}
    told = {"pay_ord_id": number, **why, **describe(error)}
    write(logging.getLogger("yibao.payment"), logging.ERROR, "an order cannot be brought on; trying on", told)
