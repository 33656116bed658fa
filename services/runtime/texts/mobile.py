"""Texts of the mobile envelope: its reasons, what is wrong with a member of it, and the next step. Each is (Chinese, English)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MOBILE: Final[Mapping[str, tuple[str, str]]] = {
    "APP_UNKNOWN": ("应用{app_id}未登记", "No app {app_id} is registered"),
    "APP_ID_TAKEN": ("应用编号已属于其他接入方", "The app's number is another partner's"),
    "CIPHER_BROKEN": ("密文无法解密", "The cipher text cannot be decrypted"),
    "ENVELOPE_REPLAYED": ("该报文已收到过", "The same envelope came before"),
}

MOBILE_RULES: Final[Mapping[str, tuple[str, str]]] = {
    "mobile.members": ("报文外层最多{most}个字段", "an envelope has no more than {most} members"),
    "mobile.one_app": ("appId与appCode只能有一个", "either appId or appCode is expected, not both"),
    "mobile.app_id": ("应为文本", "a text is expected"),
    "mobile.other_app": ("与约定的应用编号不符", "is not the number of the app that was agreed"),
    "mobile.version": ("应为{known}之一", "one of {known} is expected"),
    "mobile.kind": ("应为{known}", "{known} is expected"),
    "mobile.plain": ("业务数据须加密后放入encData", "data is sent encrypted, as encData"),
    "mobile.timestamp": (
        "应为1970年起的秒（10位）或毫秒（13位），或北京时间yyyyMMddHHmmss",
        "seconds (10 digits) or milliseconds (13) since 1970, or yyyyMMddHHmmss in Beijing, are expected",
    ),
    "mobile.window": ("与本平台时间相差超过{minutes}分钟", "is more than {minutes} minutes from the clock here"),
    "mobile.sign_data": ("应为64字节r‖s的Base64", "Base64 of the 64 bytes r‖s is expected"),
    "mobile.signature": ("与报文内容不符", "is not the signature of this content"),
    "mobile.cipher": ("不是本应用密钥加密的密文", "was not encrypted by this app's key, or not in hex"),
    "mobile.again": ("已收到过", "came before"),
    "mobile.no_json": ("不是JSON", "is no JSON"),
}

_ENCRYPTION: Final = (
    "请核对appId、appSecret与SM4加密方式（ECB、PKCS7、大写十六进制）",
    "Check appId, appSecret and the encryption (SM4 ECB, PKCS#7, upper-case hex)",
)
_SIGN_AGAIN: Final = (
    "应答丢失的，请以新的时间戳重新签名后重发，业务编号不变",
    "Where the answer was lost, sign again with a new time stamp and send it again; the numbers of the business stay",
)

MOBILE_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "APP_UNKNOWN": (
        "请核对应用编号；新应用请先向运营方登记",
        "Check the app's number; a new app is registered by the operator first",
    ),
    "APP_ID_TAKEN": ("请更换应用编号", "Choose another number"),
    "CIPHER_BROKEN": _ENCRYPTION,
    "mobile.cipher": _ENCRYPTION,
    "mobile.signature": (
        "请核对待签文本、appSecret与登记的SM2公钥（docs/signing.md）",
        "Check the text that is signed, the appSecret and the SM2 public key that is registered (docs/signing.md)",
    ),
    "ENVELOPE_REPLAYED": _SIGN_AGAIN,
    "mobile.again": _SIGN_AGAIN,
    "mobile.window": ("请校准本机时钟，重新签名后重发", "Set the clock, sign again and send it again"),
}
