"""Texts of consent: who may read what is kept of a person, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CONSENT: Final[Mapping[str, tuple[str, str]]] = {
    "NO_ACCESS": ("无权查看，或查无此人", "There is no such person, or no consent to read"),
    "GRANT_NOT_FOUND": ("没有该授权", "There is no such grant"),
    "CONSENT_FULL": (
        "该人员的有效授权或隐藏项已达{most}条",
        "The person has {most} open grants or hidden entries already",
    ),
    "HIDDEN_NOT_FOUND": ("没有该隐藏项", "Nothing is hidden under that number"),
    "REVIEW_DONE": ("该紧急查看已有不同的复核结论", "A review of that emergency found otherwise"),
    "PERSON_KEYS_SEALED": ("人员标识密钥无法打开", "The key of persons' keys cannot be opened"),
}

CONSENT_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "NO_ACCESS": (
        "请患者出示医保码扫码授权，紧急情况请使用紧急查看（sessions:breakGlass）",
        "Scan the patient's code or have the patient grant it; in an emergency call sessions:breakGlass",
    ),
    "GRANT_NOT_FOUND": ("请查询该人员的授权列表", "List the person's grants"),
    "CONSENT_FULL": ("请先撤销不再需要的授权或隐藏项", "Revoke or show what is not needed any more first"),
    "HIDDEN_NOT_FOUND": ("请查询该人员的隐藏列表", "List what the person hides"),
    "REVIEW_DONE": ("请查询该紧急查看的复核结论", "Look at what that review found"),
    "PERSON_KEYS_SEALED": (
        "请让更换前的网格密钥与新密钥并存后重启",
        "Let the keys of before hold beside the new ones, and start again",
    ),
}
"""What to do next, by reason."""

CONSENT_RULES: Final[Mapping[str, tuple[str, str]]] = {
    "consent.modality": ("应为大写的影像设备类型代码", "must be a modality as DICOM writes it, CT"),
    "consent.hidden": ("应填写检查或机构", "must name a study or an institution"),
    "consent.reader": ("该用途须填写", "must be told for this purpose"),
    "consent.person": ("应填写人员编号或证件号码", "must be the person's number, or a certificate's beside it"),
}
"""What a broken field should be, by rule."""
