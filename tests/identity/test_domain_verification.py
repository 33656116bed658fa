"""Whose a visit credential is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.identity.domain.credential import EcToken
from services.identity.domain.digests import digest
from services.identity.domain.verification import CertType, Query, Register, Verified, verify
from services.kernel.errors import Fault
from tests.identity.people import NOON, TODAY, enrolment, identity, link, person, record

HERE = "H99010000001"
TOKEN = EcToken(digest("token"), person(1).psn_no, HERE, "code", NOON, NOON + timedelta(minutes=30))
REGISTER = Register(
    {TOKEN.token_digest: TOKEN},
    [
        record(1, card_no="C1", card_sn="SN1"),
        record(2, psn_cert_type="08", certno="E1"),
        record(3, certno="99000019000102002X"),
    ],
)
NOBODY = Query(CertType.NONE, "", "", "", "", "", HERE, "", TODAY, NOON)


def _outcome(**asked: Any) -> str:
    answer = verify(replace(NOBODY, **asked), REGISTER)
    return answer.reason if isinstance(answer, Fault) else answer.person.psn_no


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        ({"cert_type": CertType.EC, "cert_no": "token"}, person(1).psn_no),
        ({"cert_type": CertType.EC, "cert_no": "token", "psn_no": person(1).psn_no}, person(1).psn_no),
        ({"cert_type": CertType.EC, "cert_no": "token", "psn_no": person(2).psn_no}, "EC_TOKEN_WRONG_PERSON"),
        ({"cert_type": CertType.EC, "cert_no": "token", "fixmedins_code": "H2"}, "EC_TOKEN_WRONG_INSTITUTION"),
        ({"cert_type": CertType.EC, "cert_no": "token", "now": TOKEN.expires_at}, "EC_TOKEN_EXPIRED"),
        ({"cert_type": CertType.EC, "cert_no": "other", "certno": person(1).certno}, "EC_TOKEN_UNKNOWN"),
        ({"cert_type": CertType.EC}, "INVALID_REQUEST"),
        ({"cert_type": CertType.ID_CARD, "cert_no": person(1).certno}, person(1).psn_no),
        ({"cert_type": CertType.ID_CARD, "cert_no": "99000019000102002x"}, person(3).psn_no),
        ({"cert_type": CertType.ID_CARD, "cert_no": "no such form"}, "PERSON_NOT_FOUND"),
        ({"cert_type": CertType.ID_CARD, "cert_no": "E1"}, "PERSON_NOT_FOUND"),
        ({"cert_type": CertType.ID_CARD, "cert_no": "E1", "psn_cert_type": "08", "certno": "E1"}, "PERSON_NOT_FOUND"),
        ({"cert_type": CertType.ID_CARD, "cert_no": "nobody", "certno": person(1).certno}, "PERSON_NOT_FOUND"),
        ({"cert_type": CertType.ID_CARD, "cert_no": person(1).certno, "certno": person(1).certno}, person(1).psn_no),
        ({"cert_type": CertType.ID_CARD, "cert_no": person(1).certno, "certno": "nobody"}, person(1).psn_no),
        (
            {"cert_type": CertType.ID_CARD, "cert_no": person(1).certno, "psn_cert_type": "08", "certno": "E1"},
            "CERTIFICATE_MISMATCH",
        ),
        ({"cert_type": CertType.EC, "cert_no": "token", "certno": person(1).certno}, person(1).psn_no),
        (
            {"cert_type": CertType.EC, "cert_no": "token", "psn_cert_type": "08", "certno": "E1"},
            "CERTIFICATE_MISMATCH",
        ),
        ({"cert_type": CertType.ID_CARD, "cert_no": "", "certno": person(1).certno}, person(1).psn_no),
        ({"cert_type": CertType.ID_CARD}, "INVALID_REQUEST"),
        (
            {"cert_type": CertType.ID_CARD, "cert_no": person(1).certno, "psn_no": person(2).psn_no},
            "CERTIFICATE_MISMATCH",
        ),
        ({"cert_type": CertType.SOCIAL_SECURITY_CARD, "cert_no": "C1"}, person(1).psn_no),
        ({"cert_type": CertType.SOCIAL_SECURITY_CARD, "cert_no": "C1", "card_sn": "SN1"}, person(1).psn_no),
        ({"cert_type": CertType.SOCIAL_SECURITY_CARD, "cert_no": "C1", "card_sn": "SN2"}, "CARD_SN_MISMATCH"),
        ({"cert_type": CertType.SOCIAL_SECURITY_CARD, "cert_no": "C9"}, "PERSON_NOT_FOUND"),
        (
            {"cert_type": CertType.SOCIAL_SECURITY_CARD, "cert_no": "C9", "certno": person(1).certno},
            "PERSON_NOT_FOUND",
        ),
        (
            {"cert_type": CertType.SOCIAL_SECURITY_CARD, "cert_no": "C1", "psn_cert_type": "08", "certno": "E1"},
            "CERTIFICATE_MISMATCH",
        ),
        ({"cert_type": CertType.SOCIAL_SECURITY_CARD, "certno": person(1).certno}, person(1).psn_no),
        (
            {"cert_type": CertType.SOCIAL_SECURITY_CARD, "cert_no": "C1", "psn_no": person(2).psn_no},
            "CERTIFICATE_MISMATCH",
        ),
        ({"psn_no": person(2).psn_no}, person(2).psn_no),
        ({"psn_no": person(2).psn_no, "certno": person(1).certno}, person(2).psn_no),
        ({"psn_no": person(7).psn_no}, "PERSON_NOT_FOUND"),
        ({"psn_cert_type": "08", "certno": "E1"}, person(2).psn_no),
        ({}, "INVALID_REQUEST"),
    ],
)
def test_a_credential_names_its_person_or_the_reason_why_not(asked: dict[str, Any], outcome: str) -> None:
    assert _outcome(**asked) == outcome


def test_only_what_holds_on_the_day_is_told() -> None:
    past = date(2025, 12, 31)
    known = replace(
        record(1, enrolment(to_day=past), enrolment(from_day=date(2026, 1, 1)), enrolment(insutype="390")),
        identities=(identity(), identity(to_day=past)),
        family_links=(link(2), link(3, to_day=past)),
    )
    answer = verify(replace(NOBODY, psn_no=person(1).psn_no, insutype="310"), Register({}, [known]))
    assert answer == Verified(person(1), (enrolment(from_day=date(2026, 1, 1)),), (identity(),), (link(2),), "")


def test_the_digest_of_the_token_is_told_and_no_other_credential_has_one() -> None:
    answer = verify(replace(NOBODY, cert_type=CertType.EC, cert_no="token"), REGISTER)
    assert isinstance(answer, Verified)
    assert answer.ec_token_digest == TOKEN.token_digest
    by_card = verify(replace(NOBODY, cert_type=CertType.ID_CARD, cert_no=person(1).certno), REGISTER)
    assert isinstance(by_card, Verified)
    assert by_card.ec_token_digest == ""
