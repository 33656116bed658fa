"""What a message calls a value that has another name where it is read, and what to fill in where a type does not say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

NAMED: Final[Mapping[str, str]] = {
    "accumulators": "key value",
    "amount_fen": "det_item_fee_sumamt_fen amount_fen",
    "at": "setl_time",
    "cert_no": "mdtrt_cert_no",
    "cert_type": "mdtrt_cert_type",
    "end_at": "end_time endtime",
    "exp_content": "encounter_exp_content exp_content",
    "fee_at": "fee_ocur_time",
    "flag": "cnfm_flag",
    "pric_uplmt_e6": "pric_uplmt_amt",
    "selfpay_e4": "selfpay_prop",
    "source_micros": "source_time",
    "told_hash": "entry_hash",
    "uid": "study_instance_uid",
    "imaging.reports._report abnormal": "exam_rslt_abn",
    "imaging.reports._report body_part": "exam_part",
    "imaging.reports._report code": "exam_item_code",
    "imaging.reports._report conclusion": "exam_ccls",
    "imaging.reports._report day": "exam_date",
    "imaging.reports._report doctor": "bilg_dr_name",
    "imaging.reports._report kind": "rpotc_type_code",
    "imaging.reports._report name": "exam_rpotc_name exam_item_name",
    "imaging.reports._report organisation": "exe_org_name",
    "imaging.reports._report positive": "exam_rslt_poit_flag",
    "imaging.reports._report report_day": "rpt_date",
    "imaging.reports._report report_no": "rpotc_no",
    "payment.bills.bill_of fee_fen": "medfee_sumamt_fen",
}
DERIVED: Final[Mapping[str, str]] = {
    "catalogue.records._read_ceiling pric_uplmt_e6": "a decimal text in millionths",
    "catalogue.records._read_item selfpay_e4": "a decimal text in ten-thousandths",
    "catalogue.records._read_ratio selfpay_e4": "a decimal text in ten-thousandths",
    "catalogue.records._read_item chrgitm_lv": "an enumeration as its code",
    "imaging.entries.told_entry content_hash": "of the bytes",
    "imaging.entries.told_entry size": "of the bytes",
    "imaging.recognition._choice decision": "of the field that is told",
    "settlement.convert_care_bills._counter sums": "told beside their names",
    "settlement.convert_care_bills.decided_reversal sums": "told beside their names",
    "settlement.convert_fees._sent_line detail": "the bytes",
    "settlement.convert_fees._sent_line hosp_appr_flag": "an enumeration as its code",
    "settlement.convert_orders._encounter kind": "of `stay`",
    "settlement.convert_orders._encounter state": "of `stay` and its end",
    "settlement.convert_registrations.discharge_of kind": "always a stay",
    "settlement.convert_registrations.discharge_of revise": "what writes it down",
}
NOT_READ: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(parts.split())
    for name, parts in {
        "catalogue.records._read_local_med_type": "med_type",
        "identity.partners._read_partner": "secret_digest",
        "imaging.entries._study": "index_minute index_technique index_device series_count instance_count",
        "imaging.entries.told_entry": "index_minute index_technique index_device series_count instance_count",
        "imaging.recognition._choice": "reason",
        "settlement.convert_orders._encounter": "insured_cell",
    }.items()
}
"""What the member makes itself, or a filled message says in another way."""
GIVEN: Final[Mapping[str, Mapping[str, Any]]] = {
    "catalogue.records._read_ceiling": {"pric_uplmt_amt": "12.5"},
    "catalogue.records._read_item": {"chrgitm_lv": 2, "selfpay_prop": "0.1"},
    "catalogue.records._read_ratio": {"selfpay_prop": "0.1"},
    "imaging.reports._report": {"rpotc_no": "R-1"},
}
NOT_BY_NAME: Final[Mapping[str, str]] = {
    "imaging.digests._comparison": "digests by day",
    "catalogue.records._read_policy": "a document",
    "settlement.convert_care.told_cover": "a cover of an encounter that is registered",
    "settlement.convert_diagnoses.diagnoses_told": "a list",
    "settlement.convert_orders._booked_stamp": "a stamp of two messages",
    "settlement.convert_orders._opening": "a stamp beside",
    "settlement.convert_registrations.by_institution": "a stamp",
    "settlement.convert_registrations.name_of": "of any message",
    "settlement.messages.meant_message": "looked up",
}
