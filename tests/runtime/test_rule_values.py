"""What is told of the limits of a field, by the rules of the real messages: amounts in yuan, moments as days, words as a list."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.runtime.admission import Admission
from services.runtime.texts.gateway import violation_text
from tests.runtime import desk
from tests.tokens import Tokens
from yibao.routing.v1 import clearing_payments_pb2
from yibao.settlement.v1 import encounter_pb2


def broken(request: Any, path: str) -> tuple[dict[str, str], str, str]:
    """The values of the violation at a path, and its text in both languages."""
    admission = Admission(Tokens(b"k" * 32, desk.clock).signer("identity"), desk.clock, sandbox=True)
    (found,) = (each for each in admission.violations(request) if each.path == path)
    return dict(found.values), violation_text(found, "zh"), violation_text(found, "en")


@pytest.mark.parametrize("seconds", [-2_208_988_801, 253_402_272_000])
def test_a_moment_outside_of_its_range_is_told_the_days_between_which_it_lies(seconds: int) -> None:
    data = encounter_pb2.EncounterQuery(begntime=Timestamp(seconds=seconds))
    values, chinese, english = broken(encounter_pb2.ListEncountersRequest(data=data), "data.begntime")
    assert values == {"least": "1900-01-01", "most": "9999-12-31", "unit": ""}
    for text in (chinese, english):
        assert "1900-01-01" in text
        assert "9999-12-31" in text


def test_an_amount_outside_of_its_range_is_told_in_yuan() -> None:
    request = clearing_payments_pb2.MovePrepaymentRequest(
        request_id="r1", insured_area="370100", care_area="110000", amount_fen=100_000_000_000_001
    )
    values, chinese, english = broken(request, "amount_fen")
    assert values == {"least": "-1000000000000.00", "most": "1000000000000.00", "unit": "yuan"}
    assert "1000000000000.00" in chinese
    assert "1000000000000.00 yuan" in english
