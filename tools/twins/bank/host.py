"""The bank's answers to a terminal: sign-on, balance, purchase, void, refund, reversal (C§3.2), one change of the book for each.

A request comes in with its raw bytes, because its seal is over them. What public texts leave open is marked "ours".
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.runtime.pos import parts
from services.runtime.pos.messages import Malformed, PosMessage, encode
from services.runtime.pos.parts import Kind
from services.runtime.pos.seals import SEAL, Algorithm, PosKeys, enciphered, packed_keys, seal_holds, sealed
from tools.twins.bank import batches
from tools.twins.bank.book import Account, Book, Terminal, Trade
from tools.twins.bank.cards import MASTER, algorithm_of, chosen_answer
from tools.twins.clock import Clock

NO_MERCHANT, NO_CARD, MALFORMED, NOT_SERVED = "03", "14", "30", "40"
LOST_CARD, FUNDS, EXPIRED, PIN, NOT_FOR_CARD, LIMIT, AMOUNT = "41", "51", "54", "55", "57", "61", "64"
SIGN_ON_FIRST, NO_TERMINAL = "77", "97"
INVALID, UNKNOWN = "12", "25"
ACQUIRER: Final = "90000001"
_KEY_BYTES: Final = 16
_ECHOED: Final = (2, 3, 4, 11, 25, 41, 42, 49, 60, 63)
_SEALED: Final = frozenset({"0200", "0220", "0400"})


class Refused(Exception):
    """An answer other than 00; `code` is field 39, `rrn` of a duplicate the number of what was accepted before (ours)."""

    def __init__(self, code: str, rrn: str = "") -> None:
        self.code = code
        self.rrn = rrn
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was understood so far: who sends it, under which route, and with which keys it is sealed."""

    message: PosMessage
    terminal: Terminal
    route: parts.Route
    amount_fen: int

    @property
    def trace(self) -> str:
        """F11."""
        return self.message.get(11)


class Host:
    """The bank behind the line."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def answer(self, message: PosMessage, raw: bytes) -> bytes:
        """The bytes of the answer, sealed where the request's kind is; `Malformed` where not even an answer can be made."""
        terminal: Terminal | None = None
        with self._book.shelf.change():
            try:
                terminal, told = self._told(message, raw)
            except Refused as refused:
                terminal = self._book.terminal(message.get(41), message.get(42))
                told = {39: refused.code} | ({37: refused.rrn} if refused.rrn else {})
            except Malformed:
                told = {39: MALFORMED}
        now = self._clock.now()
        echoed = {number: message.fields[number] for number in _ECHOED if number in message.fields}
        moment = {12: f"{now:%H%M%S}", 13: f"{now:%m%d}", 15: f"{now:%m%d}", 32: ACQUIRER}
        answer = PosMessage(_answer_type(message.mti), {**echoed, **moment, **told})
        keys = None if terminal is None else terminal.keys
        if message.mti not in _SEALED or keys is None:
            return encode(answer)
        return sealed(answer, keys)

    def _told(self, message: PosMessage, raw: bytes) -> tuple[Terminal, dict[int, str]]:
        terminal = self._terminal(message)
        route = parts.route_of(message.get(60))
        match message.mti, route.network:
            case "0800", "001" | "003":
                return terminal, self._signed_on(terminal, route)
            case "0820", parts.SIGN_OFF:
                terminal.pin_key = terminal.seal_key = ""
                self._book.keep_terminal(terminal)
                return terminal, {39: parts.ACCEPTED}
        if terminal.keys is None:
            raise Refused(SIGN_ON_FIRST)
        if message.mti == "0500":
            return terminal, batches.settle(self._book, terminal, route, message)
        if message.mti == "0320":
            return terminal, batches.upload(self._book, terminal, route, message)
        if message.mti not in _SEALED:
            raise Refused(NOT_SERVED)
        self._sealed(message, raw, terminal.keys)
        call = Call(message, terminal, route, int(message.get(4, "0")))
        if message.mti == "0400":
            return terminal, self._reverse(call)
        return terminal, self._booked(call)

    def _terminal(self, message: PosMessage) -> Terminal:
        if algorithm_of(message.get(41)) is None:
            raise Refused(NO_TERMINAL)
        terminal = self._book.terminal(message.get(41), message.get(42))
        if terminal is None:
            raise Refused(NO_MERCHANT)
        return terminal

    def _signed_on(self, terminal: Terminal, route: parts.Route) -> dict[int, str]:
        algorithm = algorithm_of(terminal.number)
        assert algorithm is not None  # `_terminal` has looked.
        keys = PosKeys(secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(_KEY_BYTES), algorithm)
        terminal.pin_key, terminal.seal_key = keys.pin.hex(), keys.seal.hex()
        self._book.keep_terminal(terminal)
        batch = parts.Route(route.code, terminal.batch_no, route.network)
        return {39: parts.ACCEPTED, 60: str(batch), 62: packed_keys(keys, MASTER)}

    def _sealed(self, message: PosMessage, raw: bytes, keys: PosKeys) -> None:
        if SEAL not in message.fields or not seal_holds(raw, keys):
            raise Refused(parts.BAD_SEAL)

    def _booked(self, call: Call) -> dict[int, str]:
        kind = parts.kind_of(call.message.mti, call.message.get(3), call.route.code)
        if kind is None:
            raise Refused(NOT_SERVED)
        if kind is Kind.BALANCE:
            account = self._account(call)
            return {39: parts.ACCEPTED, 54: parts.balance_field(account.balance_fen)}
        if self._book.spent(call.terminal.number, call.route.batch, call.trace):
            before = self._book.traced(call.terminal.number, call.route.batch, call.trace)
            same = before is not None and (before.kind, before.amount_fen) == (kind.name, call.amount_fen)
            raise Refused(parts.DUPLICATE, before.rrn if before is not None and same and not before.reversed else "")
        if call.route.batch != call.terminal.batch_no:
            raise Refused(SIGN_ON_FIRST)
        made: Callable[[Call], Trade] = {
            Kind.PURCHASE: self._purchase,
            Kind.VOID: self._void,
            Kind.REFUND: self._refund,
        }[kind]
        if call.amount_fen <= 0:
            raise Refused("13")
        trade = made(call)
        self._book.keep(trade)
        self._book.spend(trade.terminal, trade.batch, trade.trace, trade.rrn)
        return {39: parts.ACCEPTED, 37: trade.rrn, 38: trade.rrn[-6:]}

    def _account(self, call: Call) -> Account:
        account = self._book.account(call.message.get(2))
        if account is None:
            raise Refused(NO_CARD)
        if account.lost:
            raise Refused(LOST_CARD)
        if account.expiry < f"{self._clock.now():%y%m}":
            raise Refused(EXPIRED)
        if account.pin and not _pin_fits(account, call):
            raise Refused(PIN)
        return account

    def _purchase(self, call: Call) -> Trade:
        account = self._account(call)
        chosen = chosen_answer(call.amount_fen)
        if chosen is not None:
            raise Refused(chosen)
        if call.amount_fen > account.limit_fen:
            raise Refused(LIMIT)
        if call.amount_fen > account.balance_fen:
            raise Refused(FUNDS)
        trade = self._trade(call, Kind.PURCHASE, account.card)
        self._book.move(account.card, -call.amount_fen)
        return trade

    def _void(self, call: Call) -> Trade:
        bought = self._original(call)
        if bought.settled or bought.batch != call.terminal.batch_no or bought.returned_fen:
            raise Refused(INVALID)
        if call.amount_fen != bought.amount_fen:
            raise Refused(AMOUNT)
        trade = self._trade(call, Kind.VOID, bought.card, bought.rrn)
        bought.voided, bought.returned_fen = True, bought.amount_fen
        self._book.keep(bought)
        self._book.move(bought.card, bought.amount_fen)
        return trade

    def _refund(self, call: Call) -> Trade:
        bought = self._original(call)
        account = self._book.account(bought.card)
        if account is None or not account.takes_refunds:
            raise Refused(NOT_FOR_CARD)
        if bought.voided:
            raise Refused(INVALID)
        if bought.returned_fen + call.amount_fen > bought.amount_fen:
            raise Refused(AMOUNT)
        trade = self._trade(call, Kind.REFUND, bought.card, bought.rrn)
        bought.returned_fen += call.amount_fen
        self._book.keep(bought)
        self._book.move(bought.card, call.amount_fen)
        return trade

    def _original(self, call: Call) -> Trade:
        """The purchase that is meant. A card in the message must be the same (ours: it may be left out)."""
        original = parts.original_of(call.message.get(61))
        bought = self._book.original(call.terminal.number, original, call.message.get(37))
        if bought is None or bought.reversed or call.message.get(2, bought.card) != bought.card:
            raise Refused(UNKNOWN)
        return bought

    def _reverse(self, call: Call) -> dict[int, str]:
        """Undoes what came under the same trace; what never came is refused from now on (ours): a late one has no effect."""
        number, batch = call.terminal.number, call.route.batch
        trade = self._book.traced(number, batch, call.trace)
        if trade is None:
            self._book.spend(number, batch, call.trace, "")
            raise Refused(UNKNOWN)
        if trade.reversed:
            return {39: parts.ACCEPTED, 37: trade.rrn}
        if trade.kind == Kind.REFUND.name or trade.settled or trade.returned_fen:
            raise Refused(NOT_SERVED if trade.kind == Kind.REFUND.name else INVALID)
        trade.reversed = True
        self._book.keep(trade)
        self._book.move(trade.card, trade.amount_fen if trade.kind == Kind.PURCHASE.name else -trade.amount_fen)
        if trade.of and (bought := self._book.trade(trade.of)) is not None:
            bought.voided, bought.returned_fen = False, 0
            self._book.keep(bought)
        return {39: parts.ACCEPTED, 37: trade.rrn}

    def _trade(self, call: Call, kind: Kind, card: str, of: str = "") -> Trade:
        now = self._clock.now()
        day = now.date().isoformat()
        return Trade(
            rrn=self._book.next_rrn(day),
            kind=kind.name,
            terminal=call.terminal.number,
            merchant=call.terminal.merchant,
            batch=call.route.batch,
            trace=call.trace,
            day=day,
            at=now.isoformat(timespec="seconds"),
            card=card,
            amount_fen=call.amount_fen,
            reference=call.message.get(63)[3:].strip(),
            of=of,
        )


def _answer_type(mti: str) -> str:
    return f"{mti[:2]}{int(mti[2]) + 1}{mti[3]}" if mti[2:3] in set("02468") else "0810"


def _pin_fits(account: Account, call: Call) -> bool:
    """Whether field 52 is this PIN: length and digits folded with the card's last twelve but the check digit (ANSI X9.8), under
    the terminal's key. Terminals of SM4 send no PIN (ours: the field has eight bytes).
    """
    keys, block = call.terminal.keys, call.message.get(52)
    if keys is None or not block or keys.algorithm is not Algorithm.DES:
        return False
    told = int(f"0{len(account.pin)}{account.pin}".ljust(16, "F"), 16) ^ int(account.card[-13:-1], 16)
    return enciphered(keys.pin, told.to_bytes(8, "big"), keys.algorithm) == bytes.fromhex(block)
