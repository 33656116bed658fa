"""Texts of the rules that members check beyond the contract's own, by rule id: (Chinese, English).

Placeholders are named like the violation's values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.runtime.texts.consent import CONSENT_RULES
from services.runtime.texts.recognition import RECOGNITION_RULES
from services.runtime.texts.rules_dicom import DICOM_RULES
from services.runtime.texts.rules_imaging import IMAGING_RULES

_ENDS_FIRST: Final = ("结束日期早于开始日期", "ends before it begins")

# Of the runtime and of more than one member.
_COMMON: Final[Mapping[str, tuple[str, str]]] = {
    "text.nul": ("文本中有空字符", "must not hold the character NUL"),
    "timestamp": ("不是有效的时间", "must be a moment that there is"),
    "page_token": ("应为上一页应答中的next_page_token", "the next_page_token of an answer"),
    "date": (
        "应为日历上的日期（年、月、日齐全），如2025-01-31",
        "a day of the calendar, such as 2025-01-31, is expected",
    ),
    "duplicate": ("不能重复出现", "stands twice"),
    "choice": ("应为{allowed}之一", "one of {allowed}"),
    "not_negative": ("不能为负", "must not be negative"),
    "amount.most": ("合计不能超过{most}元", "at most {most} yuan together"),
}

_ROUTING: Final[Mapping[str, tuple[str, str]]] = {
    "clearing.not_remote": ("应为另一统筹区", "another pooling area is expected"),
    "clearing.fund": ("应为基金或个人账户", "a fund or an account is expected"),
    "clearing.fund_twice": ("同一基金支付类型只能出现一次", "each kind of fund once"),
    "clearing.sign": ("结算金额不能为负，撤销金额不能为正", "not negative in a settlement, not positive in a reversal"),
    "clearing.day_to_come": ("不能晚于今日", "a day that has come is expected"),
    "clearing.rows": ("应等于明细行数{rows}", "the number of rows, {rows}, is expected"),
    "division.unknown": ("没有代码为{admdvs}的医保区划", "no division of the code {admdvs} is known"),
    "division.not_then": ("医保区划{admdvs}在{day}不存在", "the division {admdvs} did not stand on {day}"),
    "division.cell": ("该格无法读取", "the cell cannot be read"),
    "division.files": ("目录中没有区划文件", "no file of divisions is in the folder"),
    "filing.ahead": ("最多可提前{most}天", "at most {most} days ahead"),
    "filing.local": ("就医地与参保地属同一统筹区，无需备案", "the place of care is in the person's own pooling area"),
    "filing.nation": ("应为省或其下级区划", "a province or a division below it"),
    "query.person": ("人员编号与证件号码须填其一", "a psn_no or a certno is needed"),
}

_IDENTITY: Final[Mapping[str, tuple[str, str]]] = {
    "before_from_day": _ENDS_FIRST,
    "after_from_day": ("参保起始日期晚于本段开始日期", "insured since a day after the first day"),
    "overlaps": ("与同一险种的另一段参保时间重叠", "holds on a day of another enrolment of the same type"),
    "too_early": ("不晚于现有参保记录的开始日期", "is not after the begin of the standing enrolment"),
    "exists": ("已登记且内容不同", "stands with other content"),
    "identity_card_number": ("应为校验位正确的18位身份证号", "18 characters with a right check digit"),
    "not_oneself": ("共济账户人不能是本人", "the owner of a shared account is another person"),
    "taken": ("已属于他人", "belongs to another person"),
    "unknown": ("共济账户人未登记", "the owner is not registered"),
    "partner_role": ("应为定点医药机构或渠道", "institution or channel"),
    "key_role": ("应为定点医药机构、渠道、参保人、运营方或影像节点", "institution, channel, person, operator or node"),
    "notify_https": ("应为https地址", "an address of https"),
    "sm2_point": ("不是SM2曲线上的点", "is no point of the SM2 curve"),
    "sm2_private": ("不是SM2私钥，应为1至n-2", "is no private key of SM2: a number from 1 to n-2 is expected"),
    "empty": ("该鉴权方式不使用此项，应为空", "this style has none"),
    "to_day": _ENDS_FIRST,
    "days_meet": ("与另一条限额的日期重叠", "another limit holds on its days"),
}

_SETTLEMENT: Final[Mapping[str, tuple[str, str]]] = {
    "in_catalogue_on_day": ("费用发生日医保目录中没有该编码", "is not in the catalogue on the day of the fee"),
    "price_times_count": (
        "单价乘数量与金额相差超过0.01元",
        "price times count is further than 0.01 yuan from the amount",
    ),
    "decimal.digits_4": ("最多4位小数", "at most 4 decimals"),
    "unique": ("本次上传中重复出现", "stands twice in this upload"),
    "line.twice": (
        "与本次第{row}行明细编号相同而内容不同，未上传任何明细",
        "has the number of row {row} of this message with other content; nothing was uploaded",
    ),
    "cancel.settled_of_visit": ("已由结算{setl_id}结算", "was settled by {setl_id}"),
    "cancel.settled_of_stay": ("已由结算{setl_id}结算", "was settled by {setl_id}"),
    "same_content": ("同一明细编号已有内容不同的明细", "a line of this number stands with other content"),
    "standing_line": ("原明细不存在或已撤销", "there is no standing line of that number"),
    "unsettled_line": ("没有该编号的未结算明细", "there is no unsettled line of that number"),
    "return.count_left": ("退费超过原明细，可退数量为{left}", "{left} of the line are left to be taken back"),
    "return.amount_left": ("退费超过原明细，可退金额为{left}元", "{left} yuan of the line are left to be taken back"),
    "return.sign": ("退费的数量和金额都不能大于零", "neither count nor amount of a return is above zero"),
    "return.of_return": ("所指明细本身是退费，不能再退", "the line that it names is a return itself"),
    "return.same_item": ("与原明细{origin}的医保目录编码不同", "is another item than that of line {origin}"),
    "return.same_own_item": ("与原明细{origin}的院内目录编码不同", "is another code than that of line {origin}"),
    "return.same_price": ("与原明细{origin}的单价不同", "is another price than that of line {origin}"),
    "return_of_line_stands": ("该明细另有退费明细，请先撤销退费", "lines that take it back stand: cancel those first"),
    "return_stands": (
        "收费批次{holding}中有其退费明细，请先撤销该批次",
        "charge batch {holding} takes lines of it back: cancel that first",
    ),
    "encounter.insutype": (
        "就诊登记的险种为{insutype}",
        "the encounter was registered under {insutype}",
    ),
    "sum": ("应为{found}元", "{found} yuan"),
    "recomputed": ("上传{sent}元，重新计算为{found}元", "sent {sent}, recomputed {found} yuan"),
    "balance": ("账户余额不能为负，其中的部分不能大于全部", "balances are not negative, parts not above the whole"),
    "unknown_fact": ("待遇政策没有该信息项", "no policy knows a fact of that name"),
    "fact_value": ("取值不在允许范围内", "has a value that it may not have"),
    "share.range": ("应在0至1之间", "from 0 to 1"),
    "length": ("每条明细应各有一组标记", "one set of tags for each line"),
    "within_balance": ("不能大于账户余额", "not above the balance"),
    "open": ("账户或年度累计已存在", "has entries already"),
    "benefit_year": ("待遇年度起始日{begins}与第一个政策不同", "begins {begins}, unlike the first policy"),
    "filing.holds": ("备案应在就诊开始之日有效", "holds on the day that the care began"),
    "counter.negates": ("应与被撤销结算的金额相反", "the sums of the settlement, negated"),
    "lines.readable": ("应为就医地所传送的费用明细", "the lines as the place of care packed them"),
    "opened.of_bill": ("应为该笔费用在参保地的办理结果", "the answer to the bill that is booked"),
    "file.base64": ("应为Base64编码的文件内容", "Base64 of a file"),
    "file.zip": ("应为只含一个文本文件的zip", "a zip of one text"),
    "file.text": ("应为UTF-8或GBK编码的文本", "text in UTF-8 or GBK"),
    "file.rows": ("最多{most}行", "at most {most} lines"),
    "file.line": ("第{line}行应为以TAB分隔的{columns}个值", "line {line} has {columns} values with TAB between them"),
    "days.order": ("截止日期不能早于开始日期", "the last day is not before the first"),
    "hosp_part.range": ("医院负担不能为负，也不能大于个人负担", "not negative and not above the person's part"),
    "split.sign": ("各分项应与金额同号", "no part has another sign than the amount"),
    "split.of_line": ("明细号和金额应与所送明细一致", "number and amount are those of the line"),
    "totals.sum": ("四个分项之和应等于总额", "the four parts are the total"),
    "med_type.of_visit": ("只用于住院的医疗类别", "is a kind of care of stays"),
    "med_type.of_stay": ("只用于门诊的医疗类别", "is a kind of care of visits"),
    "fact.disease": (
        "就诊登记的病种编码（{by}的mdtrtinfo.dise_codg）不在参保地目录中",
        "the disease of the encounter (mdtrtinfo.dise_codg of {by}) is not in the catalogue of the insured place",
    ),
    "fact.institution": ("机构目录中没有{fact}", "the catalogue does not tell {fact} of the institution"),
    "fact.enrolment": ("参保登记中没有{fact}", "the enrolment does not tell {fact}"),
    "fact.balance": ("个人账户的当年余额未知", "the part of the balance that is the current year's is not known"),
    "fee.before_begin": ("早于就诊开始前24小时（{first}）", "is before {first}, 24 hours before the begin"),
    "fee.after_end": ("晚于出院后10分钟（{last}）", "is after {last}, 10 minutes after the discharge"),
    "fee.after_now": ("晚于目前可报的最晚时间（{last}）", "is after {last}, the latest that can be told now"),
    "fees.before_begin": (
        "{count}条早于就诊开始前24小时，首条{at}",
        "{count} lines, the first of {at}, arose before {first}, 24 hours before the begin",
    ),
    "fees.after_end": (
        "{count}条晚于出院后10分钟，首条{at}",
        "{count} lines, the first of {at}, arose after {last}, 10 minutes after the discharge",
    ),
    "fees.after_now": (
        "{count}条晚于目前可报的最晚时间，首条{at}",
        "{count} lines, the first of {at}, arose after {last}, the latest that can be told now",
    ),
    "replay.settlement": ("不是本属地单元的结算编号", "is no setl_id of a settlement here"),
    "own_settlement": ("不是本人的结算编号", "is no setl_id of an own settlement"),
    "bill.other_batches": ("其他收费批次尚有未结算费用", "other charge batches are not settled yet"),
    "bill.settled_of_visit": ("费用已由结算{setl_id}结算，本次只有退费", "the charges were settled by {setl_id}"),
    "bill.settled_of_stay": ("费用已由中途结算{setl_id}结算，本次只有退费", "the charges were settled by {setl_id}"),
    "bill.returns_beyond": ("退费多于收费", "takes back more than it charges"),
    "same_as_stay": ("与住院登记的医疗类别不同", "the stay is of another kind of care"),
    "month": ("应为yyyyMM格式的月份", "a month yyyyMM is expected"),
}

_CATALOGUE: Final[Mapping[str, tuple[str, str]]] = {
    "validity": _ENDS_FIRST,
    "med_type.national": ("国家编码的含义不能更改", "is a national code, whose meaning nobody changes"),
    "hosp_bear": ("限价999999表示不限价，没有超出部分", "nothing is over a ceiling of 999999, which means none"),
    "text.invisible": ("含有控制字符或零宽字符", "holds a control or zero-width character"),
    "text.blank": ("首尾有空格", "begins or ends with a blank"),
    "fact": ("不是待遇政策认识的取值", "no value that policies know"),
    "share": ("比例应在0至1之间", "a share lies between 0 and 1"),
    "share.required": ("乙类项目须填自付比例", "an item of class B needs a share"),
    "share.class": ("甲类自付比例为0，丙类为1", "class A pays 0 first, class C everything"),
    "price": ("价格不能为负，也不能过大", "a price is not negative and not absurd"),
    "policy.version": ("政策版本{policy}已发布且内容不同", "{policy} stands with other content"),
    "overlap": ("与{first}起至{last}的记录内容不同", "the record from {first} to {last} stands with other content"),
    "policy.unknown": ("政策{policy}未发布", "{policy} is not published"),
    "policy.constraint": ("政策{policy}只作限制，不能列入组合", "{policy} limits other policies and pays nothing"),
}

# Forms of codes; where one was probably meant, the text asks.
_CODES: Final[Mapping[str, tuple[str, str]]] = {
    "code.standard": ("应为{known}之一", "one of {known}"),
    "code.diagnosis_icd10": ("应为医保2.0版ICD-10编码，如A00.900{guess}", "ICD-10, as A00.900{guess}"),
    "code.operation_icd9cm3": (
        "应为医保2.0版ICD-9-CM-3编码，如00.6600x004{guess}",
        "ICD-9-CM-3, as 00.6600x004{guess}",
    ),
    "code.service_item": ("应为15位数字，其后可加连字符和地方编码{guess}", "15 digits, a local code may follow{guess}"),
    "code.drug_western": (
        "应为23位西药编码（X开头）或20位中成药编码（Z开头）{guess}",
        "23 characters that begin with X, or 20 that begin with Z{guess}",
    ),
    "code.drug_tcm_patent": ("应为20位中成药编码（Z开头）{guess}", "20 characters that begin with Z{guess}"),
    "code.drug_tcm_piece": ("应为T加9位数字，第五位为0{guess}", "T and 9 digits, the fifth 0{guess}"),
    "code.drug_tcm_granule": ("应为T加19位数字，第五位为3{guess}", "T and 19 digits, the fifth 3{guess}"),
    "code.consumable_20": ("应为C加19位或26位数字{guess}", "C and 19 or 26 digits{guess}"),
    "code.opsp_disease": ("应为M加5位数字{guess}", "M and 5 digits{guess}"),
    "code.fixmedins_code": ("应为H或P加11位数字{guess}", "H or P and 11 digits{guess}"),
    "code.admdvs": ("应为以省份开头的6位区划代码{guess}", "6 digits that begin with a province{guess}"),
    "code.med_type": (
        "应为国家医疗类别编码（地方编码为1至6位数字）",
        "a national kind of care is expected, of a province one to six digits",
    ),
    "code.uscc": ("应为校验位正确的18位统一社会信用代码", "18 characters with a check digit"),
    "code.opaque": ("应为不超过50个可见的半角字符{guess}", "up to 50 visible ASCII characters{guess}"),
}

MEMBER_RULES: Final[Mapping[str, tuple[str, str]]] = {
    **_COMMON,
    **_IDENTITY,
    **CONSENT_RULES,
    **_ROUTING,
    **_SETTLEMENT,
    **_CATALOGUE,
    **_CODES,
    **IMAGING_RULES,
    **DICOM_RULES,
    **RECOGNITION_RULES,
}
