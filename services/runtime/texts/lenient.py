"""Texts of what is lenient in a message: rules, and what to do about each; the `lenient.form.` rules by the envelope's field.

Each is (Chinese, English); placeholders are named like the rule's values. They follow a field's path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LENIENT_RULES: Final[Mapping[str, tuple[str, str]]] = {
    "lenient.required": ("规范要求必填，未填", "is blank, though the national text requires it"),
    "lenient.unknown": ("不是规范中的字段，未读取", "is no field of the national text and was not read"),
    "lenient.unknown_similar": (
        "不是规范中的字段，未读取，是否应为{meant}",
        "is no field of the national text and was not read; did you mean {meant}?",
    ),
    "lenient.renamed": ("规范中写作{meant}", "is written {meant} in the national text"),
    "lenient.length": ("超过{limit}个字符", "has more than {limit} characters"),
    "lenient.form.infno": ("应为4至6位交易编号", "should be the number of a transaction, 4 to 6 characters"),
    "lenient.form.msgid": (
        "应为12位机构编号加14位时间加4位流水号",
        "should be the institution's code (12), the time (14) and a serial (4)",
    ),
    "lenient.form.mdtrtarea_admvs": ("应为6位区划代码", "should be a division's code of 6 digits"),
    "lenient.form.insuplc_admdvs": ("应为6位区划代码", "should be a division's code of 6 digits"),
    "lenient.form.infver": ("应为接口版本号，如V1.0", "should be the version of the interface, such as V1.0"),
    "lenient.form.opter_type": ("应为1、2、3之一", "should be 1, 2 or 3"),
    "lenient.form.inf_time": ("应为yyyy-MM-dd HH:mm:ss格式的时间", "should be a time yyyy-MM-dd HH:mm:ss"),
    "lenient.form.fixmedins_code": ("应为12位机构编号", "should be an institution's code of 12 characters"),
    "lenient.msgid_foreign": ("不以本机构编号开头", "does not begin with the code of the institution that sends it"),
    "lenient.insured_place": (
        "有人员编号时规范要求填参保地区划",
        "is blank, though the national text wants it where a person's number is sent",
    ),
    "lenient.input_text": ("应为对象，不是文本", "should be an object, not text"),
    "lenient.sign_in": ("未填签到编号", "is blank: nobody has signed in"),
}

LENIENT_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "lenient.required": ("请填写该字段", "Fill it in"),
    "lenient.unknown": ("请核对字段名，不需要时删去", "Check its name, or leave it out"),
    "lenient.unknown_similar": ("请核对字段名，不需要时删去", "Check its name, or leave it out"),
    "lenient.renamed": ("请按规范的写法命名", "Write it as the national text does"),
    "lenient.length": ("请缩短到上限以内", "Shorten it"),
    "lenient.msgid_foreign": (
        "请以发送机构的编号开头编制报文编号",
        "Begin it with the code of the sending institution",
    ),
    "lenient.insured_place": ("请填写1101应答中的参保地区划", "Fill in the insured place that 1101 answers"),
    "lenient.input_text": ("请直接发送对象", "Send the object itself"),
    "lenient.sign_in": ("请先签到（9001），再填入签到编号", "Sign in by 9001 and send the number that it gives"),
}
