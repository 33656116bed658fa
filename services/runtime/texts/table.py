"""Every reason of the mesh with its text in Chinese and English, and the words of a fault in either language.

A placeholder `{name}` stands for the fault's metadata of that name. A text never names a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from services.kernel.errors import Fault
from services.runtime.texts.catalogue import CATALOGUE
from services.runtime.texts.gateway import GATEWAY
from services.runtime.texts.identity import IDENTITY
from services.runtime.texts.runtime import RUNTIME
from services.runtime.texts.settlement import SETTLEMENT
from services.runtime.texts.settlement_ledger import SETTLEMENT_LEDGER
from services.runtime.texts.since import SINCE

Language = Literal["zh", "en"]

TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    **RUNTIME,
    **IDENTITY,
    **CATALOGUE,
    **SETTLEMENT,
    **SETTLEMENT_LEDGER,
    **SINCE,
    **GATEWAY,
}


class _Known(dict[str, str]):
    """Metadata in which an absent name shows as an ellipsis instead of failing: a text must never hide its fault."""

    def __missing__(self, key: str) -> str:
        return "…"


def text(fault: Fault, lang: Language) -> str:
    """What to tell a user in `lang`; the bare reason where the table has no text."""
    return text_of(fault.reason, fault.metadata, lang)


def text_of(reason: str, metadata: Mapping[str, str], lang: Language) -> str:
    """The text of a reason with its metadata filled in."""
    entry = TEXTS.get(reason)
    if entry is None:
        return reason
    template = entry[0] if lang == "zh" else entry[1]
    return template.format_map(_Known(metadata)) if "{" in template else template
