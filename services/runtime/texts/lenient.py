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
    "lenient.padded": (
        "首尾有空白或不可见字符，已略去",
        "has blanks or hidden characters at its ends, which were left out",
    ),
    "lenient.null_text": (
        "以表示空值的文本或空白代替空值，应填空或省略",
        "says that it is blank by blanks or the text null: leave it empty, or out",
    ),
    "lenient.empty": (
        "以空对象或空列表表示空值，应省略",
        "is an empty object or list where a value is expected: leave it out",
    ),
    "lenient.text": ("应为文本，不是数值或布尔值", "should be text, not a number or a boolean"),
    "lenient.number": ("应为数值，不是文本", "should be a number, not text"),
    "lenient.binary_tail": (
        "带有浮点误差的尾数，已按{digits}位小数读取",
        "has the tail of a binary fraction and was read with {digits} decimals",
    ),
    "lenient.flag": ("应为文本0或1", "should be the text 0 or 1"),
    "lenient.code": ("不是规范代码，应为{known}之一", "is no code of the national text, which has {known}"),
    "lenient.code_form": ("规范代码应写作{meant}", "is written {meant} in the national text"),
    "lenient.local_code": (
        "不在规范代码内，仅在本省已申报时有效",
        "is no code of the national text: it holds only where the province has declared it",
    ),
    "lenient.dictionary": ("不在规范字典{dictionary}内", "is not in the dictionary {dictionary} of the national text"),
    "lenient.division": ("没有这样的区划", "is the code of no division"),
    "lenient.time": ("应为yyyy-MM-dd HH:mm:ss格式的时间", "should be a time yyyy-MM-dd HH:mm:ss"),
    "lenient.day": ("应为yyyy-MM-dd格式的日期", "should be a day yyyy-MM-dd"),
    "lenient.unset_time": (
        "是未赋值的日期，已按未填处理",
        "is the date of a field that was never set and was read as blank",
    ),
    "lenient.row": ("应为对象，不是列表", "should be an object, not a list"),
    "lenient.rows": ("应为列表，不是对象", "should be a list, not an object"),
    "lenient.bare": ("缺少该节点，字段直接放在input中", "is missing: its fields stand in input itself"),
    "lenient.gbk": ("以GBK编码发送，应为UTF-8", "is sent in GBK; it should be UTF-8"),
    "lenient.bom": ("以字节顺序标记开头，应去掉", "begins with a byte order mark, which should go"),
    "lenient.trailing": ("结尾有多余的不可见字符", "has hidden characters behind its end"),
    "lenient.control": ("文本中有未转义的控制字符", "holds control characters in its texts that are not escaped"),
    "lenient.multipart": ("以分段表单发送，应直接发送JSON", "is sent as multipart; JSON itself is expected"),
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
    "lenient.padded": ("请去掉首尾空白", "Take them off"),
    "lenient.null_text": ("请填空文本，或省略该字段", "Send an empty text, or leave the field out"),
    "lenient.empty": ("请省略该字段", "Leave the field out"),
    "lenient.text": ("请加引号以文本发送", "Send it as text, in quotes"),
    "lenient.number": ("请去掉引号以数值发送", "Send it as a number, without quotes"),
    "lenient.binary_tail": (
        "请按规定的小数位数四舍五入后发送",
        "Round it to the decimals of the field, or use a decimal type",
    ),
    "lenient.flag": ("请以文本0或1发送", "Send the text 0 or 1"),
    "lenient.code": ("请按字典填写代码", "Send a code of the dictionary"),
    "lenient.code_form": ("请按规范的写法填写代码", "Write the code as the national text does"),
    "lenient.local_code": (
        "请改用规范代码，或确认本省已申报",
        "Send a national code, or make sure that the province has declared it",
    ),
    "lenient.dictionary": ("请按字典填写代码", "Send a code of the dictionary"),
    "lenient.division": ("请核对区划代码", "Check the division's code"),
    "lenient.time": ("请按该格式填写时间", "Write the time so"),
    "lenient.day": ("请按该格式填写日期", "Write the day so"),
    "lenient.unset_time": ("没有日期时请省略该字段", "Leave the field out where there is no date"),
    "lenient.row": ("请直接发送对象", "Send the object itself"),
    "lenient.rows": ("请以列表发送，只有一行时也是", "Send a list, also of one row"),
    "lenient.bare": ("请把字段放入该节点", "Put the fields into the node"),
    "lenient.gbk": ("请以UTF-8编码发送", "Send UTF-8"),
    "lenient.bom": ("请去掉开头的字节顺序标记", "Leave the byte order mark out"),
    "lenient.trailing": ("请去掉结尾的多余字符", "End the body where the JSON ends"),
    "lenient.control": ("请转义文本中的控制字符", "Escape control characters in texts"),
    "lenient.multipart": ("请以application/json发送", "Send it as application/json"),
    "lenient.input_text": ("请直接发送对象", "Send the object itself"),
    "lenient.sign_in": ("请先签到（9001），再填入签到编号", "Sign in by 9001 and send the number that it gives"),
}
