"""Texts of the reasons that identity raises: reason → (Chinese, English), placeholders named like the fault's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.runtime.texts.consent import CONSENT, CONSENT_STEPS

IDENTITY: Final[Mapping[str, tuple[str, str]]] = {
    **CONSENT,
    "REQUEST_ID_REUSED": (
        "请求编号{request_id}已用于其他内容",
        "The request id {request_id} stands for other content already",
    ),
    "PERSON_EXISTS": ("{count}名人员已登记且内容不同", "{count} persons are registered with other content"),
    "PERSON_NOT_FOUND": ("未找到参保人", "No insured person is found"),
    "CERTIFICATE_TAKEN": ("{count}个证件号或卡号已属于他人", "{count} certificates or cards belong to other persons"),
    "ENROLMENT_OVERLAPS": ("同一险种的参保时间重叠", "Two enrolments of one insurance type hold on one day"),
    "ENROLMENT_NOT_FOUND": (
        "该人员没有险种{insutype}的参保记录",
        "The person has no enrolment of type {insutype} to revise",
    ),
    "FAMILY_OWNER_UNKNOWN": ("{count}个共济账户人未登记", "{count} owners of shared accounts are not registered"),
    "NAME_MISMATCH": ("姓名与证件不符", "The name is not that of the certificate"),
    "CREDENTIAL_ACTIVE": ("医保电子凭证已在其他渠道激活", "The credential is active through another channel"),
    "CREDENTIAL_NOT_ACTIVE": ("医保电子凭证未激活", "The electronic credential is not active"),
    "CREDENTIAL_OTHER_CHANNEL": ("医保电子凭证由其他渠道激活", "The credential was activated through another channel"),
    "CREDENTIAL_OF_ANOTHER_CELL": (
        "该二维码或电子凭证令牌出自属地单元“{cell}”，只有该单元能核验",
        "The code or ecToken was made in the cell {cell}, which alone can check it",
    ),
    "CODE_UNKNOWN": ("电子凭证二维码无效", "The scanned code was never shown"),
    "CODE_EXPIRED": ("电子凭证二维码已失效，请刷新后重扫", "The scanned code has expired; show a fresh one"),
    "CODE_USED": ("电子凭证二维码已使用，请刷新后重扫", "The scanned code was used; show a fresh one"),
    "EC_TOKEN_UNKNOWN": ("电子凭证令牌无效", "The ecToken was never given"),
    "EC_TOKEN_EXPIRED": ("电子凭证令牌已过期，请重新扫码", "The ecToken has expired; scan again"),
    "EC_TOKEN_WRONG_INSTITUTION": ("电子凭证令牌不属于本机构", "The ecToken was given to another institution"),
    "EC_TOKEN_WRONG_PERSON": ("电子凭证令牌与人员编号不符", "The ecToken is another person's"),
    "CERTIFICATE_MISMATCH": ("证件与人员编号或另一证件不符", "The certificate is another person's"),
    "CERTIFICATE_AMBIGUOUS": (
        "该证件号码登记在多种证件类型下",
        "The number stands under several types of certificate",
    ),
    "CARD_SN_MISMATCH": ("社会保障卡识别码不符", "The recognition code is not that of the card"),
    "PARTNER_NOT_FOUND": (
        "编号为{partner_code}的机构或渠道未登记",
        "No institution or channel {partner_code} is registered",
    ),
    "AUTH_STYLE_NOT_ALLOWED": ("免认证接入仅限沙箱环境", "Without authentication a partner exists only in a sandbox"),
    "ACCESS_KEY_TAKEN": ("访问密钥已属于其他接入方", "The access key is another partner's"),
    "API_KEY_UNKNOWN": ("API密钥无效", "The API key is not known"),
    "API_KEY_TAKEN": ("API密钥已属于其他调用方", "The API key stands for another caller"),
    "API_KEY_NOT_FOUND": ("没有编号为{key_id}的API密钥", "No API key {key_id} was issued"),
    "API_KEY_OF_SETTING": (
        "该API密钥来自启动设置，请在设置中更换或去掉",
        "The key comes from a setting; change it or take it away there",
    ),
    "SECRET_TOO_WEAK": (
        "接入方密钥过弱：至少{characters}个字符，其中至少{different}个互不相同",
        "The partner's secret is too weak: at least {characters} characters, {different} of them different, are needed",
    ),
    "SIGN_NO_UNKNOWN": ("签到编号在本机构无效", "The sign_no does not stand open at the institution"),
    "ANSWER_NOT_REPEATABLE": (
        "首次应答中的密钥不再显示，请重新申请",
        "The secret of the first answer is not shown again; ask for a new one",
    ),
}

_SCAN_AGAIN: Final = (
    "请重新扫码后发送；报文有msgid的须用新的",
    "Scan a fresh code and send it; where the message has a msgid, under a new one",
)
_CHECK_PERSON: Final = ("请核对人员、证件与卡后重发", "Check person, certificate and card, and send it again")

IDENTITY_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    **CONSENT_STEPS,
    "REQUEST_ID_REUSED": (
        "请先查询该编号原报文的结果，确属另一笔业务的才用新编号",
        "Look first what the message of that number did; only other business takes a new number",
    ),
    "PERSON_EXISTS": (
        "请核对登记内容，勿以另一人员编号登记同一人",
        "Compare the content; do not register the same person under another number",
    ),
    "CERTIFICATE_TAKEN": ("请核对证件号与卡号", "Check the numbers of certificates and cards"),
    "CREDENTIAL_ACTIVE": ("请在原激活渠道出示", "Show it through the channel that activated it"),
    "ACCESS_KEY_TAKEN": ("请更换访问密钥", "Choose another access key"),
    "API_KEY_TAKEN": ("请更换API密钥", "Choose another API key"),
    "CODE_UNKNOWN": _SCAN_AGAIN,
    "EC_TOKEN_UNKNOWN": ("请重新扫码取得令牌", "Scan a code for a new token"),
    "PARTNER_NOT_FOUND": (
        "请核对机构编号（fixmedins_code）；新机构请先向运营方登记",
        "Check the institution's code (fixmedins_code); a new institution is registered by the operator first",
    ),
    "ENROLMENT_OVERLAPS": ("请更正起止日期后重发", "Correct the days and send it again"),
    "NAME_MISMATCH": _CHECK_PERSON,
    "CERTIFICATE_MISMATCH": _CHECK_PERSON,
    "CERTIFICATE_AMBIGUOUS": ("请同时填写证件类型和证件号码后重发", "Send the type and the number of the certificate"),
    "CARD_SN_MISMATCH": _CHECK_PERSON,
    "CODE_EXPIRED": _SCAN_AGAIN,
    "CODE_USED": _SCAN_AGAIN,
    "EC_TOKEN_EXPIRED": ("再以新令牌办理", "Then go on with the new token"),
    "ANSWER_NOT_REPEATABLE": ("须使用新的编号", "That takes a new number"),
    "SIGN_NO_UNKNOWN": ("请重新签到（9001）", "Sign in again by 9001"),
    "AUTH_STYLE_NOT_ALLOWED": ("请登记一种鉴权方式", "Register a way of authentication"),
}
"""What to do next, by reason."""
