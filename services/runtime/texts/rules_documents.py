"""Texts of the rules about documents: policies, case files, seed files in YAML, JSON and CSV: (Chinese, English).

Placeholders are named like the violation's values. Words of the formats themselves (`when_any`, `cap2`, null) stand as they
are in both languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "map": ("应为对象（字段与值）", "a map of fields is expected"),
    "list": ("应为列表", "a list is expected"),
    "list.least": ("至少{least}项", "at least {least} entries"),
    "items": ("最多{most}项", "at most {most} entries"),
    "depth": ("嵌套层数过多", "nested too deeply"),
    "text": ("应为文本，编码和日期须加引号", "a text is expected; quote it"),
    "text.length": ("最多{most}个字符", "at most {most} characters"),
    "pattern": ("格式应符合{pattern}", "must look like {pattern}"),
    "integer": ("应为整数", "a whole number is expected"),
    "integer.range": ("应为{low}至{high}之间的整数", "a whole number from {low} to {high} is expected"),
    "bool": ("应为true或false", "true or false is expected"),
    "flag": ("应为1或0", "1 or 0 is expected"),
    "class": ("应为01、02或03", "01, 02 or 03 is expected"),
    "enum": ("应为代码的名称或国家编码：{known}", "one of {known}, or a national code"),
    "type": ("该类型的字段不能写在文件中", "a field of this type cannot stand in a file"),
    "time": ("应为时间，如2025-01-31 08:00:00", "a moment as 2025-01-31 08:00:00 is expected"),
    "decimal": ("应为整数或小数文本", "a whole number or a decimal text is expected"),
    "decimal.digits": ("最多{digits}位小数", "at most {digits} decimal digits"),
    "ratio": ("应为比例文本，如“85%”或“0.85”", 'a ratio text such as "85%" or "0.85" is expected'),
    "percent": ("应为百分数文本，如“85%”", 'a percent text such as "85%" is expected'),
    "percent.range": ("应在{low}%至{high}%之间", "from {low}% to {high}%"),
    "factor": ("应为不为负的小数文本，如“0.06”", 'a decimal text such as "0.06" is expected, not negative'),
    "money": ("应为以元计的整数或最多两位小数的文本", "yuan as a whole number or a decimal text are expected"),
    "money.least": ("不能小于{least}元", "at least {least} yuan"),
    "float": (
        "浮点数不精确，请写整数、小数文本或百分数文本",
        "a float is never exact: write a whole number, a decimal text or a percent text",
    ),
    "kind": ("不是文本、整数、真假值等普通值，日期须加引号", "is not a plain value; dates must be quoted text"),
    "unknown_key": ("没有该字段，可用字段：{known}", "no such field; known: {known}"),
    "key.text": ("键须为文本，请加引号", "a key must be text; quote it"),
    "key.duplicate": ("同一个键出现两次", "a key stands twice"),
    "json": ("不是有效的JSON对象", "is no valid JSON object"),
    "json.number": ("只能写整数，其他数值请写成文本", "only whole numbers; write others as text"),
    "yaml": ("YAML语法有误，或用了不支持的写法", "is no YAML that is read here"),
    "yaml.boolean": (
        "{text}在不同程序中含义不同，请加引号",
        "{text} means different things to different readers; quote it",
    ),
    "yaml.number": (
        "{text}不是普通整数，请加引号写成小数文本",
        "{text} is no plain whole number; quote it as a decimal text",
    ),
    "yaml.merge": ("不支持合并键，请用别名", "merge keys are refused; use an alias"),
    "expansion": ("展开后行数或节点过多", "holds too many rows or nodes once it is expanded"),
    "size": ("超过{most}字节", "more than {most} bytes"),
    "utf8": ("不是UTF-8编码", "is not UTF-8"),
    "suffix": ("文件应以.json、.yaml或.yml结尾", "a file ends in .json, .yaml or .yml"),
    "csv": ("CSV格式有误", "is no well-formed CSV"),
    "csv.cells": ("该行{cells}格，表头{columns}列", "{cells} cells under {columns} columns"),
    "csv.rows": ("最多{most}行", "at most {most} rows"),
    "csv.header": ("缺少表头", "a header is required"),
    "csv.column.missing": ("缺少{name}列", "the column {name} is missing"),
    "csv.column.twice": ("{name}列出现两次", "the column {name} stands twice"),
    "csv.column.unknown": ("没有名为{name}的列", "the column {name} is unknown"),
    "stacks": ("应在stacks下写一个列表", "one list under the key stacks is expected"),
    "keys": ("只能有{known}", "only {known}"),
    "policy_ids": ("应为政策编号的列表", "a list of policy ids is expected"),
    "name": ("文件应以{known}之一命名", "a file is named after one of {known}"),
    "file_absent": ("没有这个文件", "there is no such file"),
    "file_name": ("内容为{value}，文件名为{wanted}", "it is {value}; the name of the file says {wanted}"),
}

_POLICIES: Final[Mapping[str, tuple[str, str]]] = {
    "accumulator": ("未在accumulators中声明", "is not declared under accumulators"),
    "count_key": ("该键用于计次，不能记金额", "the key counts admissions and can hold no money"),
    "count_key.mode": (
        "按次的起付线须写计次的键，其他方式不能写",
        "is required with mode per_admission, and only there",
    ),
    "index": ("未在indices中声明", "stands nowhere under indices"),
    "cap2": ("第二封顶须在第一封顶之后，并有自己的键", "a second cap needs a first, and a key of its own"),
    "cases": ("情形组合过多", "too many combinations of facts"),
    "condition": ("同一信息项不能同时写单个与多个区间", "a fact and its _any form exclude each other"),
    "constraint": (
        "只作限制的政策不支付费用，其专用内容也不能写在别处",
        "a constraint file pays nothing, and what is its own stands nowhere else",
    ),
    "cumulative": (
        "累计取整只用于年度门槛或没有起付线的情形",
        "cumulative rounding goes with an annual threshold or no deductible, and a threshold needs it",
    ),
    "effective": ("结束日期早于开始日期", "ends before it begins"),
    "exempt_lines": ("应为{known}中的一个明细标志", "exactly one line flag of {known}"),
    "held": (
        "银行保管的账户不分当年部分，不能先于起付线支付",
        "a bank keeps no current year's part, so none goes before the deductible",
    ),
    "first": ("支付顺序中须有本人账户", "needs the own account in the order"),
    "interval": ("应有下限或上限，且下限不大于上限", "min or max is required, and min is not above max"),
    "key": ("年度累计须写键，其他情形不能写", "a key is required with position annual, and only there"),
    "key.fact": ("键中的{name}不是可用的信息项", "{name} is no fact that may stand in a key"),
    "mode": ("与起付线的方式不符", "does not go with the mode of the deductible"),
    "never": ("该险种没有这种取值的人", "nobody of this insurance type has it"),
    "order": ("仅在范围为无时支付顺序才为空", "is empty exactly when the scope is none"),
    "over_cap": ("不是本文件中先支付且有封顶的支付层", "is no capped layer of an earlier stage in this file"),
    "rounding": ("累计取整须按年度累计", "cumulative rounding needs position annual"),
    "step": ("起付线递减的起点、步数或下限不合理", "starts below its floor, or takes too many admissions to reach it"),
    "table.complete": ("有情形没有对应的行：{case}", "no row matches {case}"),
    "table.unique": ("第{rows}行（从0起）同时符合：{case}", "rows {rows} all match {case}"),
    "table.dead": ("没有情形能用到这一行", "no case within this layer can ever match this row"),
    "unknown_document": ("本文件没有该编号的依据文件", "no document of this file has that id"),
    "upto": ("分段上限须逐段递增，且仅末段为空", "must rise from band to band, and is null in the last band only"),
    "value": ("应为金额，或规定写法之一", "an amount, or exactly one of the known forms"),
    "when": ("when与when_any须且只能写一个", "exactly one of when and when_any is required"),
    "word": ("名称应为小写英文单词", "the name must be a lower-case word"),
}

_CASES: Final[Mapping[str, tuple[str, str]]] = {
    "setl_date": ("该操作须写结算日期", "is required with this operation"),
    "field.needed": ("此处必填", "is required here"),
    "field.not_allowed": ("此处不能写", "is not allowed here"),
}

DOCUMENT_RULES: Final[Mapping[str, tuple[str, str]]] = {**_FORMS, **_POLICIES, **_CASES}
