"""What each setting means, in Chinese; the English meaning stands at the setting itself.

A name with `{MEMBER}` speaks of every member's own setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SETTINGS_ZH: Final[Mapping[str, str]] = {
    "YIBAO_SANDBOX": "沙箱：可用请求头指定业务日期，提供测试夹具方法，无须生产密钥。",
    "YIBAO_CLOCK_OFFSET_S": "沙箱：沙箱单元成员及全国性成员的时钟拨快的秒数。",
    "YIBAO_<CODE>_CLOCK_OFFSET_S": "单元<CODE>中与YIBAO_CLOCK_OFFSET_S相同的设置。",
    "YIBAO_DATA_DIR": "存放SQLite文件、调用链和沙箱网格密钥的目录。",
    "YIBAO_DATABASE_URL": (
        "没有单独设置的成员所用的数据库；其中的{member}代表成员名，{cell}代表所在单元。都不设时：YIBAO_DATA_DIR中的SQLite文件。"
    ),
    "YIBAO_{MEMBER}_ADDRESS": "{member}的监听地址，调用方也按此找到它。",
    "YIBAO_{MEMBER}_DATABASE_URL": "{member}的数据库；优先于YIBAO_DATABASE_URL。",
    "YIBAO_<CODE>_{MEMBER}_ADDRESS": "单元<CODE>中的同一设置：{member}的监听地址，调用方也按此找到它。",
    "YIBAO_<CODE>_{MEMBER}_DATABASE_URL": "单元<CODE>中的同一设置：{member}的数据库；优先于YIBAO_DATABASE_URL。",
    "YIBAO_<CODE>_GATEWAY_PORT": "单元<CODE>中与YIBAO_GATEWAY_PORT相同的设置。",
    "YIBAO_<CODE>_OPERATIONS_PORT": "单元<CODE>中与YIBAO_OPERATIONS_PORT相同的设置。",
    "YIBAO_CELLS": "网格的各属地单元，以逗号分隔：启动其成员，路由可到达它们。留空：只有YIBAO_CELL一个。",
    "YIBAO_CELL": "此处只启动其成员的那一个属地单元。留空：YIBAO_CELLS全部；两者都不设时为sandbox。",
    "YIBAO_GATEWAY_HOST": "网关HTTP监听的地址。",
    "YIBAO_GATEWAY_PORT": "网关HTTP监听的端口。",
    "YIBAO_ALLOWED_ORIGINS": "可从浏览器调用网关的网页来源，以逗号分隔。沙箱未指定时允许本机网页。",
    "YIBAO_OPERATIONS_HOST": "网关提供指标和就绪状态的监听地址。",
    "YIBAO_OPERATIONS_PORT": "/metrics和/readyz明细的端口；不设时为YIBAO_GATEWAY_PORT的下一个端口。",
    "YIBAO_MESH_KEY": "派生调用方令牌各密钥的主密钥，至少32个字符；或由`yibao mesh-keys`从中派生的单个成员的密钥。沙箱自行生成。",
    "YIBAO_MESH_KEY_FILE": "存放上述密钥的文件（二选一），每行一个，改动后自动重读：第一个用于签发，两个均被接受。",
    "YIBAO_BOOTSTRAP_OPERATOR_KEY": "网格尚无运营方时第一个运营方的API密钥。不再设置时，上次给出的密钥失效。",
    "YIBAO_TLS": "成员之间的TLS：auto表示地址不是本机回环时启用；off关闭；on启用。",
    "YIBAO_TLS_CERTIFICATE": "成员向对方出示的PEM证书链。",
    "YIBAO_TLS_KEY": "该证书的PEM私钥。",
    "YIBAO_TLS_AUTHORITY": "对方证书必须由其签发的机构的PEM证书。",
    "YIBAO_PLACEMENT": "同一进程内的成员如何互相调用：local（进程内）或grpc（本机回环）。",
    "YIBAO_TRUNKS": (
        "发往同一成员的调用如何共用一条中继线：on（本机成员走YIBAO_DATA_DIR下trunks中的Unix套接字，其他走一个gRPC流）、"
        "grpc（总是一个gRPC流）或off（各自单独发送，供按调用分流的代理使用）。"
    ),
    "YIBAO_WORKERS": "一个成员在一个端口上的进程数；需要PostgreSQL。",
    "YIBAO_TRACE_RATIO": "保留的调用链比例，0到1；沙箱为1，其他为0.05。出错的总是保留。",
    "YIBAO_TRACE_EXPORTER": "调用链送往何处：sqlite（traces.sqlite）、otlp或none。",
    "YIBAO_TRACE_KEEP_SPANS": "traces.sqlite最多保存的跨度数；最旧的先删除。",
    "YIBAO_OTLP_ENDPOINT": "接收调用链的OTLP/HTTP地址，如http://host:4318/v1/traces。",
    "YIBAO_LOG_LEVEL": "debug、info、warning或error；info为每次调用写一行。",
    "YIBAO_MAX_CONCURRENT_RPCS": "一个成员同时处理的调用数；更多的被拒绝。",
    "YIBAO_MAX_CONNECTIONS": "网关的HTTP连接数；超过时，关闭空等最久的连接。",
    "YIBAO_MAX_MESSAGE_BYTES": "收发消息的最大字节数。",
    "YIBAO_MAX_BODIES_BYTES": "网关同时持有的大请求体字节数，接收中的与办理中的合计；同一来源地址最多占四分之一。",
    "YIBAO_MAX_BATCH": "一次批量调用和一次提交中最多的条数，1到64。",
    "YIBAO_MAX_QUEUE": "等待提交的最多条数；更多的被拒绝。",
    "YIBAO_COMMIT_WORKERS": "在PostgreSQL上同时进行的提交数，每个用自己的连接；SQLite只有一个。",
    "YIBAO_DATABASE_POOL": "一个成员到其数据库的连接数。",
    "YIBAO_CATALOGUE_FILES": "空目录库启动时装入的CSV和YAML文件所在目录。",
    "YIBAO_DIVISION_FILES": "医保区划CSV文件所在目录；不设时用随附的样例。",
    "YIBAO_RECOGNITION_FILES": "检查互认依据的CSV文件所在目录；不设时用随附的样例。",
    "YIBAO_PRIVATE_CALLBACKS": "通知机构（6302）的地址可否在专用网络内；沙箱默认可，其他默认不可。",
    "YIBAO_MERCHANTS": "机构与支付渠道签约的商户文件；不设时只收现金。",
    "YIBAO_EGRESS_DAYS": "告知支付渠道的内容留存天数。",
    "YIBAO_RECONCILE_HOUR": "每天自动对前一日账的起始时刻（北京时间，整点），此时各渠道账单已出；off为不自动对账。",
    "YIBAO_PEER_TIMEOUT_S": "调用其他成员而未指明时限时所用的秒数。",
    "YIBAO_PEER_ATTEMPTS": "可重复的调用最多尝试的次数，含第一次。",
    "YIBAO_NOTICES": "异地结算的通知如何送达路由：grpc（由路由拉取）或nats（经NATS JetStream）。",
    "YIBAO_NATS_URL": "NATS服务器地址，以逗号分隔：nats://host:4222，或tls://。",
    "YIBAO_NATS_REPLICAS": "NATS为通知流保存的副本数，1到5；集群为3。",
    "YIBAO_MOBILE": "网关是否提供移动支付报文的接口，它需要SM2。",
    "YIBAO_LIBCRYPTO": "用于SM2签名的OpenSSL 3的libcrypto，写库名或路径。留空：系统中第一个支持SM2的。",
    "YIBAO_STOP_GRACE_S": "成员停止时留给进行中调用的秒数。",
}


def setting_zh(name: str, member: str) -> str:
    """The meaning of a setting; `member` is the one it belongs to, "" for none. KeyError where it was not translated."""
    if member:
        return SETTINGS_ZH[name.replace(f"_{member.upper()}_", "_{MEMBER}_")].replace("{member}", member)
    return SETTINGS_ZH[name]
