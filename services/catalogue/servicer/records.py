"""Records in messages to domain records and back. What cannot be read becomes violations with the place of the record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.catalogue.domain import records
from services.catalogue.domain.amounts import item_share_of, price_of, price_text, share_of, share_text, violations_of
from services.catalogue.domain.policies import policy_of
from services.catalogue.domain.pricing import PricedItem
from services.catalogue.domain.publishing import PlacedRecord
from services.kernel.errors import Fault, Violation
from services.runtime.contract import national_codes
from services.runtime.wire import day_message, day_of, optional_day_message, optional_day_of
from yibao.catalogue.v1 import catalogue_pb2, records_pb2
from yibao.common.v1 import codes_pb2

# Records that are read without a pause.
_PART: Final = 5

_CLASSES: Final[Mapping[codes_pb2.ChrgitmLv.ValueType, str]] = {
    codes_pb2.CHRGITM_LV_A: records.CLASS_A,
    codes_pb2.CHRGITM_LV_B: records.CLASS_B,
    codes_pb2.CHRGITM_LV_C: records.CLASS_C,
}
_MED_TYPES: Final = national_codes(codes_pb2.DESCRIPTOR.enum_types_by_name["MedType"])
_MED_TYPE_ENUMS: Final[Mapping[str, Any]] = {code: number for number, code in _MED_TYPES.items()}
_CLASS_ENUMS: Final[Mapping[str, codes_pb2.ChrgitmLv.ValueType]] = {code: number for number, code in _CLASSES.items()}


@dataclass(frozen=True, slots=True)
class ReadRecords:
    """The entries of a request; what could not be read, and names of policies among that."""

    entries: tuple[PlacedRecord, ...]
    violations: tuple[Violation, ...]
    policies: tuple[str, ...]


async def read_in_parts(messages: Sequence[catalogue_pb2.Record]) -> ReadRecords:
    """Reads every record, with pauses for everything else: a policy is proven while it is read."""
    parts: list[ReadRecords] = []
    for first in range(0, len(messages), _PART):
        parts.append(read_records(messages[first : first + _PART], first))
        await asyncio.sleep(0)
    return ReadRecords(
        tuple(entry for part in parts for entry in part.entries),
        tuple(violation for part in parts for violation in part.violations),
        tuple(policy for part in parts for policy in part.policies),
    )


def read_records(messages: Sequence[catalogue_pb2.Record], first: int = 0) -> ReadRecords:
    """Reads every record; one that cannot be read leaves violations instead of an entry. `first` is the place of the first."""
    entries: list[PlacedRecord] = []
    violations: list[Violation] = []
    policies: list[str] = []
    for place, message in enumerate(messages, first):
        kind = str(message.WhichOneof("kind"))
        path = f"records[{place}].{kind}"
        try:
            entries.append(PlacedRecord(path, _READERS[kind](getattr(message, kind))))
        except Fault as fault:
            violations += violations_of(fault, path)
            if fault.reason == "POLICY_INVALID":
                policies.append(fault.metadata.get("policy", ""))
    return ReadRecords(tuple(entries), tuple(violations), tuple(policies))


def _read_item(message: records_pb2.Item) -> records.Item:
    chrgitm_lv = _CLASSES[message.chrgitm_lv]
    return records.Item(
        med_list_codg=message.med_list_codg,
        list_type=message.list_type,
        item_name=message.item_name,
        chrgitm_lv=chrgitm_lv,
        med_chrgitm_type=message.med_chrgitm_type,
        spec=message.spec,
        dosform_name=message.dosform_name,
        unit=message.unit,
        lmt_used_flag=message.lmt_used_flag,
        bas_medn_flag=message.bas_medn_flag,
        hi_nego_drug_flag=message.hi_nego_drug_flag,
        selfpay_e4=item_share_of(message.selfpay_prop, chrgitm_lv, "selfpay_prop"),
        **_days(message.validity),
    )


def _read_ceiling(message: records_pb2.PriceCeiling) -> records.PriceCeiling:
    return records.PriceCeiling(
        med_list_codg=message.med_list_codg,
        admdvs=message.admdvs,
        lmtpric_hosp_lv=message.lmtpric_hosp_lv,
        pric_uplmt_e6=price_of(message.pric_uplmt_amt, "pric_uplmt_amt"),
        hosp_bear=message.hosp_bear,
        **_days(message.validity),
    )


def _read_ratio(message: records_pb2.SelfpayRatio) -> records.SelfpayRatio:
    return records.SelfpayRatio(
        med_list_codg=message.med_list_codg,
        admdvs=message.admdvs,
        hosp_lv=message.hosp_lv,
        selfpay_e4=share_of(message.selfpay_prop, "selfpay_prop"),
        **_days(message.validity),
    )


def _read_term(message: records_pb2.Term) -> records.Term:
    return records.Term(
        standard=message.standard,
        code=message.code,
        name=message.name,
        **_days(message.validity),
    )


def _read_disease(message: records_pb2.Disease) -> records.Disease:
    return records.Disease(
        dise_codg=message.dise_codg,
        dise_name=message.dise_name,
        disease=message.disease,
        chronic_class=message.chronic_class,
        admdvs=message.admdvs,
        **_days(message.validity),
    )


def _read_institution(message: records_pb2.Institution) -> records.Institution:
    return records.Institution(
        fixmedins_code=message.fixmedins_code,
        fixmedins_name=message.fixmedins_name,
        uscc=message.uscc,
        fixmedins_type=message.fixmedins_type,
        hosp_lv=message.hosp_lv,
        lmtpric_hosp_lv=message.lmtpric_hosp_lv,
        policy_hosp_lv=message.policy_hosp_lv,
        admdvs=message.admdvs,
        **_days(message.validity),
    )


def _read_division(message: records_pb2.Division) -> records.Division:
    return records.Division(
        admdvs=message.admdvs,
        name=message.name,
        parent_admdvs=message.parent_admdvs,
        **_days(message.validity),
    )


def _read_policy(message: records_pb2.PolicyDocument) -> records.PolicyVersion:
    return policy_of(message.document_json)


def _read_stack(message: records_pb2.PolicyStack) -> records.PolicyStack:
    return records.PolicyStack(
        admdvs=message.admdvs,
        insutype=message.insutype,
        policy_ids=tuple(message.policy_ids),
        **_days(message.validity),
    )


def _read_local_med_type(message: records_pb2.LocalMedType) -> records.LocalMedType:
    return records.LocalMedType(
        local_med_type=message.local_med_type,
        name=message.name,
        med_type=_MED_TYPES.get(message.med_type, ""),
        admdvs=message.admdvs,
        **_days(message.validity),
    )


_READERS: Final[Mapping[str, Callable[[Any], records.Record]]] = {
    "item": _read_item,
    "price_ceiling": _read_ceiling,
    "selfpay_ratio": _read_ratio,
    "term": _read_term,
    "disease": _read_disease,
    "institution": _read_institution,
    "division": _read_division,
    "local_med_type": _read_local_med_type,
    "policy": _read_policy,
    "stack": _read_stack,
}


def item_message(item: records.Item) -> records_pb2.Item:
    """An item as a message; its share stands for class B only."""
    return records_pb2.Item(
        med_list_codg=item.med_list_codg,
        list_type=item.list_type,
        item_name=item.item_name,
        chrgitm_lv=_CLASS_ENUMS[item.chrgitm_lv],
        med_chrgitm_type=item.med_chrgitm_type,
        spec=item.spec,
        dosform_name=item.dosform_name,
        unit=item.unit,
        lmt_used_flag=item.lmt_used_flag,
        bas_medn_flag=item.bas_medn_flag,
        hi_nego_drug_flag=item.hi_nego_drug_flag,
        selfpay_prop=share_text(item.selfpay_e4) if item.chrgitm_lv == records.CLASS_B else "",
        validity=_validity(item),
    )


def priced_item_message(priced: PricedItem) -> catalogue_pb2.PricedItem:
    """An item with its ceiling and share as a message."""
    limit = priced.pric_uplmt_e6
    return catalogue_pb2.PricedItem(
        item=item_message(priced.item),
        pric_uplmt_amt=None if limit is None else price_text(limit),
        selfpay_prop=share_text(priced.selfpay_e4),
        hosp_bear=priced.hosp_bear,
    )


def institution_message(institution: records.Institution) -> records_pb2.Institution:
    """An institution as a message."""
    return records_pb2.Institution(
        fixmedins_code=institution.fixmedins_code,
        fixmedins_name=institution.fixmedins_name,
        uscc=institution.uscc,
        fixmedins_type=institution.fixmedins_type,
        hosp_lv=institution.hosp_lv,
        lmtpric_hosp_lv=institution.lmtpric_hosp_lv,
        policy_hosp_lv=institution.policy_hosp_lv,
        admdvs=institution.admdvs,
        validity=_validity(institution),
    )


def term_message(term: records.Term) -> records_pb2.Term:
    """A term as a message."""
    return records_pb2.Term(standard=term.standard, code=term.code, name=term.name, validity=_validity(term))


def local_med_type_message(kind: records.LocalMedType) -> records_pb2.LocalMedType:
    """A local kind of care as a message."""
    return records_pb2.LocalMedType(
        local_med_type=kind.local_med_type,
        name=kind.name,
        med_type=_MED_TYPE_ENUMS[kind.med_type],
        admdvs=kind.admdvs,
        validity=_validity(kind),
    )


def disease_message(disease: records.Disease) -> records_pb2.Disease:
    """A disease as a message."""
    return records_pb2.Disease(
        dise_codg=disease.dise_codg,
        dise_name=disease.dise_name,
        disease=disease.disease,
        chronic_class=disease.chronic_class,
        admdvs=disease.admdvs,
        validity=_validity(disease),
    )


def _days(validity: records_pb2.Validity) -> dict[str, Any]:
    """The days of a record, by its fields; INVALID with the field's path."""
    return {
        "from_day": day_of(validity.from_day, "validity.from_day"),
        "to_day": optional_day_of(validity, "to_day", "validity"),
    }


def _validity(record: records.Record) -> records_pb2.Validity:
    return records_pb2.Validity(from_day=day_message(record.from_day), to_day=optional_day_message(record.to_day))
