"""The throw-away world of a case that is played on a running sandbox: a fresh person, institution, items and stack.

Everything stands in invented divisions of its own (99xxxx), so that a case disturbs nobody and can be played again. Where two
cells play it, remote care is given in the one and the person insured in the other. It only builds messages; sending them is
`case_through`'s part.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from services.kernel.money import short_text
from services.kernel.policy.document import FactValue
from services.runtime.wire import day_message
from tools.cli.case import PolicyFolder
from tools.cli.case_document import Case, CaseLine, CaseOperation
from yibao.catalogue.v1 import catalogue_pb2, records_pb2
from yibao.common.v1 import codes_pb2
from yibao.identity.v1 import partner_pb2, person_pb2
from yibao.options.v1 import options_pb2
from yibao.settlement.v1 import ledger_pb2

MED_TYPES: Mapping[str, str] = {
    "outpatient": "11",
    "emergency_obs": "1301",
    "outpatient_chronic": "14",
    "inpatient": "21",
    "day_surgery": "28",
    "pharmacy": "41",
    "maternity_inpatient": "52",
    "family_bed": "71",
}
PSN_TYPES: Mapping[str, str] = {"active": "11", "retired": "12", "resident": "15", "student_child": "1403"}
IDENTITY_TYPES: Mapping[str, str] = {
    "dibao": "2303",
    "tekun": "2304",
    "fanpin": "2302",
    "dibian": "2305",
    "zhichu": "2306",
}
REFERRALS = ("emergency", "transfer")
"""Kinds of remote care that the institution says with each bill; a long-term filing stands on the enrolment. Where two cells
play the case, only an emergency is said and the others are filed."""

_REMOTE = ("filed_long_term", "transfer", "emergency", "temporary")

ENROLMENT_FACTS = ("cvl_rank", "ent_flag", "contracted", "ma_category", "cii_bonus_units")
CLASSES = {"A": codes_pb2.CHRGITM_LV_A, "B": codes_pb2.CHRGITM_LV_B, "C": codes_pb2.CHRGITM_LV_C}
NO_LEVEL = "none"
"""The fact `hosp_lv` of a pharmacy."""

LONG_AGO = date(2000, 1, 1)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True)
class Fixture:
    """Names of one case's world; `run` makes them new each time (eight digits). The case has at least one bill.

    `across` says that remote care is given in another cell than the insured one.
    """

    case: Case
    run: str
    policies: PolicyFolder
    across: bool = False

    @property
    def psn_no(self) -> str:
        """The person."""
        return f"99{self.run}0000000001"

    @property
    def owner_psn_no(self) -> str:
        """The owner of the family account."""
        return f"99{self.run}0000000002"

    @property
    def home(self) -> str:
        """Insured place: an invented division."""
        return f"99{self.run[:4]}"

    def place(self, operation: CaseOperation) -> str:
        """Place of care: the insured place, else a county of another pooling area, for each kind of remote care another one:
        what is filed for one is not filed for the others."""
        if not is_remote(operation):
            return self.home
        away = (int(self.run[:2]) + 1 + _REMOTE.index(str(operation.facts["remote"]))) % 100
        return f"99{away:02d}{int(self.run[2:4]) % 98 + 1:02d}"

    @property
    def home_institution(self) -> str:
        """Code of the institution at the insured place that refers the person elsewhere."""
        return f"H{self.home}{self.run[3:7]}8"

    def institution(self, operation: CaseOperation) -> str:
        """Code of the institution of that place and level; what has none is a pharmacy."""
        level = str(operation.facts.get("hosp_lv", "3"))
        digit = {"community": "0", NO_LEVEL: "9"}.get(level, level)
        kind = "P" if level == NO_LEVEL else "H"
        return f"{kind}{self.place(operation)}{self.run[3:7]}{digit}"

    def item(self, operation: CaseOperation, place: int) -> str:
        """Code of the item of a line."""
        return f"XTEST{self.run}{self.case.operations.index(operation):02d}{place:03d}"

    def disease(self, operation: CaseOperation) -> str:
        """Code of the disease of an operation, empty where it has none."""
        facts = operation.facts
        plain = facts.get("disease", "none") == "none" and facts.get("chronic_class", "none") == "none"
        return "" if plain else f"M9{self.run[:2]}{self.case.operations.index(operation):02d}"

    @property
    def documents(self) -> tuple[Mapping[str, object], ...]:
        """All policies that the bills name, in their order."""
        names = dict.fromkeys(name for operation in self.case.bills for name in operation.policies)
        return tuple(self.policies.document(name) for name in names)

    @cached_property
    def policy_ids(self) -> tuple[str, ...]:
        """The policies of the person's stack: those of the first bill."""
        return self.ids_of(self.case.bills[0])

    def ids_of(self, operation: CaseOperation) -> tuple[str, ...]:
        """The ids of the policies of an operation."""
        return tuple(policy.id for policy in self.policies.stack(operation.policies).policies)

    @cached_property
    def insutype(self) -> str:
        """Insurance type of the first policy of the stack."""
        return self.policies.stack(self.case.bills[0].policies).policies[0].insutype

    def year(self, operation: CaseOperation, day: date) -> str:
        """Label of the benefit year of a day by the policies of an operation."""
        return self.policies.year(operation.policies, day)

    @property
    def first_day(self) -> date:
        """Day of the first bill."""
        return day_of(self.case.bills[0])

    @property
    def facts(self) -> Mapping[str, FactValue]:
        """Facts of the person as registered: those of the first bill."""
        return self.case.bills[0].facts

    @cached_property
    def birth(self) -> date:
        """The latest day of birth that no bill finds too young; where ages agree with each other, it fits all."""
        return min(_years_before(day_of(each), int(each.facts.get("age", 40))) for each in self.case.bills)

    @cached_property
    def insured_from(self) -> date:
        """The latest first day of enrolment that no bill finds too short."""
        months = [(day_of(each), int(each.facts.get("months_insured", 240))) for each in self.case.bills]
        return min(_months_before(day, count) for day, count in months)

    @property
    def filed(self) -> bool:
        """Whether long-term remote care stands on the enrolment."""
        return not self.across and any(each.facts.get("remote") == "filed_long_term" for each in self.case.bills)


def is_remote(operation: CaseOperation) -> bool:
    """Whether the care is given outside the insured place."""
    return operation.facts.get("remote", "local") != "local"


def day_of(operation: CaseOperation) -> date:
    """The day of a bill."""
    if operation.day is None:
        raise ValueError(f"{operation.id} has no day")
    return operation.day


def catalogue_of(fixture: Fixture) -> list[catalogue_pb2.Record]:
    """Institutions, items, diseases, policies and the stack of the case."""
    ever = records_pb2.Validity(from_day=day_message(LONG_AGO))
    records = [
        catalogue_pb2.Record(policy=records_pb2.PolicyDocument(document_json=json.dumps(each, ensure_ascii=False)))
        for each in fixture.documents
    ]
    ids = fixture.policy_ids
    stack = records_pb2.PolicyStack(admdvs=fixture.home, insutype=fixture.insutype, policy_ids=ids, validity=ever)
    records.append(catalogue_pb2.Record(stack=stack))
    played = fixture.case.bills
    places = {fixture.institution(each): each for each in played}.values()
    records.extend(catalogue_pb2.Record(institution=_institution(fixture, each, ever)) for each in places)
    for operation in played:
        records.extend(
            catalogue_pb2.Record(item=_item(fixture.item(operation, place), line, ever))
            for place, line in enumerate(operation.lines)
        )
        records.extend(_ceilings(fixture, operation, ever))
        if fixture.disease(operation):
            records.append(catalogue_pb2.Record(disease=_disease(fixture, operation, ever)))
    return records


def _institution(fixture: Fixture, operation: CaseOperation, ever: records_pb2.Validity) -> records_pb2.Institution:
    level = str(operation.facts.get("hosp_lv", "3"))
    if level == NO_LEVEL:
        return records_pb2.Institution(
            fixmedins_code=fixture.institution(operation),
            fixmedins_name="案例药店",
            fixmedins_type="2",
            admdvs=fixture.place(operation),
            validity=ever,
        )
    return records_pb2.Institution(
        fixmedins_code=fixture.institution(operation),
        fixmedins_name="案例医院",
        fixmedins_type="1",
        hosp_lv={"3": "2", "2": "5", "1": "8"}.get(level, "11"),
        policy_hosp_lv=level,
        admdvs=fixture.place(operation),
        validity=ever,
    )


def _item(code: str, line: CaseLine, ever: records_pb2.Validity) -> records_pb2.Item:
    return records_pb2.Item(
        med_list_codg=code,
        list_type="101",
        item_name=line.name or "案例项目",
        chrgitm_lv=CLASSES[line.chrg_class],
        med_chrgitm_type="09",
        lmt_used_flag=line.restricted,
        bas_medn_flag=line.flags.get("bas_medn_flag") == "1",
        hi_nego_drug_flag=line.flags.get("hi_nego_drug_flag") == "1",
        selfpay_prop=short_text(line.selfpay_prop_e4, 4) if line.chrg_class == "B" else "",
        validity=ever,
    )


def _ceilings(fixture: Fixture, operation: CaseOperation, ever: records_pb2.Validity) -> list[catalogue_pb2.Record]:
    return [
        catalogue_pb2.Record(
            price_ceiling=records_pb2.PriceCeiling(
                med_list_codg=fixture.item(operation, place),
                admdvs=fixture.place(operation),
                pric_uplmt_amt=short_text(line.price_limit_e6, 6),
                hosp_bear=line.hosp_bear,
                validity=ever,
            )
        )
        for place, line in enumerate(operation.lines)
        if line.price_limit_e6 is not None
    ]


def _disease(fixture: Fixture, operation: CaseOperation, ever: records_pb2.Validity) -> records_pb2.Disease:
    return records_pb2.Disease(
        dise_codg=fixture.disease(operation),
        dise_name="案例病种",
        disease=_told(operation.facts.get("disease", "none")),
        chronic_class=_told(operation.facts.get("chronic_class", "none")),
        admdvs=fixture.home,
        validity=ever,
    )


def _told(value: FactValue) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "" if text == "none" else text


def persons_of(fixture: Fixture) -> list[person_pb2.PersonRecord]:
    """The person with facts, enrolment, identity and family link; the account's owner first."""
    records = []
    person = _person(fixture, fixture.psn_no, 1)
    if fixture.case.account.mutual_fen:
        records.append(_person(fixture, fixture.owner_psn_no, 2))
        person.family_links.add(
            owner_psn_no=fixture.owner_psn_no, owner_insutype=fixture.insutype, from_day=day_message(LONG_AGO)
        )
    identity = str(fixture.facts.get("identity", "normal"))
    if identity != "normal":
        person.identities.add(psn_idet_type=IDENTITY_TYPES[identity], identity=identity, from_day=day_message(LONG_AGO))
    return [*records, person]


def _person(fixture: Fixture, psn_no: str, number: int) -> person_pb2.PersonRecord:
    facts = fixture.facts
    status = str(facts.get("status", "active"))
    enrolment = person_pb2.Enrolment(
        insutype=fixture.insutype,
        insuplc_admdvs=fixture.home,
        psn_type=PSN_TYPES[status],
        psn_insu_stas="1",
        status=status,
        from_day=day_message(fixture.insured_from),
        cvlserv_flag=facts.get("cvlserv") == "1",
        facts={name: str(facts[name]).lower() for name in ENROLMENT_FACTS if name in facts},
    )
    if fixture.filed:
        enrolment.facts["remote_filing"] = "filed_long_term"
    return person_pb2.PersonRecord(
        person=person_pb2.Person(
            psn_no=psn_no,
            psn_name="案例人员",
            psn_cert_type="01",
            certno=certificate_no(fixture.birth, fixture.run, number),
            gend="1",
            naty="01",
            brdy=day_message(fixture.birth),
        ),
        enrolments=[enrolment],
    )


def _years_before(day: date, years: int) -> date:
    return date(day.year - years, day.month, min(day.day, 28))


def _months_before(day: date, months: int) -> date:
    whole = day.year * 12 + day.month - 1 - months
    return date(whole // 12, whole % 12 + 1, min(day.day, 28))


def certificate_no(birth: date, run: str, number: int) -> str:
    """An identity-card number with a right check digit in a division that does not exist (99xxxx)."""
    body = f"99{run[:4]}{birth:%Y%m%d}{(int(run[4:]) + number) % 1000:03d}"
    rest = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11
    return body + "10X98765432"[rest]


def ledgers_of(fixture: Fixture) -> list[ledger_pb2.LedgerOpening]:
    """Opening balances and accumulators; the accumulators belong to the benefit year of the first bill."""
    account, case = fixture.case.account, fixture.case
    opening = ledger_pb2.LedgerOpening(
        psn_no=fixture.psn_no,
        insutype=fixture.insutype,
        insuplc_admdvs=fixture.home,
        balance_fen=account.balance_fen,
        current_year_fen=account.current_year_fen or 0,
        benefit_year=fixture.year(case.bills[0], fixture.first_day),
        accumulators=[ledger_pb2.Accumulator(key=k, value=v) for k, v in case.accumulators_before.items()],
    )
    if not account.mutual_fen:
        return [opening]
    owner = ledger_pb2.LedgerOpening(
        psn_no=fixture.owner_psn_no,
        insutype=fixture.insutype,
        insuplc_admdvs=fixture.home,
        balance_fen=account.mutual_fen,
        benefit_year=opening.benefit_year,
    )
    return [owner, opening]


def partners_of(fixture: Fixture, *, elsewhere: bool) -> list[partner_pb2.Partner]:
    """Profiles without authentication for the institutions of the case elsewhere, or at the insured place."""
    codes = {fixture.institution(each) for each in fixture.case.bills if is_remote(each) == elsewhere}
    if fixture.across and not elsewhere:
        codes.add(fixture.home_institution)
    return [
        partner_pb2.Partner(
            partner_code=code,
            partner_name="案例医院",
            role=options_pb2.ROLE_INSTITUTION,
            auth_style=partner_pb2.AUTH_STYLE_NONE,
            sandbox=True,
        )
        for code in sorted(codes)
    ]


def unit_price_e6(line: CaseLine) -> int:
    """The price of a line per unit in yuan over 10**6, rounded down; it is never negative."""
    return abs(line.amount_fen) * 10**8 // abs(line.count_e4 or 1)
