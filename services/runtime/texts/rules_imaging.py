"""Texts of the rules that entries of imaging's nodes are checked by: rule → (Chinese, English)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

IMAGING_RULES: Final[Mapping[str, tuple[str, str]]] = {
    "node.root": (
        "应为DICOMweb的地址，如https://主机:端口/路径",
        "an address of DICOMweb such as https://host:port/path is expected",
    ),
    "session.needed": ("该类查看者须填写", "must be told by this kind of reader"),
    "session.code": ("监管查看须以人员编号或证件指明", "must be empty here; name the person by number or certificate"),
    "node.institution": ("应为机构编号或其开头几位", "a fixmedins_code, or how it begins, is expected"),
    "conflict.side": ("应为报送该检查的影像节点", "a node that tells the study is expected"),
    "entry.size": ("一条不能超过{most}字节", "an entry takes at most {most} bytes"),
    "entry.operation": ("应为报送、撤回、改人之一", "one of UPSERT, WITHDRAW and MOVE_PERSON is expected"),
    "entry.known": ("不是已知的取值", "is none of the known values"),
    "entry.uid": ("应为不超过64位的唯一标识（数字与点，各段无多余的零）", "a UID of at most 64 characters is expected"),
    "entry.version": ("应为从1起的版本号", "a version from 1 on is expected"),
    "entry.version_reused": (
        "同一版本号的内容不同，请以更高的版本号报送",
        "that version stands with other content; send a higher one",
    ),
    "entry.hash": ("与内容的摘要不符", "is not the hash of the content"),
    "entry.conflict_held": (
        (
            "其他节点报送的该检查属另一人，且本节点一小时内引起的冲突已达{most}个：已保存，仅检查机构可见；人员有误则以更高版本号更正，"
            "否则等待裁定"
        ),
        (
            "another node tells the study of another person, and this node caused {most} conflicts within an hour: it is kept for"
            " its own institution alone; correct a wrong person with a higher version, else wait for a decision"
        ),
    ),
    "entry.needed": ("必须填写", "is needed"),
    "entry.not_of_operation": ("该操作不应填写此项", "the operation has none"),
    "entry.not_standing": ("索引中没有该检查", "no such study stands"),
    "entry.reason": ("应为撤回原因之一", "a reason of withdrawal is expected"),
    "entry.person": ("人员编号与索引码须填其一", "a psn_no or an index code is needed"),
    "entry.psn_no": ("应为不超过26位的人员编号", "a number of at most 26 characters is expected"),
    "entry.index_code": (
        "应为82位索引码：人员26位、真实的检查时间12位、部位9位、设备13位、存储单位18位（校验位正确）",
        "82 characters are expected: person 26, a real minute 12, technique 9, device 13, unit 18 with its check digit",
    ),
    "entry.person_differs": ("索引码与人员编号不是同一人", "the index code names another person than psn_no"),
    "entry.other_unit": ("索引码第五段不是本节点的存储单位", "part 5 of the index code is not the node's unit"),
    "entry.fixmedins_code": ("应为12位定点医药机构编号", "an institution code of 12 characters is expected"),
    "entry.not_spoken_for": ("本节点不能报送该机构的检查", "the node does not speak for that institution"),
    "entry.day": ("应为真实的日期，如20250131", "a day that there is, such as 20250131, is expected"),
    "entry.day_to_come": ("检查日期不能晚于明日", "a day that lies more than a day ahead is not expected"),
    "entry.time": ("应为真实的时刻，如093000", "a time that there is, such as 093000, is expected"),
    "entry.zone": ("应为时区，如+0800", "a zone such as +0800 is expected"),
    "entry.modality": ("应为1至50个已知的检查类型代码", "from 1 to 50 of the defined modalities are expected"),
    "entry.modality_of_study": ("应为该检查的检查类型之一", "one of the study's modalities is expected"),
    "entry.text": (
        "不能超过{most}个字符，不能含控制字符或反斜线",
        "at most {most} characters, no control characters, no backslash",
    ),
    "entry.name": (
        "应为不超过三组的姓名，每组不超过64个字符",
        "a name in up to three groups of 64 characters is expected",
    ),
    "entry.choice": ("应为{allowed}之一或为空", "one of {allowed}, or nothing, is expected"),
    "entry.birth_year": ("应为真实的出生年份", "a year of birth that can be is expected"),
    "entry.count": ("数量过小", "is too small"),
    "entry.moment": ("不是公元1年至9999年间的时刻", "is no moment of the years 1 to 9999"),
    "entry.instances": ("一个序列至多{most}个实例", "at most {most} instances of one series"),
    "entry.series": ("应有1至{most}个序列", "from 1 to {most} series are expected"),
    "entry.twice": ("重复出现", "stands twice"),
    "entry.sha256": ("应为64位十六进制的摘要", "a SHA-256 in 64 hexadecimal digits is expected"),
}
