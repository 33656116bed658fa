"""Why a body is no JSON object, as (Chinese, English); placeholders are named like the fault's metadata.

A name that every vendor knows (JSON, UTF-8, GBK, gzip …) stands as it is in both languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

BODY_RULES: Final[Mapping[str, tuple[str, str]]] = {
    "body.empty": ("报文为空", "the body is empty"),
    "body.compressed": ("报文经过压缩（{name}），请不压缩直接发送", "the body is compressed ({name}): send it plain"),
    "body.utf16": ("报文似为UTF-16编码，请用UTF-8发送", "the body looks like UTF-16: send UTF-8"),
    "body.gbk": (
        "第{line}行第{column}列起似为GBK编码，请用UTF-8发送",
        "line {line}, column {column}: this looks like GBK; send UTF-8",
    ),
    "body.encoding": (
        "第{line}行第{column}列的字符已损坏：既不是UTF-8也不是GBK，或两者混用",
        "line {line}, column {column}: a broken character, neither UTF-8 nor GBK, or both mixed",
    ),
    "body.html": ("报文似为HTML网页，应为JSON对象", "the body looks like an HTML page; a JSON object is expected"),
    "body.xml": ("报文似为XML，应为JSON对象", "the body looks like XML; a JSON object is expected"),
    "body.form": (
        "报文似为表单（名称=值），应为JSON对象",
        "the body looks like a form (key=value); a JSON object is expected",
    ),
    "body.multipart": (
        "报文似为分段表单（multipart），但未在Content-Type中声明",
        "the body looks like multipart, which the Content-Type does not say",
    ),
    "body.no_part": ("分段表单中没有jsonStr部分", "the multipart body has no part jsonStr"),
    "body.array": ("应为JSON对象，收到的是列表", "a JSON object is expected, this is an array"),
    "body.quoted": (
        "应为JSON对象，收到的是文本（对象被多转了一次文本）",
        "a JSON object is expected, this is text: the object was turned into text once more",
    ),
    "body.no_object": ("应为JSON对象", "a JSON object is expected"),
    "body.no_infno": ("报文与路径中都没有交易编号", "neither the body nor the path names a transaction"),
    "body.nul": ("文本中间有空字符", "the text holds a NUL character"),
    "body.too_deep": ("嵌套层数过多", "it is nested too deeply"),
    "body.surrogate": ("有不成对的代理字符转义", "half of a pair of surrogate escapes stands alone"),
    "body.number": ("有位数过多的数值", "a number has too many digits"),
    "body.trailing_comma": (
        "第{line}行第{column}列：最后一项之后多了逗号",
        "line {line}, column {column}: there is a comma after the last item",
    ),
    "body.single_quotes": (
        "第{line}行第{column}列：应使用双引号，不能用单引号",
        "line {line}, column {column}: double quotes are needed, not single ones",
    ),
    "body.full_width": (
        "第{line}行第{column}列：用了全角标点，应为半角",
        "line {line}, column {column}: a full-width punctuation mark stands where an ASCII one is needed",
    ),
    "body.comment": ("第{line}行第{column}列：不能有注释", "line {line}, column {column}: comments are not allowed"),
    "body.key": (
        "第{line}行第{column}列：字段名应加双引号",
        "line {line}, column {column}: a name in double quotes is expected",
    ),
    "body.colon": (
        "第{line}行第{column}列：字段名之后缺少冒号",
        "line {line}, column {column}: a colon is missing after the name",
    ),
    "body.comma": (
        "第{line}行第{column}列：此处缺少逗号，或前面文本中的双引号未转义",
        "line {line}, column {column}: a comma is missing here, or a double quote in the text before is not escaped",
    ),
    "body.value": (
        "第{line}行第{column}列：此处应为文本、数值、对象或列表",
        "line {line}, column {column}: a text, number, object or array is expected",
    ),
    "body.no_number": (
        "第{line}行第{column}列：NaN与Infinity不是数值",
        "line {line}, column {column}: NaN and Infinity are no numbers",
    ),
    "body.escape": (
        "第{line}行第{column}列：反斜杠转义有误",
        "line {line}, column {column}: a backslash begins no known escape",
    ),
    "body.control": (
        "第{line}行第{column}列：文本中有未转义的控制字符（换行、制表符等）",
        "line {line}, column {column}: a control character (line feed, tab and the like) in a text is not escaped",
    ),
    "body.extra": (
        "第{line}行第{column}列：报文结束之后还有内容",
        "line {line}, column {column}: something follows the end of the object",
    ),
    "body.truncated": (
        "报文不完整，在第{line}行第{column}列中断",
        "the body is not whole: it ends at line {line}, column {column}",
    ),
}
