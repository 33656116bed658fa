"""What fields mean to each other and what a name may hold besides, by field name and never by RPC.

This is all that the generated cases are told about the field; everything else they read from the descriptors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from google.protobuf.message import Message
from google.type.date_pb2 import Date

# Values of a name that a seeded world does not show; the alternatives of a name are tried in order.
VALUES: Final[Mapping[str, tuple[Any, ...]]] = {
    "cnt": ("2",),
    "pric": ("12.5",),
    # Kinds of care by dictionary number in the protos: out-patient, in-patient.
    "med_type": (1, 8),
    # A successor begins after what it succeeds.
    "from_day": (Date(year=2015, month=1, day=1), Date(year=2026, month=6, day=1)),
    "benefit_year": ("2026",),
    "cum_ym": ("202606",),
    "business_type": ("01301",),
    "psn_setlway": ("01",),
    # The transaction of a message that is reversed.
    "oinfno": ("2207",),
    # Whoever opens orders is who calls; orders that are lifted tell it too.
    "opener": ("routing",),
    # Whoever reads a feed is who calls.
    "reader": ("routing",),
    # Another pooling area than the seeded people's, of the same cell.
    "care_admdvs": ("440305",),
    "mdtrtarea_admdvs": ("440305",),
    "hint_admdvs": ("990100",),
    # Longer than any line of events takes.
    "expires_after_s": (3000,),
    # Clearing: care of a person of Jinan in Beijing, which their provinces clear.
    "insured_area": ("370100",),
    "care_area": ("110000",),
    "insured_region": ("370000",),
    "care_region": ("110000",),
    "amount_fen": (1200,),
    # Why an operator does something, in words that some answer would else have to tell first.
    "memo": ("复核",),
    # A file of one line, in Base64.
    "content": ("UzEJTTEJUDEJMS4wMAkwLjAwCTAuMDAJMAo=",),
    # A day that is over, and that no line of events is of.
    "bill_day": (Date(year=2026, month=6, day=1),),
    # Mobile payment: a consultation, paid in cash at the window, given back whole.
    "fee_type": ("01",),
    "channel": (4,),
    "pay_form": (1,),
    # Imaging: a node's first entry, and where the node is.
    "source_seq": (1,),
    "uscc": ("12990100MB00000331",),
    "retrieve_roots": ("http://127.0.0.1:8042/dicom-web",),
    "institutions": ("H99010000001",),
    "refd_type": ("ALL",),
    # Consent: a doctor of the seeded institution, who treats; a study by a UID.
    "reader_code": ("H99010000001",),
    "purpose": (1,),
    "study_uid": ("1.2.156.990100.1",),
    "modality": ("CT",),
    "modalities": ("CT",),
    # Reports and statistics of recognition.
    "exam_date": (Date(year=2026, month=6, day=1),),
    "first_month": ("2026-01",),
    "last_month": ("2026-06",),
    "days": (3,),
    "reason": ("昏迷送院",),
    "dr_codg": ("D990000000001",),
    "cell": ("sandbox",),
    # A session that takes patients; its doctor or case.
    "own": (False,),
    "case_no": ("C1",),
}

# Days that are texts, whose names elsewhere are those of dates.
DAY_TEXTS: Final[Mapping[str, str]] = dict.fromkeys(("day", "first_day", "last_day"), "20260525")

# The form of codes that nobody has published yet: what is made up under these names belongs to no real standard.
FORMS: Final[Mapping[str, str]] = {
    "med_list_codg": "^XTEST[0-9A-Z]{12}$",
}

# A value learnt under one name is shown under others: the token of a decoded code is a visit credential of kind 1 (EC).
MEANS: Final[Mapping[str, tuple[tuple[str, Any], ...]]] = {
    "ec_token": (("mdtrt_cert_no", None), ("mdtrt_cert_type", 1)),
}


def own_month(number: int) -> dict[str, Any]:
    """The clearing month of a line of events, under every name: what happens to it happens to no other line's."""
    year, month = 2020 - number % 12_000 // 12, number % 12 + 1
    day = Date(year=year, month=month, day=10)
    return {
        "month": f"{year}-{month:02}",
        "trt_year": str(year),
        "trt_month": f"{month:02}",
        "setl_day": day,
    }


@dataclass(frozen=True, slots=True)
class Product:
    """In one row, `amount` is the fen of price (yuan) times count."""

    amount: str
    price: str
    count: str

    def settle(self, row: Message) -> None:
        """Writes the amount where the row has all three."""
        names = row.DESCRIPTOR.fields_by_name
        if self.amount in names and self.price in names and self.count in names:
            price, count = getattr(row, self.price), getattr(row, self.count)
            if price and count:
                fen = (Decimal(price) * Decimal(count) * 100).quantize(Decimal(1), ROUND_HALF_UP)
                setattr(row, self.amount, int(fen))


PRODUCTS: Final = (Product("det_item_fee_sumamt_fen", "pric", "cnt"),)


@dataclass(frozen=True, slots=True)
class Split:
    """In one row, `rest` is what of `amount` no other part takes."""

    amount: str
    parts: tuple[str, ...]
    rest: str

    def settle(self, row: Message) -> None:
        """Writes the rest where the row has all of them."""
        names = row.DESCRIPTOR.fields_by_name
        if {self.amount, self.rest, *self.parts} <= set(names):
            setattr(row, self.rest, getattr(row, self.amount) - sum(getattr(row, part) for part in self.parts))


SPLITS: Final = (
    Split(
        "det_item_fee_sumamt_fen",
        ("fulamt_ownpay_amt_fen", "overlmt_amt_fen", "preselfpay_amt_fen"),
        "inscp_scp_amt_fen",
    ),
)

# Name of a total → name in the rows of earlier accepted requests that it adds up.
TOTALS: Final[Mapping[str, str]] = {
    "medfee_sumamt_fen": "det_item_fee_sumamt_fen",
    # A small bill is all cash.
    "totl_refd_amt_fen": "det_item_fee_sumamt_fen",
    "cash_refd_amt_fen": "det_item_fee_sumamt_fen",
}


def agree(message: Message) -> None:
    """Makes the amounts of rows, however deep they lie, agree with their prices and counts."""
    for product in PRODUCTS:
        product.settle(message)
    for split in SPLITS:
        split.settle(message)
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for each in value if field.is_repeated else (value,):
            agree(each)
    _agree_total(message)


def _agree_total(message: Any) -> None:
    """Makes a total the sum of the rows that stand in the same message."""
    for total, name in TOTALS.items():
        rows = [
            each for field, value in message.ListFields() if field.is_repeated and field.message_type for each in value
        ]
        if total in message.DESCRIPTOR.fields_by_name and rows:
            setattr(message, total, sum(_first(row, name) for row in rows))


def _first(row: Any, name: str) -> int:
    """The value of that name in a row or in the first message in it that has one; 0 for none."""
    if name in row.DESCRIPTOR.fields_by_name:
        return int(getattr(row, name))
    inner = (value for field, value in row.ListFields() if field.message_type and not field.is_repeated)
    return next((found for each in inner if (found := _first(each, name))), 0)
