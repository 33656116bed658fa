"""The Chinese of what a start says: why a mesh or a member does not start, and which setting is wrong.

Those texts are made in English where they arise, with paths and numbers in them, and are told to a terminal only. Each is known
here by a pattern; what no pattern knows (a line of another program) stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from services.runtime.texts.runtime import RUNTIME

_LOCALES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")


def language_of(environ: Mapping[str, str]) -> Literal["zh", "en"]:
    """Chinese where the first locale that is set is Chinese."""
    locale = next((environ[name] for name in _LOCALES if environ.get(name)), "")
    return "zh" if locale.casefold().startswith("zh") else "en"


_CAUSES: Final[Mapping[str, str]] = {
    r"another mesh keeps its data in (.+?); stop it": r"另一个网格正在使用目录\1，请先停止它",
    r"another process holds the database (.+?); stop it": r"另一个进程占用着数据库\1，请先停止它",
    r"the database (.+?) cannot be opened or written; let this user write there": (
        r"数据库\1无法打开或写入，请给当前用户写入权限"
    ),
    r"(\S+) is damaged or no SQLite database; move it away": r"\1已损坏或不是SQLite数据库，请移走",
    r"(\S+) was removed or replaced while it was in use; put it back and start again": (
        r"\1在使用中被删除或替换，请放回后重新启动"
    ),
    r"no room is left for the database (.+?); make some": r"数据库\1所在磁盘已满，请腾出空间",
    r"the tables in (.+?) are not as this program expects them \((.*?)\); put that right, or restore a backup": (
        r"\1中的表与本程序所需不同（\2），请改正，或恢复备份"
    ),
    r"the tables in (.+?) say no revision, could not be upgraded as those of (\S+) \((.*?)\), and nothing was changed;"
    r" the program that made them can go on with them": (
        r"\1中的表没有修订号，按\2升级未成功（\3），未作任何改动；仍可用建立它的程序继续运行"
    ),
    r"(\S+) was brought to revision (\S+) by (.+?), and (.+?) knows revision (\S+) at most; start that release or a later one,"
    r" or restore the backup that was made before its upgrade": (
        r"\1已由\3升级到修订\2，而\4最多认识修订\5；请启动该版本或更新的版本，或恢复升级前的备份"
    ),
    r"(\S+) says revision (\S+) \(of (.+?)\), which (.+?) does not know; start the program that made it, or restore a backup": (
        r"\1的修订为\2（来自\3），\4不认识；请启动建立它的程序，或恢复备份"
    ),
    r"(\S+) could not be upgraded from revision (\S+) to (\S+) \((.*?)\), and nothing was changed; the release that made it"
    r" can go on with it": r"\1未能从修订\2升级到\3（\4），未作任何改动；仍可用建立它的版本继续运行",
    r"(\S+) has to be upgraded from revision (\S+) to (\S+), and (\S+) other connections are open, of another release perhaps;"
    r" stop what holds them": r"\1须从修订\2升级到\3，但另有\4个连接，可能来自其他版本；请先停止占用者",
    r"no channel is called (\S+)": r"没有名为\1的渠道",
    r"no PostgreSQL answers at (.+?); start it": r"\1处没有PostgreSQL应答，请启动它",
    r"PostgreSQL refuses the user or the password for (.+?); correct them": (r"PostgreSQL拒绝了\1的用户或口令，请更正"),
    r"PostgreSQL does not know the database (.+?); create it": r"PostgreSQL中没有数据库\1，请创建",
}

_STARTS: Final[Mapping[str, str]] = {
    r"^(\S+) cannot start: ": r"\1无法启动：",
    r"choose another database by (\w+) or (\w+)": r"用\1或\2另选数据库",
    r"choose another folder by (\w+) or another database by (\w+)": r"用\1另选目录，或用\2另选数据库",
    r"choose another database by (\w+)": r"用\1另选数据库",
    r"(?:, or |; )(?=用)": "，或",
    r"^(\S+) cannot listen on (\S+): is another program using that port\? Choose another by (\w+)": (
        r"\1无法在\2上监听：端口是否被其他程序占用？可用\3另选"
    ),
    r"^(\S+) was not ready after (\S+) s$": r"\1在\2秒内未就绪",
    r"^(\S+) ended before it was ready; what it said stands above$": r"\1在就绪之前就结束了，其输出见上文",
    r"^(\S+) ended by itself; the others were stopped$": r"\1自行结束，其他成员已停止",
    r"^(\S+) stands for somebody else already: choose another key$": r"\1已属于其他调用方，请更换密钥",
    r"^(\S+) needs at least (\S+) characters outside the sandbox$": r"\1在沙箱之外至少需要\2个字符",
    r"^(\S+): (.+) cannot be read \((.*)\)$": r"\1：\2无法读取（\3）",
    r"^The folder (.+) cannot be used \((.*)\): choose another by (\w+)$": r"目录\1无法使用（\2），请用\3另选",
    r"^The folder (.+) cannot be written \((.*)\)\.$": r"目录\1无法写入（\2）。",
    r"^Let this user write there, or choose another folder by (\w+)\.$": r"请给当前用户写入权限，或用\1另选目录。",
    r"SM2 needs the libcrypto of OpenSSL (\d+) or later with SM2 in it, and none here has it \((.*)\): install it"
    r" \(Debian and Ubuntu: (.+?); macOS: (.+?)\), or name one by (\w+)": (
        r"SM2需要OpenSSL \1或更新版本中带SM2的libcrypto，本机没有（\2）：请安装（Debian和Ubuntu：\3；macOS：\4），或用\5指定"
    ),
    r"SM3 and SM4 are not in the package cryptography as it is installed here: install its wheel from PyPI, which has them": (
        r"此处安装的cryptography不含SM3和SM4：请从PyPI安装其wheel"
    ),
    r"; without the mobile envelope: (\w+=\w+)$": r"；不提供移动支付报文时：\1",
    r"^No port is free on this machine\.$": "本机没有空闲端口。",
    r"^Port (\S+) of (\S+) is taken: is another mesh running here\?$": r"\2的端口\1被占用：本机是否已有网格在运行？",
    r"^Port (\S+) of the twin of (\S+) cannot be opened: is another one running here\?$": (
        r"\2模拟对端的端口\1无法打开：本机是否已有另一个在运行？"
    ),
    r"^Stop it, or start without twins: --no-twins$": "请先停止它，或不启动模拟对端：--no-twins",
    r"^The twins did not start; their log is (.+)$": r"模拟对端未能启动，日志为\1",
    r"^Stop it, or choose another port by (\S+)\.$": r"请先停止它，或用\1另选端口。",
    r"^The mesh stopped while it started:$": "网格在启动过程中停止：",
    r"^The mesh was not healthy after (\S+) s; its log is (.+):$": r"网格在\1秒内未就绪，日志为\2：",
    r"^The mesh ended by itself; its log is (.+)$": r"网格自行结束，日志为\1",
    r"^The sandbox could not be seeded: (.*)$": r"沙箱未能装载样例数据：\1",
    r"^Delete (.+) to begin anew\.$": r"可删除\1重新开始。",
    r"^(\w+) is well$": r"\1正常",
    r"^(\w+) is not serving$": r"\1暂不能服务",
    r"^(\w+) answers (\d+)$": r"\1的应答为\2",
    r"^(\w+) does not answer \((\w+)\)$": r"\1没有应答（\2）",
    r"^name the members: this is no container that runs a member$": "请写明成员：这里不是运行成员的容器",
    r"^no folder can be made for its data \((.*)\); name one by TMPDIR\.$": r"无法为数据建立目录（\1），请用TMPDIR指定。",
}

_SETTINGS: Final[Mapping[str, str]] = {
    r"^(\w+) must be set outside the sandbox \(to try things out: YIBAO_SANDBOX=on\)$": (
        r"沙箱之外必须设置\1（仅试用时：YIBAO_SANDBOX=on）"
    ),
    r"^(\w+) must be set: (\S+) is reached by TLS \(or YIBAO_TLS=off\)$": r"必须设置\1：\2须经TLS访问（或设YIBAO_TLS=off）",
    r"^(\w+) must be set$": r"必须设置\1",
    r"^(\w+): no such setting; did you mean (.+)\?$": r"\1：没有这个设置，是否应为\2",
    r"^(\w+): no such setting$": r"\1：没有这个设置",
    r"^(\w+): the value given is not (.+)$": r"\1：所给的值不是\2",
    r"^(\w+): (.*) is not (.+)$": r"\1：\2不是\3",
    r"a port, 0 to 65535$": "0至65535的端口",
    r"a whole number from (\S+) to (\S+)$": r"\1至\2的整数",
    r"a whole number of at least (\S+)$": r"不小于\1的整数",
    r"a number of seconds$": "秒数",
    r"a whole number of seconds, at most ten years$": "整秒数，至多十年",
    r"a whole number of days, at most a hundred years$": "整天数，至多一百年",
    r"a number from (\S+) to (\S+)$": r"\1至\2的数值",
    r"a cell: ": "属地单元，可为：",
    r"cells with commas, out of ": "以逗号分隔的属地单元，可为：",
    r"one of (?=[\w, ]+$)": "以下之一：",
    r"on or off$": "on或off",
    r"host:port$": "主机:端口",
    r"a path without a question mark$": "不含问号的路径",
    r"at least 32 characters long$": "至少32个字符",
    r"origins as https://host:port, with commas$": "以逗号分隔的来源，如https://主机:端口",
    r"^(\w+): (\w+) is set as well; give one of the two$": r"\1与\2只能设置其一",
    r"^(\w+): only a sandbox's clocks are moved \(YIBAO_SANDBOX=on\)$": r"\1：只有沙箱的时钟可以拨动（YIBAO_SANDBOX=on）",
    r"^(\w+): (\S+) is none of (\w+) \((.*)\)$": r"\1：\2不在\3（\4）之内",
    r"^(\w+): the cells (\S+) and (\S+) would share a database of (\S+); put \{cell\} or \{member\} into it$": (
        r"\1：属地单元\2与\3会共用\4的数据库，请在其中写入{cell}或{member}"
    ),
    r"^(\w+): (\S+) commits need as many connections, (\w+) has (\S+)$": r"\1：\2个提交需要同样多的连接，而\3为\4",
    r"^(\w+): (\S+) keeps its data in SQLite, which has one writer; set (\w+)$": (
        r"\1：\2的数据存于只有一个写入者的SQLite，请设置\3"
    ),
    r"^--set (.*): expected NAME=VALUE$": r"--set \1：应为名称=值",
    r"^(\w+) holds no keys of (\S+): yibao mesh-keys (.+) makes them$": r"\1中没有\2的密钥，可用yibao mesh-keys \3生成",
    r"^(\w+): (\S+) sets of keys of (\S+); at most (\S+) hold at a time$": r"\1：\3有\2组密钥，同时最多\4组有效",
    r"^(\w+): (.+) holds no mesh\.key; is this the mesh's data folder\?$": (
        r"\1：\2中没有mesh.key，这是网格的数据目录吗？"
    ),
    r"^(\w+): the file holds no key$": r"\1：文件中没有密钥",
    r"^(\w+): a key of at least (\S+) characters is needed$": r"\1：密钥至少需要\2个字符",
    r"^(\w+): the keys of a member are one word, as yibao mesh-keys prints them$": (
        r"\1：成员密钥应为一个词，与yibao mesh-keys所打印的一致"
    ),
    r"^--child: whoever starts a child gives it its keys$": "--child：须由启动子进程者提供密钥",
}

_SYSTEM: Final[Mapping[str, str]] = {
    "Permission denied": "没有权限",
    "No such file or directory": "没有这个文件或目录",
    "No space left on device": "磁盘已满",
    "Read-only file system": "只读文件系统",
    "Not a directory": "不是目录",
    "Is a directory": "是目录",
    "File exists": "文件已存在",
}

_TEXTS: Final[Mapping[str, str]] = {
    re.escape(english): chinese for chinese, english in RUNTIME.values() if "{" not in english
}

_PATTERNS: Final = tuple(
    (re.compile(pattern), chinese)
    for table in (_CAUSES, _TEXTS, _STARTS, _SETTINGS, {re.escape(each): chinese for each, chinese in _SYSTEM.items()})
    for pattern, chinese in table.items()
)


def started(english: str, language: Literal["zh", "en"]) -> str:
    """What a start says, in a language; each line by itself."""
    return english if language == "en" else "\n".join(_chinese(line) for line in english.split("\n"))


def _chinese(line: str) -> str:
    """One line; one that is set in is another program's."""
    if line.startswith("  "):
        return line
    for pattern, chinese in _PATTERNS:
        line = pattern.sub(chinese, line)
    return line
