"""Requests of the contract, made from the invented people."""

from __future__ import annotations

from datetime import date
from typing import Any

from google.type.date_pb2 import Date

from services.identity.domain.person import PersonRecord
from services.identity.servicer.convert import write_record
from tests.identity.people import TODAY, person
from yibao.common.v1 import codes_pb2
from yibao.common.v1.item_pb2 import ItemContext
from yibao.identity.v1 import api_key_pb2, credential_pb2, partner_pb2, person_pb2, sign_in_pb2
from yibao.options.v1 import options_pb2

EC = codes_pb2.MDTRT_CERT_TYPE_EC
ID_CARD = codes_pb2.MDTRT_CERT_TYPE_ID_CARD


def on(day: date) -> Date:
    """A day of the wire."""
    return Date(year=day.year, month=day.month, day=day.day)


def registration(*records: PersonRecord, request_id: str = "r1") -> person_pb2.RegisterPersonsRequest:
    """RegisterPersons."""
    return person_pb2.RegisterPersonsRequest(request_id=request_id, persons=[write_record(each) for each in records])


def activation(number: int = 1, channel: str = "APP", request_id: str = "a1", **changed: Any) -> Any:
    """ActivateCredential."""
    known = person(number)
    values = {"psn_name": known.psn_name, "psn_cert_type": "01", "certno": known.certno, **changed}
    return credential_pb2.ActivateCredentialRequest(request_id=request_id, channel_code=channel, **values)


def decoding(code: str, org_id: str = "H99010000001", request_id: str = "6101:m1") -> credential_pb2.DecodeCodeRequest:
    """DecodeCode."""
    body = credential_pb2.DecodeInput(org_id=org_id, business_type="01101", operator_id="op1", ec_qr_code=code)
    return credential_pb2.DecodeCodeRequest(request_id=request_id, in_data=body)


def verification(**asked: Any) -> credential_pb2.VerifyRequest:
    """Verify, today at the hospital."""
    values = {"fixmedins_code": "H99010000001", "day": on(TODAY), **asked}
    return credential_pb2.VerifyRequest(**values)


def batch(
    *requests: credential_pb2.VerifyRequest | None, token: str, traceparent: str = ""
) -> credential_pb2.BatchVerifyRequest:
    """BatchVerify with one token for all items; None is an item without a request."""
    context = ItemContext(caller_token=token, traceparent=traceparent)
    items = [credential_pb2.BatchVerifyItem(context=context, request=request) for request in requests]
    return credential_pb2.BatchVerifyRequest(items=items)


def partner(**changed: Any) -> partner_pb2.Partner:
    """A hospital that signs in CSB style."""
    values = {
        "partner_code": "H99010000001",
        "partner_name": "测试医院",
        "role": options_pb2.ROLE_INSTITUTION,
        "auth_style": partner_pb2.AUTH_STYLE_CSB,
        "access_key": "test-ak",
        "secret": "test-sk",
        **changed,
    }
    return partner_pb2.Partner(**values)


def profile(request_id: str = "p1", **changed: Any) -> partner_pb2.RegisterPartnerRequest:
    """RegisterPartner."""
    return partner_pb2.RegisterPartnerRequest(request_id=request_id, partner=partner(**changed))


def key_request(
    role: options_pb2.Role.ValueType = options_pb2.ROLE_PERSON, request_id: str = "k1", **changed: Any
) -> api_key_pb2.IssueApiKeyRequest:
    """IssueApiKey."""
    values = {"subject": person(1).psn_no, **changed}
    return api_key_pb2.IssueApiKeyRequest(request_id=request_id, role=role, **values)


def sign_in(request_id: str = "9001:m1", code: str = "H99010000001") -> sign_in_pb2.SignInRequest:
    """SignIn."""
    body = sign_in_pb2.SignInInput(opter_no="op1", mac="00-00", ip="127.0.0.1")
    return sign_in_pb2.SignInRequest(request_id=request_id, fixmedins_code=code, sign_in=body)


def sign_out(sign_no: str, request_id: str = "9002:m1", code: str = "H99010000001") -> sign_in_pb2.SignOutRequest:
    """SignOut."""
    body = sign_in_pb2.SignOutInput(sign_no=sign_no, opter_no="op1")
    return sign_in_pb2.SignOutRequest(request_id=request_id, fixmedins_code=code, sign_out=body)
