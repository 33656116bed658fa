"""Records and commands for the catalogue's tests; all codes are invented, in the right form."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from services.catalogue.domain.publishing import PlacedRecord
from services.catalogue.domain.records import (
    EMPTY_HEAD,
    Disease,
    Division,
    Institution,
    Item,
    LocalMedType,
    PolicyStack,
    PriceCeiling,
    Record,
    SelfpayRatio,
    Term,
    next_head,
)
from services.catalogue.operations.publish import PublishCommand, Published
from services.kernel.requests import RequestStamp

SAMPLES = Path(__file__).resolve().parents[2] / "services" / "catalogue" / "samples"
DRUG = "XJ01CAA901C001010199001"
SERVICE = "001102009010000"
SCAN = "002102009010000"
NOW = datetime(2025, 3, 1, 4, 0, tzinfo=UTC)
START = date(2020, 1, 1)


def item(code: str = DRUG, **changes: object) -> Item:
    """A class A drug from 2020 on."""
    values: dict[str, object] = {
        "med_list_codg": code,
        "list_type": "101",
        "item_name": "阿莫西林胶囊",
        "chrgitm_lv": "01",
        "med_chrgitm_type": "09",
        "spec": "",
        "dosform_name": "",
        "unit": "盒",
        "lmt_used_flag": False,
        "bas_medn_flag": True,
        "hi_nego_drug_flag": False,
        "selfpay_e4": 0,
        "from_day": START,
        "to_day": None,
    }
    return Item(**(values | changes))  # type: ignore[arg-type]  # the values above have the fields' types


def ceiling(
    code: str, admdvs: str, yuan: int, level: str = "", first: date = START, last: date | None = None
) -> PriceCeiling:
    """A ceiling in whole yuan."""
    return PriceCeiling(code, admdvs, level, yuan * 10**6, first, last)


def ratio(
    code: str, admdvs: str, percent: int, level: str = "", first: date = START, last: date | None = None
) -> SelfpayRatio:
    """A ratio in whole percent."""
    return SelfpayRatio(code, admdvs, level, percent * 100, first, last)


def term(code: str, name: str, first: date = START, last: date | None = None) -> Term:
    """A diagnosis."""
    return Term("diagnosis_icd10", code, name, first, last)


def disease(code: str, admdvs: str, chronic_class: str = "") -> Disease:
    """A chronic disease."""
    return Disease(code, "测试病种", "", chronic_class, admdvs, START, None)


def institution(code: str, name: str, kind: str = "1", admdvs: str = "990100") -> Institution:
    """A hospital of level three."""
    return Institution(code, name, "", kind, "2", "3", "", admdvs, START, None)


def division(admdvs: str, name: str = "测试区划", parent: str = "") -> Division:
    """A division."""
    return Division(admdvs, name, parent, START, None)


def local_med_type(
    code: str, counts_as: str, admdvs: str = "990000", first: date = START, last: date | None = None
) -> LocalMedType:
    """A kind of care of a province's own."""
    return LocalMedType(code, "测试类别", counts_as, admdvs, first, last)


def stack(admdvs: str, insutype: str, *policy_ids: str, first: date = START, last: date | None = None) -> PolicyStack:
    """A stack."""
    return PolicyStack(admdvs, insutype, policy_ids, first, last)


def policy_document(
    policy_id: str, version: str, first: str, last: str | None = None, ratio: str = "80%"
) -> dict[str, object]:
    """A small well-formed policy: one in-patient layer without deductible."""
    return {
        "schema": "hsa.policy/1",
        "id": policy_id,
        "version": version,
        "title": "测试待遇政策",
        "region": "990100",
        "insutype": "310",
        "effective": {"from": first, "to": last},
        "version_on": "settle_date",
        "benefit_year": {"start": "01-01"},
        "money": "yuan",
        "documents": [
            {"id": "own", "title": "测试文件", "number": "无", "year": 2024, "mark": "synthetic", "confidence": "low"}
        ],
        "account": {"scope": "all_personal", "order": ["own"]},
        "layers": [
            {
                "id": "ip",
                "stage": 10,
                "fund": "hifp_pay",
                "when": {"med_type": ["inpatient"]},
                "base": "inscp",
                "tiers": {
                    "position": "bill",
                    "origin": "zero",
                    "table": [{"when": {}, "value": [{"upto": None, "ratio": ratio}]}],
                },
            }
        ],
        "accumulators": [],
        "figures": [{"figure": "住院支付比例", "doc": "own", "mark": "synthetic", "confidence": "low"}],
    }


def entries_of(records: Iterable[Record]) -> tuple[PlacedRecord, ...]:
    """Entries as a request has them."""
    return tuple(PlacedRecord(f"records[{place}].{record.KIND}", record) for place, record in enumerate(records))


def command(request_id: str, *records: Record, scope: str = "operator:1") -> PublishCommand:
    """A command whose content hash follows from its records."""
    return PublishCommand(
        stamp=RequestStamp(scope, request_id, "", next_head(EMPTY_HEAD, records)),
        entries=entries_of(records),
        at=NOW,
        render=_rendered,
    )


def _rendered(published: Published) -> bytes:
    return f"{published.published_count} {published.unchanged_count} {published.head}".encode()
