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
    "body.encoded": (
        "报文似为Base64或十六进制（加密或转码后的内容），应直接发送JSON对象",
        "the body looks like Base64 or hexadecimal, perhaps encrypted; a JSON object is expected",
    ),
    "body.no_json": (
        "第{line}行第{column}列：报文不是JSON，应以左花括号开头",
        "line {line}, column {column}: this is no JSON; the body must begin with a left brace",
    ),
    "body.array": ("应为JSON对象，收到的是列表", "a JSON object is expected, this is an array"),
    "body.quoted": (
        "应为JSON对象，收到的是文本（对象被多转了一次文本）",
        "a JSON object is expected, this is text: the object was turned into text once more",
    ),
    "body.no_object": ("应为JSON对象", "a JSON object is expected"),
    "body.no_infno": ("报文与路径中都没有交易编号", "neither the body nor the path names a transaction"),
    "body.nul": ("文本中间有空字符", "the text holds a NUL character"),
    "body.twice": (
        "同一对象中出现两次，无法判断以哪个为准",
        "stands twice in one object: which of the two counts is not told",
    ),
    "body.too_deep": ("嵌套层数过多", "it is nested too deeply"),
    "body.surrogate": ("有不成对的代理字符转义", "half of a pair of surrogate escapes stands alone"),
    "body.number": ("有位数过多的数值", "a number has too many digits"),
    "body.trailing_comma": (
        "第{line}行第{column}列：最后一项之后多了逗号",
        "line {line}, column {column}: there is a comma after the last item",
    ),
    "body.comma_twice": (
        "第{line}行第{column}列：多了一个逗号，或其前面缺少内容",
        "line {line}, column {column}: there is one comma too many, or nothing stands before it",
    ),
    "body.bracket": (
        "第{line}行第{column}列：括号不配对，此处多了右括号，或用错了括号",
        "line {line}, column {column}: the brackets do not match; this one is too many, or of the wrong kind",
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
        "第{line}行第{column}列：文本应加双引号；空值写null，真假写true或false",
        "line {line}, column {column}: a text needs double quotes; nothing is null, yes and no are true and false",
    ),
    "body.no_value": (
        "第{line}行第{column}列：冒号之后缺少值；没有值时写null",
        "line {line}, column {column}: a value is missing after the colon; write null for none",
    ),
    "body.number_form": (
        "第{line}行第{column}列：数值写法有误（不能有前导零、正号、千分位或单位）；编码与日期应作为文本加双引号",
        "line {line}, column {column}: no number of JSON (no leading zero, plus, comma or unit); quote codes and dates",
    ),
    "body.blank": (
        "第{line}行第{column}列：有全角空格、不间断空格或不可见字符，应为半角空格",
        "line {line}, column {column}: a full-width, no-break or invisible blank stands where a plain one is needed",
    ),
    "body.escaped": (
        "第{line}行第{column}列：双引号之前多了反斜杠（报文被多转义了一次）",
        "line {line}, column {column}: a backslash stands before the quote: the body was escaped once more",
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
    "body.second": (
        "第{line}行第{column}列：又有一个对象或列表，一次只能发送一个对象",
        "line {line}, column {column}: another object or array begins; one object is sent at a time",
    ),
    "body.unclosed": (
        "第{line}行第{column}列开始的文本没有结束的双引号",
        "line {line}, column {column}: the text that begins here has no closing double quote",
    ),
    "body.truncated": (
        "报文不完整，在第{line}行第{column}列中断",
        "the body is not whole: it ends at line {line}, column {column}",
    ),
}
