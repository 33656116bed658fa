"""A bug of ours as a client is told of it: by an id that the log has, and nothing else."""

from __future__ import annotations

import logging
from uuid import uuid4

from services.runtime.logs import describe, write
from services.runtime.status import InternalError


def internal_error(log: logging.Logger, error: Exception, sandbox: bool) -> InternalError:
    """Writes what happened, its text in a sandbox alone, and gives what may be answered."""
    error_id = uuid4().hex[:16]
    fields = {"member": "gateway", "error_id": error_id, **describe(error, with_text=sandbox)}
    write(log, logging.ERROR, "internal error", fields)
    return InternalError(error_id, {"error_id": error_id, "member": "gateway"})
