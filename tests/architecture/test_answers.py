"""An answer says each of its fields where it is made: one that is forgotten is empty for whoever asked, and nothing fails.

So a page says where the next one begins; whoever reads a list to its end would stop at the first page, and take it for all.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from services.runtime.contract import Contract
from tools.tidy import ROOT

ANSWERS: Final = {method.response_class for method in Contract.of_mesh().methods.values()}
SERVICERS: Final = sorted(ROOT.glob("services/*/servicer/**/*.py"))
LEFT: Final[Mapping[str, str]] = {
    "identity/servicer/credentials.py": "BatchVerifyResponse.outcomes",
    "identity/servicer/partners.py": "ResolvePartnerResponse.secret_digest SignInResponse.signed_out",
    "imaging/servicer/dicomweb.py": "ServeResponse.body",
    "imaging/servicer/fhir.py": "ServeFhirResponse.status",
    "imaging/servicer/reports.py": "GetReportResponse.inspectiondetails GetReportResponse.inspectionreportinformation",
    "routing/servicer/elsewhere_bills.py": "BatchSettleResponse.outcomes SettleResponse.response",
    "routing/servicer/elsewhere_orders.py": "OpenOrderResponse.settlement",
    "settlement/servicer/care.py": "BatchGetBillResponse.outcomes ChangeStayResponse.cancel_admission"
    " ChangeStayResponse.discharge ChangeStayResponse.message ChangeStayResponse.open ChangeStayResponse.undo_discharge",
    "settlement/servicer/care_bills.py": "FindBookedResponse.mdtrt_id FindBookedResponse.order_no FindBookedResponse.setl_id"
    " FindBookedResponse.state GetBillResponse.carried GetBillResponse.own GetBillResponse.pending"
    " GetBillResponse.pending_order_no GetBillResponse.settled",
    "settlement/servicer/convert_fees.py": "UploadFeesResponse.cancelled_lines UploadStayFeesResponse.cancelled_lines",
    "settlement/servicer/convert_orders.py": "OpenResponse.record OpenResponse.settlement",
    "settlement/servicer/convert_registrations.py": "AdmitResponse.cancelled RegisterVisitResponse.cancelled",
    "settlement/servicer/convert_since.py": "AdmitResponse.result RegisterVisitResponse.data UploadFeesResponse.result",
    "settlement/servicer/fees.py": "ListFeesResponse.data",
    "settlement/servicer/orders.py": "BatchConfirmResponse.outcomes BatchOpenResponse.outcomes BatchVoidResponse.outcomes",
    "settlement/servicer/own_books.py": "ListOwnLinesResponse.lines",
    "settlement/servicer/settlements.py": "BatchSettleResponse.outcomes BatchTrialResponse.outcomes",
}
"""What is added later, row by row or as stored bytes, or is empty in that kind of answer."""


def made(text: str) -> Iterator[tuple[str, set[str]]]:
    """The answers that a module makes, and the fields that each leaves out; of fields that exclude each other one is enough."""
    tree = ast.parse(text)
    modules = {
        alias.asname or alias.name: importlib.import_module(f"{node.module}.{alias.name}")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("yibao.")
        for alias in node.names
        if alias.name.endswith("_pb2")
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        module = modules.get(node.func.value.id) if isinstance(node.func.value, ast.Name) else None
        kind: Any = getattr(module, node.func.attr, None)
        given = {each.arg for each in node.keywords}
        if kind in ANSWERS and None not in given:
            fields: Any = kind.DESCRIPTOR.fields
            chosen = {each.containing_oneof.name for each in fields if each.containing_oneof and each.name in given}
            yield (
                kind.DESCRIPTOR.name,
                {
                    each.name
                    for each in fields
                    if each.name not in given and not (each.containing_oneof and each.containing_oneof.name in chosen)
                },
            )


def left_out(path: Path) -> set[str]:
    return {f"{name}.{field}" for name, fields in made(path.read_text(encoding="utf-8")) for field in fields}


@pytest.mark.parametrize("path", SERVICERS, ids=lambda each: each.relative_to(ROOT / "services").as_posix())
def test_an_answer_leaves_nothing_out_that_is_not_known_here(path: Path) -> None:
    assert left_out(path) == set(LEFT.get(path.relative_to(ROOT / "services").as_posix(), "").split())


def test_what_is_known_here_is_there() -> None:
    assert [name for name in LEFT if not (ROOT / "services" / name).exists()] == []


@pytest.mark.parametrize(
    ("told", "left"), [("next_page_token=token_of(page.end)", "grants"), ("grants=[]", "next_page_token")]
)
def test_what_is_left_out_is_found(told: str, left: str) -> None:
    head = "from yibao.identity.v1 import consent_pb2 as pb\n"
    assert list(made(f"{head}pb.ListGrantsResponse({told})")) == [("ListGrantsResponse", {left})]
    assert list(made(f"{head}pb.ListGrantsResponse(**told)")) == []
