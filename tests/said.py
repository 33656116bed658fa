"""What one logger said while a test ran. A worker may hold a mesh that others of its tests share, and that one logs too."""

from __future__ import annotations

import logging

import pytest


def said(caplog: pytest.LogCaptureFixture, logger: str) -> list[logging.LogRecord]:
    return [each for each in caplog.records if each.name == logger]
