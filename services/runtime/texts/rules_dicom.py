"""Texts of the rules by which questions of QIDO-RS and of FHIR are read, by rule id: (Chinese, English)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DICOM_RULES: Final[Mapping[str, tuple[str, str]]] = {
    "dicom.key": (
        "不能按此项查询：它不是本级的属性，或索引不保存它",
        "cannot be asked by: it is no attribute of this level, or the index does not keep it",
    ),
    "dicom.attribute": (
        "应为属性的名称或8位十六进制标签，或all",
        "keywords or tags of attributes, or all, are expected",
    ),
    "dicom.uid": (
        "应为UID（数字与点，至多64个字符），可用逗号列出多个",
        "a UID, or several between commas, is expected",
    ),
    "dicom.uids": ("一次至多1000个UID", "at most 1,000 UIDs at once"),
    "dicom.date": (
        "应为日期（如20260315）或日期范围（如20260301-20260331、20260301-）",
        "a day such as 20260315, or a range such as 20260301-20260331 or 20260301-, is expected",
    ),
    "dicom.time": (
        "应为时间（如10、1015、101500）或时间范围（如10-1130）",
        "a time such as 10, 1015 or 101500, or a range such as 10-1130, is expected",
    ),
    "dicom.range": ("范围的结束早于开始", "the range ends before it begins"),
    "dicom.number": ("应为整数", "a whole number is expected"),
    "dicom.count": ("应为不小于零的整数", "a whole number from zero on is expected"),
    "dicom.twice": ("只能出现一次", "may stand once"),
    "dicom.true_false": ("应为true或false", "true or false is expected"),
    "dicom.long": ("过长", "is too long"),
    "dicom.encoding": (
        "百分号编码有误，或解码后不是UTF-8",
        "percent signs with two hexadecimal digits, of UTF-8, are expected",
    ),
    "dicom.host": ("应为主机名，可带端口", "a host, with or without a port, is expected"),
    "fhir.parameter": (
        "不支持此查询参数；所支持的见/fhir/metadata",
        "is no parameter that is served; /fhir/metadata names those that are",
    ),
    "fhir.date": (
        "应为日期或时刻，可带前缀eq、ne、gt、lt、ge、le、sa、eb，如ge2026-03-15",
        "a date or a moment is expected, behind eq, ne, gt, lt, ge, le, sa or eb: ge2026-03-15",
    ),
    "fhir.modality": (
        "应为设备类型代码（如CT），可带DICOM的代码系统，可用逗号列出多个",
        "a modality such as CT, with or without DICOM's code system, or several between commas, is expected",
    ),
    "fhir.identifier": (
        "应为urn:dicom:uid|加检查UID（可列出多个），或一个不带系统的检查号",
        "urn:dicom:uid| and the UID of a study, or several, or one accession number without a system, is expected",
    ),
    "fhir.patient": (
        "应为应答中的患者标识，如Patient/标识，可用逗号列出多个",
        "the id of a patient as answers tell it, Patient/ID, or several between commas, is expected",
    ),
    "fhir.status": ("应为ImagingStudy的状态，如available", "a status of ImagingStudy such as available is expected"),
    "fhir.json": ("应答只有JSON一种形式（application/fhir+json）", "answers are in JSON alone (application/fhir+json)"),
    "fhir.form": (
        "应为表单（application/x-www-form-urlencoded）",
        "a form (application/x-www-form-urlencoded) is expected",
    ),
    "fhir.repeated": ("至多出现8次", "may stand eight times at most"),
    "fhir.value": ("此参数没有这个取值", "is no value that the parameter has here"),
}
