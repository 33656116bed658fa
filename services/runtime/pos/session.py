"""A terminal at its bank: it signs on, seals what it sends and believes nothing without a seal. What is sent, it is told."""

from __future__ import annotations

from typing import Final

from services.runtime.outgoing import Unanswered
from services.runtime.pos.line import PosLine
from services.runtime.pos.messages import Malformed, PosMessage, decode, encode
from services.runtime.pos.parts import ACCEPTED, BAD_SEAL, SIGN_ON, Route, route_of
from services.runtime.pos.seals import SEAL, Algorithm, PosKeys, seal_holds, sealed, unpacked_keys

SIGN_ON_AGAIN: Final = "77"
"""The bank has no keys for this terminal, or another batch."""
_SEALED: Final = frozenset({"0200", "0220", "0400"})
_UNSEALED_ANSWERS: Final = frozenset({BAD_SEAL, SIGN_ON_AGAIN})
_SAME: Final = (4, 11, 41, 42)
_SM4: Final = "SM4:"


class NotSigned(Exception):
    """The bank has done nothing with a message: it does not accept our seal, our batch or our sign-on. `code` is its answer."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Session:
    """One terminal. `secret` is its master key in hex, with "SM4:" before it for a terminal of that cipher."""

    def __init__(
        self, line: PosLine, provider: str, address: str, merchant_no: str, terminal_no: str, secret: str
    ) -> None:
        self._line, self._provider, self._address = line, provider, address
        self._own = {41: terminal_no, 42: merchant_no}
        self._algorithm = Algorithm.SM4 if secret.startswith(_SM4) else Algorithm.DES
        self._master = bytes.fromhex(secret.removeprefix(_SM4))
        self._keys: PosKeys | None = None

    @property
    def signed_on(self) -> bool:
        """Whether there are working keys."""
        return self._keys is not None

    async def sign_on(self, batch: str, trace: str) -> str:
        """Takes new working keys; the bank's open batch. `Unanswered`, `NotSigned`."""
        self._keys = None
        answer = await self._exchanged("0800", {11: trace, 60: str(Route("00", batch, SIGN_ON)), 63: "01 "})
        if answer.get(39) != ACCEPTED:
            raise NotSigned(answer.get(39))
        try:
            keys, batch = unpacked_keys(answer.get(62), self._master, self._algorithm), route_of(answer.get(60)).batch
        except (Malformed, ValueError) as error:
            raise Unanswered(type(error).__name__, sent=True) from None
        self._keys = keys
        return batch

    async def ask(self, mti: str, fields: dict[int, str]) -> PosMessage:
        """The bank's answer. `Unanswered`; `NotSigned`: a new sign-on is needed; `Malformed`: fields do not fit."""
        answer = await self._exchanged(mti, fields)
        if answer.get(39) in _UNSEALED_ANSWERS:
            self._keys = None
            raise NotSigned(answer.get(39))
        return answer

    async def _exchanged(self, mti: str, fields: dict[int, str]) -> PosMessage:
        message = PosMessage(mti, {**fields, **self._own})
        keys = self._keys
        if mti in _SEALED and keys is None:
            raise NotSigned(SIGN_ON_AGAIN)
        raw = sealed(message, keys) if keys is not None and mti in _SEALED else encode(message)
        told = await self._line.exchange(self._provider, self._address, message, raw)
        try:
            answer = decode(told)
        except Malformed:
            raise Unanswered("ANSWER_MALFORMED", sent=True) from None
        if answer.mti != f"{mti[:2]}{int(mti[2]) + 1}{mti[3]}" or any(
            answer.get(number) != message.get(number) for number in _SAME if number in message.fields
        ):
            raise Unanswered("ANSWER_TO_ANOTHER", sent=True)
        if mti in _SEALED and answer.get(39) not in _UNSEALED_ANSWERS:
            self._believe(answer, told)
        return answer

    def _believe(self, answer: PosMessage, told: bytes) -> None:
        if self._keys is None or SEAL not in answer.fields or not seal_holds(told, self._keys):
            raise Unanswered("ANSWER_UNSEALED", sent=True)
