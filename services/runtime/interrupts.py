"""Ctrl-C and SIGTERM at any moment: a program ends without a traceback, and what it has begun is put away first.

From its first line to the moment it has something to put away a program is ended by the signal itself, as a shell expects
(130, 143). It imports next to nothing, so that it comes before what takes long.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_BOTH: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """The program was told to end; `code` is what a shell reads of that."""

    def __init__(self, number: int) -> None:
        self.code = 128 + number
        super().__init__(signal.Signals(number).name)


def quiet(*, child: bool = False) -> None:
    """The first line of a program: SIGINT ends it at once, and one that was held until now arrives.

    A `child` does not hear SIGINT at all: a terminal sends it to parent and child alike, and the parent stops the child.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN if child else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _BOTH)


@contextmanager
def held_back() -> Iterator[None]:
    """A process that is started in the block hears SIGINT only once it is `quiet`: its interpreter begins undisturbed."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def raising() -> Iterator[None]:
    """The first signal in the block raises Interrupted, and the program puts away what it has begun; others are ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [signal.getsignal(number) for number in _BOTH]

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for each in _BOTH:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    for number in _BOTH:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in zip(_BOTH, before, strict=True):
            signal.signal(number, handler)


def end_undisturbed() -> None:
    """From here on neither signal comes through: the program has stopped, and only its interpreter has still to end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _BOTH)
