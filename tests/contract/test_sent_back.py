"""What a member tells of a record can be sent back as it is, and means the same record."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, get_type_hints

import pytest

from services.catalogue.domain.records import CLASS_B
from services.catalogue.servicer import records
from services.identity.servicer import convert, partners
from services.runtime.wire import DayReader
from tests.filled import Filling

PERSON: Final = {"psn_cert_type": "01", "certno": "C-1", "card_no": "C-2"}
PARTNER: Final = {
    "role": "institution",
    **dict.fromkeys(("secret", "secret_digest", "app_secret", "own_private_key"), ""),
}
"""What is secret is never told."""


@pytest.mark.parametrize(
    ("write", "read", "given"),
    [
        (records.item_message, records._read_item, {"chrgitm_lv": CLASS_B, "selfpay_e4": 1000}),
        (records.term_message, records._read_term, {}),
        (records.disease_message, records._read_disease, {}),
        (records.institution_message, records._read_institution, {}),
        (records.local_med_type_message, records._read_local_med_type, {"med_type": "14"}),
        (convert.write_record, lambda message: convert.read_record(message, "record", DayReader()), PERSON),
        (partners._write_partner, partners._read_partner, PARTNER),
    ],
)
def test_a_record_that_is_told_can_be_sent_back(
    write: Callable[..., Any], read: Callable[..., Any], given: dict[str, Any]
) -> None:
    (name,) = inspect.signature(write).parameters
    value = Filling(given).of(get_type_hints(write)[name], name)
    assert read(write(value)) == value
