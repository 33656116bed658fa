"""The Chinese of everything that the `yibao` command says, by the English text; and of argparse's own complaints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CHINESE: Final[Mapping[str, str]] = {
    # the command line
    "Works with a yibao mesh from the terminal.": "在终端中使用医保平台网格。",
    "print the version": "打印版本",
    "Starts a sandbox mesh, seeded once, until Ctrl-C.": "启动沙箱网格，首次装入样例数据，按Ctrl-C停止。",
    "no payment providers beside it": "不启动支付渠道的模拟对端",
    "cells to start (default: all)": "要启动的属地单元（默认全部）",
    "the cell whose gateway is meant (default: the sandbox's)": "指哪个属地单元的网关（默认为沙箱单元）",
    "with whose key (default: the sandbox's)": "使用哪个属地单元的密钥（默认为沙箱单元）",
    "of which cells, with commas": "哪些属地单元的，以逗号分隔",
    "Other cells: code, gateway, a hospital, its key": "其他属地单元：编码、网关、一家医院、其密钥",
    "of what is printed (default: that of the locale)": "输出所用的语言（默认随系统区域设置）",
    "show this help message and exit": "显示本帮助",
    "positional arguments": "参数",
    "options": "选项",
    "address of the gateway (default: YIBAO_URL, or the mesh that runs here)": (
        "网关地址（默认取YIBAO_URL，或本机正在运行的网格）"
    ),
    "operator's key (or the variable YIBAO_KEY)": "运营方密钥（或环境变量YIBAO_KEY）",
    "load people, institutions, items and policies": "装载人员、机构、目录与政策",
    "documents in YAML, JSON or CSV, or folders of them": "YAML、JSON、CSV文件，或存放它们的目录",
    "settle one small bill on a sandbox and show how": "在沙箱中结算一笔小额账单并展示全过程",
    "print the setl_id only": "只打印结算编号setl_id",
    "work with the ledger": "账本操作",
    "take a settlement out from under later ones": "撤出一笔其后还有结算的结算，重新核算其后各笔",
    "the settlement; without --do it is planned only": "结算编号；不带--do时只试算",
    "make it, and keep why": "正式办理，并记录原因",
    "Replay {number} is made; amounts in yuan, of each payer before and after": (
        "重新核算{number}已完成；金额单位为元，为各方办理前后的支付额"
    ),
    "A plan: nothing is changed; amounts in yuan, of each payer before and after": (
        "试算，未作任何更改；金额单位为元，为各方办理前后的支付额"
    ),
    "settlement": "结算编号",
    "day": "日期",
    "place": "就医地",
    "funds": "基金",
    "accounts": "账户",
    "cash": "现金",
    "in its place": "代替者",
    "taken out": "已撤出",
    "in cash {collect} yuan to be collected from the person, {back} yuan to be given back": (
        "现金：应向参保人补收{collect}元，应退还{back}元"
    ),
    "list the API keys of a mesh, or revoke one": "列出网格的API密钥，或吊销其一",
    "all keys that hold, never the keys themselves": "所有有效的密钥，不显示密钥本身",
    "those of one institution, channel, person or operator": "只列某一机构、渠道、个人或运营方的",
    "revoked ones too": "包括已吊销的",
    "take a key away for good": "永久吊销一个密钥",
    "as the list shows it": "列表中所示的编号",
    "(setting)": "（来自设置）",
    "{key_id} of {subject} is revoked since {moment}": "{subject}的{key_id}已于{moment}吊销",
    "key\trole\tsubject\tissued\tlast used\trevoked\tlabel": "编号\t角色\t主体\t签发\t最近使用\t吊销\t用途",
    "verify: recompute the books and name every difference": "verify：重算账目并列出每一处差异",
    "run worked cases and print every difference": "演算算例并打印每一处差异",
    "case files, or folders of them": "算例文件，或存放它们的目录",
    "print the split that was computed": "打印计算所得的分割结果",
    "play the case on this running sandbox mesh": "在该地址运行的沙箱网格上演算",
    "with --through: gateway of another cell, which insures the people whose care is remote": (
        "与--through一起使用：另一单元的网关地址，异地就医人员参保于该单元"
    ),
    "--insured needs --through": "--insured须与--through一起使用",
    "folder of the policies that the cases name, <id>@<version>.yaml, also with --through (default: samples)": (
        "算例所用政策的目录，文件名为<编号>@<版本>.yaml，与--through一起也可用（默认用随附样例）"
    ),
    "print the traces of a number: msgid, setl_id, mdtrt_id, payOrdId, …": (
        "按编号打印调用链：msgid、setl_id、mdtrt_id、payOrdId等"
    ),
    "the number to look for": "要查找的编号",
    "data folder of the mesh (YIBAO_DATA_DIR)": "网格的数据目录（YIBAO_DATA_DIR）",
    "print the table of settings": "打印设置表",
    "print the completion script of a shell": "打印命令行补全脚本",
    "which shell": "哪种命令行外壳",
    "data folder of a sandbox, whose key is used": "沙箱的数据目录，使用其中的密钥",
    "print a caller token for calling a member by gRPC": "打印以gRPC调用成员所需的调用方令牌",
    "who calls, by the mesh table": "谁来调用，按网格表中的名称",
    "the one member that the token opens": "令牌只能打开的那个成员",
    "in which role": "以何种角色",
    "institution code, psn_no, … (default: the caller's own name)": "机构编码、人员编号等（默认为调用方自己的名称）",
    "how long it holds (300)": "有效秒数（300）",
    "print the keys of one member out of the mesh key": "由网格密钥推导并打印某个成员的密钥",
    "of whom (default: all)": "哪些成员（默认全部）",
    "as the variables that deploy/compose.yaml reads": "写成deploy/compose.yaml读取的变量",
    # what goes wrong
    "nothing answers at {url} ({cause})": "{url}没有应答（{cause}）",
    "That is not the address of a mesh's gateway.": "这不是网格网关的地址。",
    "A mesh of this folder answers at {url}": "本目录的网格在{url}应答",
    "nothing was loaded: there is no {suffixes} file in {folders}": "没有装载任何内容：{folders}中没有{suffixes}文件",
    "Is the mesh running? Start one with: make up": "网格在运行吗？启动命令：make up",
    "an address is http:// or https://, a host and a port; perhaps {url}": (
        "地址由http://或https://、主机和端口组成，例如{url}"
    ),
    (
        "Give a key by --key or the variable YIBAO_KEY; that of a sandbox's operator is printed by make up"
        " and stands in .yibao/up/operator.key"
    ): "请用--key或环境变量YIBAO_KEY给出密钥；沙箱运营方的密钥由make up打印，也在.yibao/up/operator.key中",
    "{folder}: no case was played: the folder holds no {suffixes} file": "{folder}：没有演算任何算例，目录中没有{suffixes}文件",
    # seed
    "until here: {counts}": "到此为止：{counts}",
    "loaded {new}; unchanged {unchanged}": "已装载 {new}；未变 {unchanged}",
    "divisions": "医保区划",
    "institutions": "定点医药机构",
    "items": "目录项目",
    "price_ceilings": "限价",
    "selfpay_ratios": "自付比例",
    "terms": "术语",
    "diagnoses": "诊断",
    "operations": "手术操作",
    "diseases": "慢特病种",
    "local_med_types": "地方医疗类别",
    "policies": "政策",
    "stacks": "政策组合",
    "partners": "接入方",
    "api_keys": "API密钥",
    "persons": "参保人",
    "ledgers": "账户期初",
    # case
    "no case was played: there is no file": "没有演算任何算例：没有文件",
    "{cases} cases: {agreed} agree, {differed} differ, {empty} compared nothing, {failed} not played": (
        "共{cases}个算例：{agreed}个一致，{differed}个有差异，{empty}个没有可比较的内容，{failed}个未能演算"
    ),
    "{case} {operation} {what}: expected {expected}, got {actual}": "{case} {operation} {what}：应为{expected}，算得{actual}",
    "{name}: computed; it expects nothing, so nothing was compared (--show prints it)": (
        "{name}：已计算；算例没有写明应得结果，因此未作比较（用--show打印结果）"
    ),
    "{name}: agrees": "{name}：一致",
    "{name}: agrees, played through {url}": "{name}：一致，经{url}演算",
    "{head}: refused, {reason}": "{head}：被拒绝，{reason}",
    "{head}: benefit year {year}": "{head}：待遇年度{year}",
    "tell everything that is lenient or wrong in messages, and change nothing": "逐项指出报文中从宽与错误之处，不办理业务",
    "messages of the national interface, as they would be sent; - reads one from the input": (
        "国家接口的报文，与发送时相同；-表示从标准输入读取"
    ),
    "end with 1 for what is lenient, too": "有从宽处理之处也以1结束",
    # first-bill
    "who is it?": "是谁？",
    "sign in": "签到",
    "register the visit": "门诊挂号",
    "what was found": "就诊信息",
    "upload the lines: how are they split?": "上传明细：如何分割？",
    "try": "预结算",
    "settle": "结算",
    "\n{medfee_sumamt} yuan = pooled funds {fund_pay_sumamt} + personal account {acct_pay} + cash {psn_cash_pay}\n"
    "of them in scope {inscp_scp_amt}, advance self-pay {preselfpay_amt}, over-limit {overlmt_selfpay},"
    " full self-pay {fulamt_ownpay_amt}": (
        "\n{medfee_sumamt}元 = 基金{fund_pay_sumamt} + 个人账户{acct_pay} + 现金{psn_cash_pay}\n"
        "其中政策范围内{inscp_scp_amt}、先行自付{preselfpay_amt}、超限价{overlmt_selfpay}、全自费{fulamt_ownpay_amt}"
    ),
    "settled: setl_id {setl_id}\nits way: yibao trace {setl_id}": (
        "已结算：setl_id {setl_id}\n查看全程：yibao trace {setl_id}"
    ),
    # make up and make demo
    "mesh healthy after {seconds} s; {loaded}": "网格在{seconds}秒后就绪；{loaded}",
    "mesh healthy after {seconds} s at {url}": "网格在{seconds}秒后就绪：{url}",
    "national envelope   POST": "国家接口  POST",
    "any path": "任意路径",
    "reference           ": "参考      ",
    "pictures            ": "阅片      ",
    "the token of a session: POST": "会话令牌：POST",
    "keys (sandbox, Authorization: Bearer …)": "密钥（沙箱，Authorization: Bearer …）",
    "operator     ": "运营方  ",
    "institution  ": "机构    ",
    "channel      ": "渠道    ",
    "person       ": "参保人  ",
    "Who is this? (1101, as a hospital sends it; the institution {institution} needs no signature)": (
        "这是谁？（1101，与医院所发相同；机构{institution}无需签名）"
    ),
    "An item of the catalogue (public)": "目录中的一个项目（公开）",
    "The balance of an account (the person's own key)": "账户余额（用本人的密钥）",
    "Next: .venv/bin/yibao first-bill        Stop with Ctrl-C": "接着试试：.venv/bin/yibao first-bill        按Ctrl-C停止",
    "  The mesh took {mesh_s} s and {mesh_mb} MB, the twins of four payment providers {twins_s} s and {twins_mb} MB": (
        "  网格用时{mesh_s}秒、占内存{mesh_mb} MB；四家支付渠道的模拟对端用时{twins_s}秒、占内存{twins_mb} MB"
    ),
    "Twins": "模拟对端",
    "Pay an order: the person authorises, the hospital saves, places and asks, the person pays in WeChat (paste all lines)": (
        "支付一笔订单：参保人授权，医院上传费用、下单、发起支付，参保人在微信中付款（整段粘贴）"
    ),
    "\nThe demo stopped: {why}": "\n演示中止：{why}",
    "\nThe whole day took {seconds} s. To keep a mesh running: make up": (
        "\n全天用时{seconds}秒。要让网格一直运行：make up"
    ),
    # trace
    "no span file at {file}: is this the mesh's data folder, and is YIBAO_TRACE_EXPORTER sqlite?": (
        "{file}处没有调用链文件：这是网格的数据目录吗？YIBAO_TRACE_EXPORTER是sqlite吗？"
    ),
    "no trace of {key} in {file}; it may not have been kept (YIBAO_TRACE_RATIO) or be older than the file": (
        "{file}中没有{key}的调用链；可能未被保留（YIBAO_TRACE_RATIO），或早于该文件"
    ),
    # clearing
    "what regions owe each other in a month": "某月各地之间的清算情况",
    "the month; verify: compute the books anew": "清算月份；verify：重算清算账目",
    "in that form": "以该格式输出",
    "write a picture of the net positions there": "将各地净额图（SVG）写入该文件",
    "Net positions of {month} ({state})": "{month}各地清算净额（{state}）",
    "picture: {path}": "图：{path}",
    "{month}: {state}; amounts in yuan": "{month}：{state}；单位：元",
    "Nothing clears in this month.": "该月没有清算。",
    "between provinces": "省际",
    "inside province {province}": "省内（{province}）",
    "insured (rows) and treated (columns):": "参保地（行）与就医地（列）：",
    "net, above 0 to be received:": "净额（正数为应收）：",
    "Some notices of settlements were not taken: POST /v1/clearing/refused-notices:list tells why.": (
        "有结算通知未被收入清算：原因见POST /v1/clearing/refused-notices:list。"
    ),
    "{journals} journals checked, {alone} reversals without settlement, positions sum to {positions} fen,"
    " hash {hash}: {findings} findings": (
        "已核对清算记录{journals}条（其中{alone}条撤销尚无对应结算），各地净额合计{positions}分，账目哈希{hash}：发现{findings}处差异"
    ),
    # egress
    "what each channel was told for an order": "某订单告知各渠道的内容",
    "its payOrdId": "订单的payOrdId",
    "{count} requests to channels for {order}; ‹…› stands for what is not recorded": (
        "为订单{order}告知渠道的请求共{count}条；‹…›为不留存的内容"
    ),
    "first": "首次",
    "for": "用途",
    "times": "次数",
    "request": "请求",
    "{number}: {channel} was to be asked at {time}, and no request is recorded; it could be told no more than:": (
        "{number}：{time}准备向{channel}发出请求，未见请求记录；所能告知的至多为："
    ),
    # audit
    "work with the audit log of the imaging index": "影像索引审计日志操作",
    "verify: compute the chain anew and name what does not hold": "verify：重算日志哈希链并指出不符之处",
    "an end that an earlier run told: it finds a store that was put back": "此前核对给出的日志末尾，可发现整库被还原",
    "entry {seq}: {what}": "第{seq}条：{what}",
    "entries are missing from here on": "自此缺少记录",
    "the entry, or the one before it, was changed": "本条或前一条被改动",
    "the log was cut off from here on": "日志自此被截断",
    "from here on the entries are not the member's": "自此的记录并非由系统写入",
    "the end of the log has no seal of the member": "日志末尾没有系统的封印",
    "the member found the log broken here": "系统在此处发现日志已被破坏",
    "another entry, or none, stands where the known one stood": "已知位置上的记录不存在或已被替换",
    "a person whom the entry names does not find it": "记录所涉人员已查不到该记录",
    "the log ends at {end}": "日志末尾为{end}",
    "{checked} entries checked: {findings} findings": "已核对{checked}条，发现{findings}处异常",
    # held
    "payments that rest until people decide": "待人工处理的款项",
    "one of the list, to decide about it": "清单中的编号，对其作决定",
    "what is decided; with --memo": "决定；须附--memo",
    "why; it is kept": "理由；留存备查",
    "number of the receipt by which that is known": "所凭凭证的编号",
    "list what was decided instead, of NUMBER's order or all": "改列已作的决定（该编号的订单，或全部）",
    "to decide, name NUMBER, --decide and --memo": "作决定须给出编号、--decide和--memo",
    "next: {step}": "下一步：{step}",
    "decisions: {safe}": "可选决定：{safe}",
    "{count} payments rest until people decide": "待人工处理{count}笔",
    "asked for {ours} yuan, collected as the channel says: {theirs}": "应收{ours}元，渠道称已收{theirs}元",
    "the whole order is {ours} yuan, as the channel says: {theirs}": "整单{ours}元，渠道称{theirs}元",
    "to be given back by {number}: {ours} yuan, given back as the channel says: {theirs}": (
        "退款{number}应退{ours}元，渠道称已退{theirs}元"
    ),
    "{decision_no} is kept; the order {order} is {phase} now": "决定{decision_no}已记录；订单{order}现为{phase}",
    "decision\twhen\tby\tnumber\treason\tdecided\tproof\twhy": (
        "决定编号\t时间\t经办人\t编号\t原因\t决定\t凭证号\t理由"
    ),
    # reconcile
    "bills are read": "正在读取账单",
    "lines of bills are compared": "正在逐笔核对账单",
    "charges and refunds are looked for in the bills": "正在账单中查找收款与退款",
    "orders are compared with settlements": "正在核对订单与结算",
    "settlements are compared with orders": "正在核对结算与订单",
    "differences are mended": "正在修复差异",
    "charge missing here": "本方无此收款",
    "charge missing at the channel": "渠道无此收款",
    "amount of a charge": "收款金额不一致",
    "charge paid, order waits": "渠道已收款，订单待支付",
    "charge paid, order is over": "渠道已收款，订单已结束",
    "charge twice": "重复收款",
    "charge on another day": "收款日期不一致",
    "number of the channel": "渠道流水号不一致",
    "another merchant": "商户不一致",
    "another currency": "币种不一致",
    "refund missing here": "本方无此退款",
    "refund missing at the channel": "渠道无此退款",
    "amount of a refund": "退款金额不一致",
    "refund done, order waits": "渠道已退款，本方处理中",
    "refund twice": "重复退款",
    "sums of an order": "订单金额与收退款不一致",
    "settlement without order": "有结算无订单",
    "settled, order not paid": "已结算，订单未显示已付",
    "order without settlement": "有订单无结算",
    "split of a settlement": "结算金额不一致",
    "settlement reversed, order not": "结算已撤销，订单未退",
    "order given back, settlement not": "订单已退，结算未撤销",
    "number of the settlement": "结算编号不一致",
    "another institution": "医药机构不一致",
    "list of an institution": "医药机构对账明细不符",
    "{lists} lists that institutions had compared (3202).": "当日医药机构提交明细对账（3202）{lists}次。",
    "ask the channel": "向渠道查询",
    "bring the order on": "继续处理订单",
    "send the refund again": "重新发起退款",
    "for people": "人工处理",
    "open": "未处理",
    "mended": "已修复",
    "resolved": "已人工处理",
    "state": "状态",
    "difference": "差异",
    "channel": "渠道",
    "number": "编号",
    "here": "本方",
    "there": "对方",
    "repair": "处理方式",
    "note": "说明",
    "It came to nothing: run it again. The log of the member payment tells why.": "对账未完成，请重新执行；原因见payment的日志。",
    "The bill of {account} could not be read: run it again later.": "{account}的账单未能读取，请稍后重新执行。",
    "{lines} lines are of other cells, which judge them.": "{lines}条账单明细属于其他属地单元，由其核对。",
    "{orders} orders could not be compared with their settlements in other cells: run it again later.": (
        "{orders}笔订单未能与其他属地单元的结算核对，请稍后重新执行。"
    ),
    "{day}: {lines} lines of bills, {charges} charges and refunds, {orders} orders, {settlements} settlements compared": (
        "{day}：已核对账单{lines}行、收退款{charges}笔、订单{orders}笔、结算{settlements}笔"
    ),
    "{open} open, {repaired} mended, {resolved} resolved; amounts in yuan": (
        "未处理{open}笔，已修复{repaired}笔，已人工处理{resolved}笔；金额单位为元"
    ),
    "compare a day's mobile payments in four books, and mend what is safe": "核对某日移动支付的四方账目，并修复可自动修复的差异",
    "a day that is over": "已结束的日期",
    "mend nothing": "只核对，不修复",
    # imaging
    "what to look at in the index of studies": "影像索引中需要关注的事项",
    "nodes that differ from the index, or are behind": "与索引不一致或报送滞后的影像节点",
    "studies that two nodes tell of two persons": "两个节点报送为不同人员的检查",
    "the node that is right, or none; with --memo": "正确的节点，均不正确填none；须附--memo",
    "to decide, name UID, --right and --memo": "作决定须给出检查唯一标识、--right和--memo",
    "behind by {behind} entries: kept up to {watermark}, made up to {last}": (
        "滞后{behind}条：已收至{watermark}，已编至{last}"
    ),
    "no comparison for two days; the last one: {moment}": "两日未对账；上次：{moment}",
    "never": "从未",
    "{day}: the node has {node}, the index {index}; since {since}": "{day}：节点{node}项，索引{index}项；{since}起",
    "and {more} days more": "另有{more}日",
    "{count} nodes differ or are behind": "{count}个节点不一致或滞后",
    "{count} conflicts wait for a decision": "{count}项归属冲突待决定",
    "waits for a decision": "待决定",
    "right": "正确",
    "wrong": "不正确",
    "withdrawn by its node": "节点已撤回",
    "held, waits for a decision": "已搁置，待决定",
    "found still": "仍可查到",
    "{node} caused more conflicts than it may within an hour: {count} are held": "{node}一小时内引起的冲突过多：{count}项已搁置",
    "person {number}": "人员{number}",
    "decided {moment} by {who}: {memo}": "{moment}由{who}决定：{memo}",
    # ledger
    "{rule} on {subject}: expected {expected}, found {found}": "{subject}违反{rule}：应为{expected}，实为{found}",
    "{settlements} settlements, {postings} postings, {accumulators} accumulators checked: {findings} findings": (
        "已核对结算{settlements}笔、分录{postings}条、累计{accumulators}项：发现{findings}处差异"
    ),
}

# argparse says these itself; patterns, for they hold names of options.
ARGPARSE: Final[Mapping[str, str]] = {
    r"the following arguments are required: ": "缺少参数：",
    r"unrecognized arguments: ": "不认识的参数：",
    r"^argument ([^:]+): ": r"参数\1：",
    r"expected one argument": "需要一个值",
    r"expected at least one argument": "至少需要一个值",
    r"invalid choice: ([^(]+) \(choose from (.*)\)": r"\1不可用，可选\2",
    r"invalid (\w+) value: ": "不可用的值：",
    r"(\S+) is no folder": r"\1不是目录",
    r"(\S+) is no end SEQ:HASH": r"\1不是SEQ:HASH格式的日志末尾",
    r"(\S+) is no month YYYY-MM": r"\1不是YYYY-MM格式的月份",
    r"(\S+) is no day YYYY-MM-DD": r"\1不是YYYY-MM-DD格式的日期",
    r"(\S+) is not one of (.*)": r"\1不在\2之中",
    r"a whole number of seconds from (\d+) to (\d+)": r"应为\1到\2之间的整数秒",
}

OS_ERRORS: Final[Mapping[str, str]] = {
    "No such file or directory": "没有这个文件或目录",
    "Permission denied": "当前用户无权访问",
    "Is a directory": "这是目录，不是文件",
    "Not a directory": "路径中有一段不是目录",
    "File name too long": "文件名太长",
    "Too many levels of symbolic links": "符号链接层数太多",
    "Input/output error": "读写出错",
    "No space left on device": "磁盘已满",
}
"""What the system says of files."""
