"""Writes `gateway/reference/field_names.json`, the Chinese names of the fields that are served, from the facts of the field:
`python -m tools.field_names PATH/nhsa-interface.json`.

A name stands once, as most transactions have it; where one calls it otherwise, it stands again under its number. The fields
around the nodes are those of the envelope of the national text.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import gateway.reference
from gateway.national.transactions import Transactions, known_titles
from gateway.reference.national import transactions
from services.runtime.contract import Contract
from yibao.gateway.v1 import envelope_pb2

TARGET: Final = Path(gateway.reference.__file__).parent / "field_names.json"
# Of the envelope's own table, which the file does not hold.
ENVELOPE: Final[Mapping[str, str]] = {
    "input": "交易输入",
    "infcode": "交易状态码",
    "inf_refmsgid": "接收方报文ID",
    "refmsg_time": "接收报文时间",
    "respond_time": "响应报文时间",
    "enctype": "加密方式",
    "err_msg": "错误信息",
    "warn_msg": "警告信息",
    "output": "交易输出",
}

# Of 3260, 3261 and 3262, which the text of the nation does not hold: names of clients of Guangdong, and the last two of ours.
CLIENTS: Final[Mapping[str, str]] = {
    "trt_year": "结算年度",
    "trt_month": "结算月份",
    "startrow": "开始行数",
    "totalrow": "总行数",
    "seqno": "顺序号",
    "mdtrtarea": "就医地医保区划",
    "medins_no": "医疗机构编号",
    "mdtrt_setl_time": "就诊结算时间",
    "setl_sn": "结算流水号",
    "fulamt_advpay_flag": "全额垫付标志",
    "optins_pay_sumamt": "经办机构支付总额",
    "cnfm_flag": "确认标志",
    "otransid": "原交易流水号",
    "cnfm_cnt": "确认笔数",
    "wthd_cnt": "回退笔数",
}


def text(interface: Mapping[str, Any]) -> str:
    """The file as it should be: one line for each name, in order."""
    labels: dict[str, Counter[str]] = {}
    of_number: dict[str, dict[str, str]] = {}
    for infno, field, label in _labels(interface):
        labels.setdefault(field, Counter())[label] += 1
        of_number.setdefault(infno, {}).setdefault(field, label)
    usual = {field: counted.most_common(1)[0][0] for field, counted in labels.items()}
    served = dict(_served())
    # Those too that the text has and nothing serves yet, so that serving one more needs no new file.
    wanted = {field for infno in served for field in (*served[infno], *of_number.get(infno, ()))}
    names = {field: usual[field] for field in wanted if field in usual}
    envelope = {each.name: usual[each.name] for each in envelope_pb2.Envelope.DESCRIPTOR.fields if each.name in usual}
    apart = {
        infno: {field: label for field, label in of_number.get(infno, {}).items() if label != names.get(field, label)}
        for infno in served
    }
    found = {
        "names": {**CLIENTS, **names, **envelope, **ENVELOPE},
        "apart": {infno: found for infno, found in apart.items() if found},
    }
    return json.dumps(found, ensure_ascii=False, indent=0, sort_keys=True) + "\n"


def _labels(interface: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for infno, transaction in interface.items():
        for side in ("input", "output"):
            for node in (transaction.get(side) or {}).values():
                yield from ((infno, each["name"], each["label"]) for each in node["fields"] if each["label"])


def _served() -> Iterator[tuple[str, list[str]]]:
    """Number and field names of each served transaction; what a path from the root names is its last step."""
    for one in transactions(Transactions(Contract.of_mesh(), known_titles()), {}):
        fields = [field for node in (*one["input"], *one["output"]) for field in node["fields"]]
        names = [name for field in fields for name in (field["name"], *field.get("also", ()))]
        yield one["infno"], [name.rpartition(".")[2] for name in names]


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the facts from the file that is named, and writes the names."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) != 1:
        print("usage: python -m tools.field_names PATH/nhsa-interface.json", file=sys.stderr)
        return 2
    TARGET.write_text(text(json.loads(Path(given[0]).read_text(encoding="utf-8"))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
