"""The small world of mesh tests, as the requests that make it: a catalogue and policies for division 990100, people, ledgers,
partners. All of it is invented: the division stands in no table, certificates in division 990000.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import Message

from services.runtime.documents.yaml_values import read_yaml
from services.runtime.wire import day_message
from tools.played.people import DIVISION, EMPLOYEE, INSURED_SINCE, InventedPerson, opening, person, person_record
from yibao.catalogue.v1 import catalogue_pb2, records_pb2
from yibao.common.v1 import codes_pb2
from yibao.identity.v1 import partner_pb2, person_pb2
from yibao.options.v1 import options_pb2
from yibao.settlement.v1 import ledger_pb2

INSTITUTION: Final = "H99010000001"
OTHER_INSTITUTION: Final = "H99010000002"
PHARMACY: Final = "P99010000001"
CHANNEL: Final = "CH9901"
OPERATOR: Final = "OP990100"
ITEMS: Final = ("XTESTDRUG0001", "XTESTDRUG0002", "XTESTITEM0001")
FROM: Final = INSURED_SINCE
OPENING_FEN: Final = 1_000_000

_PART: Final = 1000

_POLICIES: Final = Path(__file__).parents[2] / "services" / "catalogue" / "samples" / "policies"
_POLICY: Final = "beijing-employee"


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
    rows = [opening(each.psn_no, OPENING_FEN) for each in part]
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
    return records_pb2.Validity(from_day=day_message(FROM))
