"""Which benefits a person can use at an institution on a day (2001): identity says who is insured, the policies what is paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.kernel.errors import Fault
from services.settlement.domain.benefits.circumstances import Care, facts_of
from services.settlement.domain.benefits.fund_checks import NOT_INSURED, FundCheck, fund_checks, nothing_paid
from services.settlement.domain.benefits.stack import StackRequest
from services.settlement.domain.care.catalogue import Disease
from services.settlement.domain.care.insured import CredentialQuery, enrolment_on
from services.settlement.domain.care.kinds import KindOfCare
from services.settlement.operations.benefits.persons import Persons
from services.settlement.operations.benefits.ports import PolicyPeer
from services.settlement.operations.care.kinds import national_kind


@dataclass(frozen=True, slots=True)
class BenefitQuery:
    """Whether care of a kind (national med_type), at an institution, on a day, for a disease, is paid for a person."""

    psn_no: str
    insutype: str
    fixmedins_code: str
    med_type: str
    day: date
    dise_codg: str = ""
    exp_content: str = ""
    local_med_type: str = ""


@dataclass(frozen=True, slots=True)
class BenefitOperations:
    """Checks benefits."""

    persons: Persons
    catalogue: PolicyPeer

    async def check(self, query: BenefitQuery) -> list[FundCheck]:
        """One row for each fund of the person's stack; raises PERSON_NOT_FOUND, INSTITUTION_UNKNOWN, MED_TYPE_UNDECLARED."""
        sent = KindOfCare(query.med_type, query.local_med_type)
        kind = await national_kind(self.catalogue, sent, query.fixmedins_code, query.day, "data.med_type")
        asked = CredentialQuery(query.fixmedins_code, query.day, psn_no=query.psn_no, insutype=query.insutype)
        insured = await self.persons.asked(asked)
        institution = await self.catalogue.institution(query.fixmedins_code, query.day)
        try:
            enrolment = enrolment_on(insured, query.insutype, query.day)
            choice = await self.catalogue.stack(
                StackRequest(enrolment.insuplc_admdvs, query.insutype, query.day, query.day)
            )
        except Fault as refusal:
            if refusal.reason not in NOT_INSURED:
                raise
            return [nothing_paid(query.insutype, query.day, refusal)]
        disease = await self._disease(enrolment.insuplc_admdvs, query)
        care = Care(kind.national, query.dise_codg, disease, exp_contents=(query.exp_content,))
        facts = facts_of(insured, enrolment, institution, care, query.day, query.day)
        return fund_checks(choice.stack, facts, KindOfCare(kind.national), enrolment, query.day)

    async def _disease(self, admdvs: str, query: BenefitQuery) -> Disease | None:
        if not query.dise_codg:
            return None
        return (await self.catalogue.diseases(admdvs, query.day, [query.dise_codg])).get(query.dise_codg)
