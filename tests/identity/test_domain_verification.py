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
        record(4, psn_cert_type="08", certno="B7"),
        record(5, psn_cert_type="16", certno="B7"),
        record(6, psn_cert_type="B0", certno="LOCAL6"),
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
        ({"cert_type": CertType.ID_CARD, "cert_no": "E1", "psn_cert_type": "08", "certno": "E1"}, person(2).psn_no),
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
        ({"psn_no": person(2).psn_no, "certno": person(1).certno}, "CERTIFICATE_MISMATCH"),
        ({"psn_no": person(7).psn_no}, "PERSON_NOT_FOUND"),
        ({"psn_cert_type": "08", "certno": "E1"}, person(2).psn_no),
        ({}, "INVALID_REQUEST"),
    ],
)
def test_a_credential_names_its_person_or_the_reason_why_not(asked: dict[str, Any], outcome: str) -> None:
    assert _outcome(**asked) == outcome


PASSPORT = {"psn_cert_type": "08", "certno": "E1"}


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        # Type and number, as clients send them: with 02, with a kind of credential that nobody knows, beside psn_no.
        ({"cert_type": CertType.ID_CARD, "cert_no": "E1", "psn_cert_type": "08"}, person(2).psn_no),
        ({"cert_type": CertType.ID_CARD, "cert_no": "ｅ1 ", "psn_cert_type": "8", "certno": "e1"}, person(2).psn_no),
        ({"cert_type": CertType.ID_CARD, **PASSPORT}, person(2).psn_no),
        ({"cert_no": "E1", **PASSPORT}, person(2).psn_no),
        ({"cert_no": "E1", "psn_cert_type": "08"}, person(2).psn_no),
        ({"cert_no": "something else", **PASSPORT}, person(2).psn_no),
        ({"cert_no": person(1).certno}, person(1).psn_no),
        ({"cert_type": CertType.ID_CARD, "cert_no": "E1", "psn_no": person(2).psn_no}, person(2).psn_no),
        ({"psn_no": person(2).psn_no, **PASSPORT}, person(2).psn_no),
        # The type decides; a type of no dictionary decides where somebody is registered under it.
        ({"cert_type": CertType.ID_CARD, "cert_no": "E1", "psn_cert_type": "16"}, "PERSON_NOT_FOUND"),
        ({"cert_no": "E1", "psn_cert_type": "16"}, "PERSON_NOT_FOUND"),
        ({"cert_no": "LOCAL6", "psn_cert_type": "b0"}, person(6).psn_no),
        ({"cert_no": person(1).certno, "psn_cert_type": "X9"}, person(1).psn_no),
        # One number under two types.
        ({"psn_cert_type": "08", "certno": "B7"}, person(4).psn_no),
        ({"psn_cert_type": "16", "certno": "B7"}, person(5).psn_no),
        ({"certno": "B7"}, "CERTIFICATE_AMBIGUOUS"),
        ({"cert_no": "B7"}, "CERTIFICATE_AMBIGUOUS"),
        ({"cert_type": CertType.ID_CARD, "certno": "B7"}, "CERTIFICATE_AMBIGUOUS"),
        ({"cert_type": CertType.ID_CARD, "cert_no": "B7", "certno": "B7"}, "PERSON_NOT_FOUND"),
        ({"cert_type": CertType.ID_CARD, "cert_no": "B7", "psn_no": person(5).psn_no}, person(5).psn_no),
        ({"cert_no": "B7", "psn_no": person(2).psn_no}, "CERTIFICATE_MISMATCH"),
        ({"cert_type": CertType.SOCIAL_SECURITY_CARD, "cert_no": "c1", "certno": "B7"}, "CERTIFICATE_MISMATCH"),
        # Two certificates of two persons.
        ({"cert_no": person(1).certno, **PASSPORT}, "CERTIFICATE_MISMATCH"),
        ({"psn_no": person(1).psn_no, **PASSPORT}, "CERTIFICATE_MISMATCH"),
        ({"psn_no": person(2).psn_no, "psn_cert_type": "08", "certno": "nobody's"}, "PERSON_NOT_FOUND"),
    ],
)
def test_any_certificate_finds_its_person_and_never_one_of_two(asked: dict[str, Any], outcome: str) -> None:
    assert _outcome(**asked) == outcome


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"cert_type": CertType.ID_CARD, "cert_no": "nobody"}, "mdtrt_cert_no"),
        ({"cert_type": CertType.SOCIAL_SECURITY_CARD, "cert_no": "C9"}, "mdtrt_cert_no"),
        ({"psn_cert_type": "08", "certno": "nobody"}, "certno"),
        ({"psn_no": person(7).psn_no}, "psn_no"),
        ({"certno": "B7"}, "psn_cert_type"),
        ({"cert_type": CertType.SOCIAL_SECURITY_CARD, "cert_no": "C1", "card_sn": "SN2"}, "card_sn"),
        ({"cert_type": CertType.ID_CARD, "cert_no": person(1).certno, **PASSPORT}, "certno"),
        ({"cert_type": CertType.ID_CARD, "cert_no": "E1", "psn_cert_type": "08", "certno": "nobody"}, "certno"),
        ({"cert_type": CertType.ID_CARD, "cert_no": "E1", "psn_no": person(1).psn_no}, "mdtrt_cert_no"),
    ],
)
def test_a_refusal_names_the_field_that_was_looked_at(asked: dict[str, Any], path: str) -> None:
    answer = verify(replace(NOBODY, **asked), REGISTER)
    assert isinstance(answer, Fault)
    assert [each.path for each in answer.violations] == [path]


@pytest.mark.parametrize(
    ("certno", "reason"), [("nobody", "PERSON_NOT_FOUND"), (person(1).certno, "CERTIFICATE_MISMATCH")]
)
def test_a_second_number_that_nobody_has_is_not_told_as_anothers(certno: str, reason: str) -> None:
    assert _outcome(cert_type=CertType.ID_CARD, cert_no="E1", psn_cert_type="08", certno=certno) == reason


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
