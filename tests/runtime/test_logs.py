"""Log lines: one JSON object each, and of an error what may be told."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from services.runtime.logs import configure_logging, describe, write


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    written = io.StringIO()
    configure_logging("info", written)
    yield written
    root.handlers[:] = kept
    root.setLevel(level)


def test_a_line_is_one_json_object(stream: io.StringIO) -> None:
    write(logging.getLogger("yibao.test"), logging.WARNING, "two\nlines", {"number": 1, "text": "二"})
    (line,) = stream.getvalue().splitlines()
    shown = json.loads(line)
    assert (shown["message"], shown["number"], shown["text"]) == ("two\nlines", 1, "二")
    assert (shown["level"], shown["logger"]) == ("warning", "yibao.test")


def test_a_librarys_exception_is_described_without_its_text(stream: io.StringIO) -> None:
    try:
        raise KeyError("a person")
    except KeyError:
        logging.getLogger("library").exception("failed")
    shown = json.loads(stream.getvalue())
    assert shown["error"] == "KeyError"
    assert "a person" not in stream.getvalue()


def test_libraries_do_not_chatter(stream: io.StringIO) -> None:
    logging.getLogger("sqlalchemy.engine").info("SELECT a person")
    logging.getLogger("yibao.x").debug("not asked for")
    assert stream.getvalue() == ""


def test_an_error_is_described_by_class_place_and_cause() -> None:
    def fail() -> None:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("outer") from error

    with pytest.raises(ValueError, match="outer") as caught:
        fail()
    shown = describe(caught.value)
    assert (shown["error"], shown["cause"]) == ("ValueError", "KeyError")
    assert "text" not in shown
    assert describe(caught.value, with_text=True)["text"] == "outer"
