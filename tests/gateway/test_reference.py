"""The answers compared with the facts of the field, where the reference folder stands beside the clone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf.descriptor import Descriptor

from services.runtime.contract import Contract, MethodContract
from yibao.options.v1 import options_pb2

REFERENCE: Final = Path(__file__).resolve().parents[3] / "shared" / "reference" / "nhsa-interface.json"
NOT_ANSWERED: Final[Mapping[str, frozenset[str]]] = {
    # Told by 5402, which names one report.
    "5401": frozenset({"exam_ccls"}),
    # Reserved in the specification.
    "6101": frozenset({"nationality", "email"}),
    # Nothing that is registered here says it.
    "5201": frozenset({"maf_psn_flag", "flxempe_flag", "nwb_flag", "pre_pay_flag", "memo"}),
    "5203": frozenset({"flxempe_flag", "nwb_flag", "dedc_hosp_lv"}),
    "5204": frozenset({"prodname", "hosp_prep_flag", "prodplac_type"}),
    # There is no cashier page of ours, and what an order has beside the text is told by 6201 and 6301 alone.
    "6201": frozenset({"cashierUrl"}),
    "6202": frozenset({"extData"}),
    "6203": frozenset({"extData"}),
    # Of one province's document; a mesh does not know them.
    "2305": frozenset({"psn_insu_rlts_id", "mdtrt_cert_no"}),
}
"""Optional output fields that are left out. `exp_content`, which has no fixed content, is left out everywhere."""


def served() -> Iterator[tuple[str, MethodContract]]:
    """Every national transaction that has an RPC."""
    for method in Contract.of_mesh().methods.values():
        yield from ((transaction.infno, method) for transaction in method.transactions)


def names(message: Descriptor) -> Iterator[str]:
    """Every name under which a field of the answer stands in the envelope, folded."""
    for field in message.fields:
        national = field.GetOptions().Extensions[options_pb2.national]
        yield from (
            name.lower() for name in (national.name, field.json_name, field.name.removesuffix("_fen"), *national.also)
        )
        if field.message_type is not None and field.message_type.full_name.startswith("yibao."):
            yield from names(field.message_type)


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference folder is not beside this clone")
def test_every_output_field_of_the_reference_is_answered_or_listed_here() -> None:
    reference: Mapping[str, Any] = json.loads(REFERENCE.read_text(encoding="utf-8"))
    left_out: dict[str, frozenset[str]] = {}
    required: list[str] = []
    seen = 0
    for infno, method in served():
        descriptor: Any = method.response_class.DESCRIPTOR
        answered = set(names(descriptor))
        for node in (reference.get(infno, {}).get("output") or {}).values():
            seen += 1
            absent = [each for each in node["fields"] if each["name"].lower() not in answered | {"exp_content"}]
            required += [f"{infno} {each['name']}" for each in absent if each["required"]]
            if absent:
                left_out[infno] = left_out.get(infno, frozenset()) | {each["name"] for each in absent}
    assert seen >= 30
    assert required == []
    assert left_out == NOT_ANSWERED
