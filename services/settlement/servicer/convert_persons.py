"""The insured person in the answers of settlement: 1101, 5201 and every settlement tell the same fields."""

from __future__ import annotations

from datetime import date
from typing import Any

from services.kernel.clock import age_on
from services.runtime.wire import day_message
from services.settlement.domain.care.insured import Person


def person_fields(person: Person, day: date) -> dict[str, Any]:
    """Who it is, by the names of fields that all these messages have, with the age on a day."""
    return {
        "psn_no": person.psn_no,
        "psn_cert_type": person.psn_cert_type,
        "certno": person.certno,
        "psn_name": person.psn_name,
        "gend": person.gend,
        "naty": person.naty,
        "brdy": day_message(person.brdy),
        "age": age_on(person.brdy, day),
    }
