"""The content hash of a policy document: what a settlement keeps to say which text it was computed from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping


def policy_hash(document: Mapping[str, object]) -> str:
    """SHA-256 (hex) of the document's canonical JSON: keys sorted, no spaces, UTF-8, no NaN. Layout and comments of the
    file do not count, every value does."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
