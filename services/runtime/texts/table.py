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
from services.runtime.texts.imaging import IMAGING
from services.runtime.texts.mobile import MOBILE
from services.runtime.texts.payment import PAYMENT
from services.runtime.texts.recognition import RECOGNITION
from services.runtime.texts.routing import ROUTING
from services.runtime.texts.routing_clearing import ROUTING_CLEARING
from services.runtime.texts.runtime import RUNTIME
from services.runtime.texts.settlement import SETTLEMENT
from services.runtime.texts.settlement_ledger import SETTLEMENT_LEDGER
from services.runtime.texts.since import SINCE
from services.runtime.texts.words import values_in

Language = Literal["zh", "en"]

TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    **RUNTIME,
    **IDENTITY,
    **CATALOGUE,
    **SETTLEMENT,
    **SETTLEMENT_LEDGER,
    **ROUTING,
    **ROUTING_CLEARING,
    **PAYMENT,
    **IMAGING,
    **RECOGNITION,
    **SINCE,
    **GATEWAY,
    **MOBILE,
}


# Said instead where a fault does not tell what its text would name: it may not be known, or not be for this caller.
_SPARE: Final[Mapping[str, tuple[str, str]]] = {
    "LATER_SETTLEMENT_EXISTS": (
        "结算{setl_id}之后还有{count}笔结算，须按后结先退顺序撤销（最后一笔由{admdvs}的其他机构于{day}办理）",
        "{count} later settlements stand after {setl_id}; the last, of another institution in {admdvs} on {day}, goes first",
    ),
    "CELL_UNAVAILABLE": (
        "该人员参保的属地单元“{cell}”暂不可用",
        "The cell {cell}, which insures the person, does not answer",
    ),
    "SETTLEMENT_NOT_FOUND": ("未找到结算记录{setl_id}", "There is no settlement {setl_id}"),
    "NOT_COVERED_BY_POLICY": ("待遇政策未规定此种情形：{where}", "No policy has a rule for this case: {where}"),
    "PARTNER_NOT_FOUND": ("该机构或渠道未登记", "No such institution or channel is registered"),
}


class _Known(dict[str, str]):
    """Metadata in which an absent name shows as an ellipsis instead of failing: a text must never hide its fault."""

    lacking = False

    def __missing__(self, key: str) -> str:
        self.lacking = True
        return "…"


def text(fault: Fault, lang: Language) -> str:
    """What to tell a user in `lang`; the bare reason where the table has no text."""
    return text_of(fault.reason, fault.metadata, lang)


def text_of(reason: str, metadata: Mapping[str, str], lang: Language) -> str:
    """The text of a reason with its metadata filled in."""
    entry = TEXTS.get(reason)
    if entry is None:
        return reason
    place = 0 if lang == "zh" else 1
    if "{" not in entry[place]:
        return entry[place]
    values = _Known(values_in(metadata, lang))
    said = entry[place].format_map(values)
    return _SPARE[reason][place].format_map(values) if reason in _SPARE and values.lacking else said
