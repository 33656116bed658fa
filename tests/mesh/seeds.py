"""The small world of mesh tests, as the requests that make it: a catalogue and policies for division 990100, people, ledgers,
partners. All of it is invented: the division stands in no table, certificates in division 990000.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import Message
from google.type.date_pb2 import Date

from services.runtime.documents.yaml_values import read_yaml
from yibao.catalogue.v1 import catalogue_pb2, records_pb2
from yibao.common.v1 import codes_pb2
from yibao.identity.v1 import partner_pb2, person_pb2
from yibao.options.v1 import options_pb2
from yibao.settlement.v1 import ledger_pb2

DIVISION: Final = "990100"
EMPLOYEE: Final = "310"
INSTITUTION: Final = "H99010000001"
OTHER_INSTITUTION: Final = "H99010000002"
PHARMACY: Final = "P99010000001"
CHANNEL: Final = "CH9901"
OPERATOR: Final = "OP990100"
ITEMS: Final = ("XTESTDRUG0001", "XTESTDRUG0002", "XTESTITEM0001")
FROM: Final = date(2015, 1, 1)
OPENING_FEN: Final = 1_000_000

_PART: Final = 1000

_POLICIES: Final = Path(__file__).parents[2] / "services" / "catalogue" / "samples" / "policies"
_POLICY: Final = "beijing-employee"
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS: Final = "10X98765432"


@dataclass(frozen=True, slots=True)
class InventedPerson:
    """Number and certificate of an invented person."""

    psn_no: str
    psn_name: str
    certno: str
    card_no: str
    brdy: date


def person(number: int) -> InventedPerson:
    """The invented person of a number: born in 1980, a certificate with a valid check digit in division 990000."""
    body = f"990000{1900 + number // 900:04}0615{number % 900 + 100:03}"
    check = _CHECK_DIGITS[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]
    name = "测" + "".join(chr(0x4E00 + 0x100 + 23 * (number // step % 97)) for step in (97, 1))
    return InventedPerson(f"99010000{number:08}", name, body + check, f"C99{number:08}", date(1980, 6, 15))


def seed_requests(persons: int) -> list[tuple[str, Message]]:
    """Method and request of every seed, in order."""
    people = [person(number) for number in range(1, persons + 1)]
    parts = [people[start : start + _PART] for start in range(0, persons, _PART)]
    return [
        ("yibao.catalogue.v1.CatalogueService.Publish", _catalogue()),
        *[("yibao.identity.v1.PersonService.RegisterPersons", _registration(part)) for part in parts],
        *[("yibao.settlement.v1.LedgerService.OpenLedger", _openings(part)) for part in parts],
        *[("yibao.identity.v1.PartnerService.RegisterPartner", each) for each in _partners()],
    ]


def person_record(who: InventedPerson) -> person_pb2.PersonRecord:
    """The person as an employee of division 990100, insured since 2015."""
    return person_pb2.PersonRecord(
        person=person_pb2.Person(
            psn_no=who.psn_no,
            psn_name=who.psn_name,
            psn_cert_type="01",
            certno=who.certno,
            gend="1",
            naty="01",
            brdy=_day(who.brdy),
            card_no=who.card_no,
        ),
        enrolments=[
            person_pb2.Enrolment(
                insutype=EMPLOYEE,
                insuplc_admdvs=DIVISION,
                psn_type="11",
                psn_insu_stas="1",
                status="active",
                from_day=_day(FROM),
                emp_name="测试用人单位",
            )
        ],
    )


def policy_json() -> str:
    """A sample policy as the loader would send it."""
    file = next(iter(sorted(_POLICIES.glob(f"{_POLICY}@*.yaml"))))
    document: Any = read_yaml(file.read_text(encoding="utf-8"))
    return json.dumps(document, ensure_ascii=False)


def _catalogue() -> catalogue_pb2.PublishRequest:
    kinds = (
        (ITEMS[0], "101", "测试甲类药", codes_pb2.CHRGITM_LV_A, "", "09"),
        (ITEMS[1], "101", "测试乙类药", codes_pb2.CHRGITM_LV_B, "0.1", "09"),
        (ITEMS[2], "201", "测试诊疗项目", codes_pb2.CHRGITM_LV_A, "", "03"),
    )
    items = [
        records_pb2.Item(
            med_list_codg=code,
            list_type=list_type,
            item_name=name,
            chrgitm_lv=level,
            selfpay_prop=ratio,
            med_chrgitm_type=charge,
            validity=_since(),
        )
        for code, list_type, name, level, ratio, charge in kinds
    ]
    places = [
        _institution(INSTITUTION, "测试一医院", "1", "3"),
        _institution(OTHER_INSTITUTION, "测试二医院", "1", "6"),
        _institution(PHARMACY, "测试大药房", "2", ""),
    ]
    stack = records_pb2.PolicyStack(admdvs=DIVISION, insutype=EMPLOYEE, policy_ids=[_POLICY], validity=_since())
    records = [
        *[catalogue_pb2.Record(item=each) for each in items],
        *[catalogue_pb2.Record(institution=each) for each in places],
        catalogue_pb2.Record(policy=records_pb2.PolicyDocument(document_json=policy_json())),
        catalogue_pb2.Record(stack=stack),
        catalogue_pb2.Record(
            term=records_pb2.Term(
                standard="diagnosis_icd10", code="J06.900", name="急性上呼吸道感染", validity=_since()
            )
        ),
        catalogue_pb2.Record(
            disease=records_pb2.Disease(
                dise_codg="M03900", dise_name="高血压", disease="hypertension", admdvs=DIVISION, validity=_since()
            )
        ),
    ]
    return catalogue_pb2.PublishRequest(request_id="seed-catalogue", records=records)


def _institution(code: str, name: str, kind: str, level: str) -> records_pb2.Institution:
    return records_pb2.Institution(
        fixmedins_code=code,
        fixmedins_name=name,
        fixmedins_type=kind,
        hosp_lv=level,
        lmtpric_hosp_lv="3",
        admdvs=DIVISION,
        validity=_since(),
    )


def _registration(part: Sequence[InventedPerson]) -> person_pb2.RegisterPersonsRequest:
    return person_pb2.RegisterPersonsRequest(
        request_id=f"seed-persons-{part[0].psn_no[-8:]}", persons=[person_record(each) for each in part]
    )


def _openings(part: Sequence[InventedPerson]) -> ledger_pb2.OpenLedgerRequest:
    rows = [
        ledger_pb2.LedgerOpening(
            psn_no=each.psn_no, insutype=EMPLOYEE, insuplc_admdvs=DIVISION, balance_fen=OPENING_FEN
        )
        for each in part
    ]
    return ledger_pb2.OpenLedgerRequest(request_id=f"seed-ledgers-{part[0].psn_no[-8:]}", openings=rows)


def _partners() -> list[partner_pb2.RegisterPartnerRequest]:
    institution, channel = options_pb2.ROLE_INSTITUTION, options_pb2.ROLE_CHANNEL
    rows = (
        (INSTITUTION, institution, partner_pb2.AUTH_STYLE_NONE),
        (OTHER_INSTITUTION, institution, partner_pb2.AUTH_STYLE_NONE),
        (PHARMACY, institution, partner_pb2.AUTH_STYLE_NONE),
        (CHANNEL, channel, partner_pb2.AUTH_STYLE_NONE),
    )
    return [
        partner_pb2.RegisterPartnerRequest(
            request_id=f"seed-partner-{code}",
            partner=partner_pb2.Partner(
                partner_code=code, partner_name=f"测试{code}", role=role, auth_style=style, sandbox=True
            ),
        )
        for code, role, style in rows
    ]


def _since() -> records_pb2.Validity:
    return records_pb2.Validity(from_day=_day(FROM))


def _day(day: date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)
