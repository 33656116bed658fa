"""Log lines as JSON on standard error. A line of a call holds its method, code, time and business numbers, never a message.

Which business numbers a line may show is said by `data_class`: the contract reads only fields marked PUBLIC.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from services.runtime.telemetry import current_span

ACCESS_LOGGER = "yibao.access"

_FIELDS = "fields"
_NOWHERE = logging.makeLogRecord({"pathname": "", "filename": "", "module": "", "funcName": ""}).__dict__
_QUIET = ("asyncio", "sqlalchemy", "opentelemetry", "grpc", "aiosqlite", "urllib3", "alembic")


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the trace, and the fields given as `extra`."""

    def __init__(self) -> None:
        super().__init__()
        self._second = (-1, "")

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, Any] = {
            "time": self._moment(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        span = current_span()
        if span is not None:
            line["trace_id"] = f"{span.trace_id:032x}"
        fields = getattr(record, _FIELDS, None)
        if fields:
            line.update(fields)
        if record.exc_info and record.exc_info[1] is not None and "frames" not in line:
            line.update(describe(record.exc_info[1]))
        return msgspec.json.encode(line, enc_hook=str).decode()

    def _moment(self, created: float) -> str:
        """UTC with milliseconds; the text of the second is made once."""
        second, millis = divmod(int(created * 1000), 1000)
        if second != self._second[0]:
            self._second = (second, datetime.fromtimestamp(second, UTC).isoformat()[:-6])
        return f"{self._second[1]}.{millis:03d}+00:00"


class _Line(logging.LogRecord):
    """A record without the caller's file and line, which no line here shows: looking for them costs as much as the rest."""

    def __init__(self, name: str, level: int, message: str, fields: Mapping[str, object]) -> None:
        created = time.time()
        self.__dict__.update(
            _NOWHERE,
            name=name,
            levelno=level,
            levelname=logging.getLevelName(level),
            msg=message,
            created=created,
            msecs=created * 1000 % 1000,
            fields=fields,
        )


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Sends everything that the process logs to one stream as JSON lines; libraries speak from warning on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def write(logger: logging.Logger, level: int, message: str, fields: Mapping[str, object]) -> None:
    """A line with fields."""
    if logger.isEnabledFor(level):
        logger.handle(_Line(logger.name, level, message, fields))


class ListLine:
    """What is told of the items of a list that were answered: one line for all of them, with the trace and the business numbers
    of each in the same order. An item that came alone has a line as a call has.
    """

    def __init__(self, logger: logging.Logger, member: str, method: str, gone_on: str = "") -> None:
        """`gone_on` is the reason for which other items go on elsewhere."""
        self.wanted = logger.isEnabledFor(logging.INFO)
        self._logger = logger
        self._told: dict[str, object] = {"member": member, "method": method, "code": "OK"}
        if gone_on:
            self._told |= {"code": "FAILED_PRECONDITION", "reason": gone_on}
        self._items: list[tuple[int, Mapping[str, object], float]] = []

    def add(self, trace_id: int, numbers: Mapping[str, object], took_s: float) -> None:
        """An item that is answered."""
        self._items.append((trace_id, numbers, took_s))

    def write(self) -> None:
        """The line; none where no item was answered."""
        if not (self.wanted and self._items):
            return
        traces = [f"{trace_id:032x}" for trace_id, *_ in self._items]
        told = self._told | {"ms": int(max(took_s for *_, took_s in self._items) * 100_000) / 100}
        if len(traces) == 1:
            write(self._logger, logging.INFO, "call", {**told, **self._items[0][1], "trace_id": traces[0]})
            return
        names = dict.fromkeys(name for _, numbers, _ in self._items for name in numbers)
        lists = {name: [numbers.get(name, "") for _, numbers, _ in self._items] for name in names}
        write(self._logger, logging.INFO, "calls", told | {"items": len(traces), **lists, "trace_ids": traces})


def describe(error: BaseException, *, with_text: bool = False) -> dict[str, object]:
    """An unexpected error for the log: its class and where it came from.

    Its text may quote a person's data, so it is written only where there are no real persons: in the sandbox.
    """
    frames = traceback.extract_tb(error.__traceback__)
    described: dict[str, object] = {
        "error": type(error).__qualname__,
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if with_text:
        described["text"] = str(error)
    if error.__cause__ is not None:
        described["cause"] = type(error.__cause__).__qualname__
    return described
