"""Identity as settlement sees it: lists of credentials verified and persons read, as few calls as the limits allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from google.rpc.status_pb2 import Status

from services.kernel.codes import EC, ID_CARD, SOCIAL_SECURITY_CARD
from services.kernel.errors import Fault
from services.runtime.outbound import Peers, answer_of, fault_of
from services.runtime.wire import day_message, optional_told_day, told_day
from services.settlement.domain.care.insured import CredentialQuery, Enrolment, FamilyLink, Identity, Insured, Person
from yibao.common.v1.codes_pb2 import MdtrtCertType
from yibao.common.v1.item_pb2 import ItemContext
from yibao.identity.v1 import credential_pb2, credential_pb2_grpc, person_pb2, person_pb2_grpc

MEMBER: Final = "identity"
_BATCH: Final = 64
_PERSONS: Final = 500
_CERT_TYPES: Final[Mapping[str, MdtrtCertType.ValueType]] = {
    "": MdtrtCertType.MDTRT_CERT_TYPE_UNSPECIFIED,
    EC: MdtrtCertType.MDTRT_CERT_TYPE_EC,
    ID_CARD: MdtrtCertType.MDTRT_CERT_TYPE_ID_CARD,
    SOCIAL_SECURITY_CARD: MdtrtCertType.MDTRT_CERT_TYPE_SOCIAL_SECURITY_CARD,
}


class IdentityClient:
    """Calls identity through the mesh."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._credentials = peers.stub(credential_pb2_grpc.CredentialServiceStub, MEMBER)
        self._persons = peers.stub(person_pb2_grpc.PersonServiceStub, MEMBER)
        self._verify = peers.gathered(self._credentials.Verify, self._credentials.BatchVerify)

    async def verify(self, item: CredentialQuery) -> Insured:
        """Whose the credential is, asked together with what others ask meanwhile; raises its refusal."""
        try:
            return _insured(await answer_of(self._verify(_verify_request(item)), MEMBER))
        except Fault as refusal:
            raise _named(refusal, item) from None

    async def verify_batch(self, items: Sequence[CredentialQuery]) -> Sequence[Insured | Fault]:
        """Whose each credential is, or its refusal, in order. Raises when identity is out of reach."""
        answers: list[Insured | Fault] = []
        for begin in range(0, len(items), _BATCH):
            chunk = items[begin : begin + _BATCH]
            contexts = {
                day: self._peers.item_context(MEMBER, business_date=day)
                for day in {item.business_date for item in chunk}
            }
            rows = [_verify_item(contexts[item.business_date], item) for item in chunk]
            response = await self._peers.call(
                self._credentials.BatchVerify, credential_pb2.BatchVerifyRequest(items=rows)
            )
            answers.extend(
                _refusal(outcome.status, item) if outcome.HasField("status") else _insured(outcome.response)
                for outcome, item in zip(response.outcomes, chunk, strict=True)
            )
        return answers

    async def persons(self, psn_nos: Sequence[str]) -> Mapping[str, Insured]:
        """Persons by number with all their enrolments; unknown numbers are absent."""
        found: dict[str, Insured] = {}
        for begin in range(0, len(psn_nos), _PERSONS):
            request = person_pb2.BatchGetPersonsRequest(psn_nos=psn_nos[begin : begin + _PERSONS])
            response = await self._peers.call(self._persons.BatchGetPersons, request)
            for outcome in response.outcomes:
                if outcome.HasField("record"):
                    record = outcome.record
                    found[record.person.psn_no] = Insured(
                        _person(record.person),
                        _enrolments(record.enrolments),
                        _identities(record.identities),
                        _links(record.family_links),
                    )
        return found


def _refusal(status: Status, item: CredentialQuery) -> Fault:
    """Why a credential is refused, its fields named as the request holds them: identity's own are called alike."""
    return _named(fault_of(status, MEMBER), item)


def _named(fault: Fault, item: CredentialQuery) -> Fault:
    paths = [replace(each, path=f"{item.node}.{each.path}") for each in fault.violations]
    return Fault(fault.kind, fault.reason, fault.metadata, violations=paths, retry_after_s=fault.retry_after_s)


def _verify_item(context: ItemContext, item: CredentialQuery) -> credential_pb2.BatchVerifyItem:
    row = credential_pb2.BatchVerifyItem(context=context, request=_verify_request(item))
    if item.traceparent:
        # The check belongs to the trace of the request it is made for, not to that of the list it travels in.
        row.context.traceparent = item.traceparent
    return row


def _verify_request(item: CredentialQuery) -> credential_pb2.VerifyRequest:
    return credential_pb2.VerifyRequest(
        mdtrt_cert_type=_CERT_TYPES[item.mdtrt_cert_type],
        mdtrt_cert_no=item.mdtrt_cert_no,
        card_sn=item.card_sn,
        psn_no=item.psn_no,
        psn_cert_type=item.psn_cert_type,
        certno=item.certno,
        fixmedins_code=item.fixmedins_code,
        insutype=item.insutype,
        day=day_message(item.day),
    )


def _insured(answer: credential_pb2.VerifyResponse) -> Insured:
    return Insured(
        _person(answer.person),
        _enrolments(answer.enrolments),
        _identities(answer.identities),
        _links(answer.family_links),
        answer.ec_token_digest,
    )


def _person(person: person_pb2.Person) -> Person:
    return Person(
        person.psn_no,
        person.psn_name,
        person.psn_cert_type,
        person.certno,
        person.gend,
        person.naty,
        told_day(person.brdy),
    )


def _enrolments(enrolments: Iterable[person_pb2.Enrolment]) -> tuple[Enrolment, ...]:
    return tuple(
        Enrolment(
            insutype=entry.insutype,
            insuplc_admdvs=entry.insuplc_admdvs,
            psn_type=entry.psn_type,
            psn_insu_stas=entry.psn_insu_stas,
            status=entry.status,
            from_day=told_day(entry.from_day),
            to_day=optional_told_day(entry, "to_day"),
            insured_since=told_day(entry.insured_since if entry.HasField("insured_since") else entry.from_day),
            cvlserv_flag=entry.cvlserv_flag,
            emp_name=entry.emp_name,
            facts=dict(entry.facts),
        )
        for entry in enrolments
    )


def _identities(identities: Iterable[person_pb2.PersonIdentity]) -> tuple[Identity, ...]:
    return tuple(
        Identity(
            entry.psn_idet_type,
            entry.identity,
            told_day(entry.from_day),
            optional_told_day(entry, "to_day"),
            entry.memo,
            entry.psn_type_lv,
        )
        for entry in identities
    )


def _links(links: Iterable[person_pb2.FamilyLink]) -> tuple[FamilyLink, ...]:
    return tuple(
        FamilyLink(
            entry.owner_psn_no,
            entry.owner_insutype,
            told_day(entry.from_day),
            optional_told_day(entry, "to_day"),
            entry.owner_cell,
        )
        for entry in links
    )
