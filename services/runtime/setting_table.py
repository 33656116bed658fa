"""The table of all settings: names, kinds, defaults and meanings. `config` reads values by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from services import cells, mesh
from services.runtime.setting_kinds import CLOCK_OFFSET

PREFIX: Final = "YIBAO_"
_LOOPBACK: Final = "127.0.0.1"
_OF_GATEWAYS: Final = ("YIBAO_GATEWAY_PORT", "YIBAO_OPERATIONS_PORT")
_CODE: Final = "<CODE>"
MOVED_CLOCK: Final = PREFIX + CLOCK_OFFSET


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name, how its text is read, the text used when it is not set ("" = none), and one sentence.

    `member` is the one whose own setting it is, "" for none. `<CODE>` in a name stands for the code of a cell: every cell but the
    sandbox's has one of its own.
    """

    name: str
    kind: str
    default: str
    doc: str
    secret: bool = False
    member: str = ""


def _per_member() -> tuple[Setting, ...]:
    rows: list[Setting] = []
    for member in mesh.MESH:
        upper, listening = member.name.upper(), f"{_LOOPBACK}:{member.port}"
        if member.services:
            doc = f"Where {member.name} listens and its callers find it."
            rows.append(Setting(f"YIBAO_{upper}_ADDRESS", "address", listening, doc, member=member.name))
        if member.has_store:
            doc = f"Database of {member.name}; wins over YIBAO_DATABASE_URL."
            rows.append(Setting(f"YIBAO_{upper}_DATABASE_URL", "text", "", doc, secret=True, member=member.name))
    return tuple(rows)


def _per_cell() -> tuple[Setting, ...]:
    """What a cell says for itself where the sandbox's cell has the setting without a code."""
    rows = [
        replace(row, name=with_code(row.name), default="", doc=f"The same in the cell {_CODE}: {row.doc}")
        for row in _per_member()
        if not mesh.is_national(row.member)
    ]
    for name in _OF_GATEWAYS:
        doc = f"The same as {name} in the cell {_CODE}."
        rows.append(Setting(with_code(name), "port", "", doc))
    rows.append(Setting(with_code(MOVED_CLOCK), "offset", "0", f"The same as {MOVED_CLOCK} in the cell {_CODE}."))
    return tuple(rows)


def with_code(name: str, code: str = _CODE) -> str:
    """`YIBAO_GATEWAY_PORT` → `YIBAO_110000_GATEWAY_PORT`."""
    return PREFIX + f"{code}_" + name.removeprefix(PREFIX)


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "YIBAO_SANDBOX", "flag", "off", "Sandbox: business dates by header, fixture methods, no production key needed."
    ),
    Setting(MOVED_CLOCK, "offset", "0", "Sandbox: seconds that clocks of its cell and of national members are ahead."),
    Setting("YIBAO_DATA_DIR", "folder", "var", "Folder of the SQLite files, the traces and the sandbox's mesh key."),
    Setting(
        "YIBAO_DATABASE_URL",
        "text",
        "",
        "Database of every member without its own setting; {member} in it stands for the member's name, {cell} "
        "for its cell's. Without any: SQLite files in YIBAO_DATA_DIR.",
        secret=True,
    ),
    Setting(
        "YIBAO_CELLS",
        "cells",
        "",
        "Cells of the mesh, with commas: whose members are started, and which routing reaches. Empty: that of YIBAO_CELL alone.",
    ),
    Setting(
        "YIBAO_CELL",
        "cell",
        "",
        f"The one cell whose members are started here. Empty: all of YIBAO_CELLS, and without those {cells.SANDBOX}.",
    ),
    *_per_member(),
    *_per_cell(),
    Setting("YIBAO_GATEWAY_HOST", "text", _LOOPBACK, "Address on which the gateway's HTTP listens."),
    Setting(
        "YIBAO_GATEWAY_PORT", "port", str(mesh.member(mesh.GATEWAY).port), "Port on which the gateway's HTTP listens."
    ),
    Setting("YIBAO_OPERATIONS_HOST", "text", _LOOPBACK, "Address on which the gateway tells metrics and readiness."),
    Setting(
        "YIBAO_OPERATIONS_PORT",
        "port",
        "",
        "Port of /metrics and of the reasons behind /readyz; without it the one after YIBAO_GATEWAY_PORT.",
    ),
    Setting(
        "YIBAO_ALLOWED_ORIGINS",
        "origins",
        "",
        "Origins of web pages that may call the gateway from a browser, with commas. A sandbox that names none allows "
        "those of this machine.",
    ),
    Setting(
        "YIBAO_MESH_KEY",
        "key",
        "",
        "Key from which the keys of caller tokens follow, at least 32 characters; or one member's keys out of it, as "
        "`yibao mesh-keys` prints them. The sandbox makes its own.",
        secret=True,
    ),
    Setting(
        "YIBAO_MESH_KEY_FILE",
        "path",
        "",
        "File of such keys instead, one a line, read again when it changes: the first signs, two are accepted.",
    ),
    Setting(
        "YIBAO_BOOTSTRAP_OPERATOR_KEY",
        "text",
        "",
        "API key of the first operator, for a mesh that has none yet. Without it the last one given stops working.",
        secret=True,
    ),
    Setting("YIBAO_TLS", "tls", "auto", "TLS between members: auto = on where an address is not loopback; off; on."),
    Setting("YIBAO_TLS_CERTIFICATE", "path", "", "PEM certificate chain that a member shows to its peers."),
    Setting("YIBAO_TLS_KEY", "path", "", "PEM private key of that certificate."),
    Setting("YIBAO_TLS_AUTHORITY", "path", "", "PEM certificates of the authority that peers must be signed by."),
    Setting(
        "YIBAO_PLACEMENT",
        "placement",
        "local",
        "How members of one process call each other: local, or grpc (loopback).",
    ),
    Setting(
        "YIBAO_TRUNKS",
        "trunks",
        "on",
        "How calls to a member share a way: on (a Unix socket in `trunks` of YIBAO_DATA_DIR to a member of this machine, else "
        "one gRPC stream), grpc (always one gRPC stream) or off (each goes by itself, as proxies that spread calls want it).",
    ),
    Setting("YIBAO_WORKERS", "count", "1", "Processes of one member on one port; needs PostgreSQL."),
    Setting(
        "YIBAO_TRACE_RATIO", "ratio", "", "Share of traces kept, 0 to 1; 1 in the sandbox, else 0.05. Errors always."
    ),
    Setting("YIBAO_TRACE_EXPORTER", "exporter", "sqlite", "Where spans go: sqlite (traces.sqlite), otlp or none."),
    Setting(
        "YIBAO_TRACE_KEEP_SPANS", "count", "1000000", "Spans that traces.sqlite holds at most; the oldest go first."
    ),
    Setting("YIBAO_OTLP_ENDPOINT", "text", "", "OTLP/HTTP endpoint for spans, http://host:4318/v1/traces."),
    Setting("YIBAO_LOG_LEVEL", "level", "info", "debug, info, warning or error; info writes a line for every call."),
    Setting(
        "YIBAO_MAX_CONCURRENT_RPCS", "count", "1024", "Calls that a member serves at the same time; more are refused."
    ),
    Setting(
        "YIBAO_MAX_CONNECTIONS",
        "count",
        "4096",
        "HTTP connections of the gateway; where more come, the one that has waited longest without a request is closed.",
    ),
    Setting("YIBAO_MAX_MESSAGE_BYTES", "count", "4194304", "Largest message, in and out."),
    Setting(
        "YIBAO_MAX_BODIES_BYTES",
        "count",
        "268435456",
        "Bytes of large bodies that the gateway holds at a time, arriving or under way; of one source address a quarter.",
    ),
    Setting("YIBAO_MAX_BATCH", "batch", "64", "Items gathered into one batch RPC and into one commit, 1 to 64."),
    Setting("YIBAO_MAX_QUEUE", "count", "1024", "Items that wait for a commit; more are refused."),
    Setting(
        "YIBAO_COMMIT_WORKERS",
        "count",
        "1",
        "Commits at the same time on PostgreSQL, each on a connection of its own; SQLite has one.",
    ),
    Setting("YIBAO_DATABASE_POOL", "count", "8", "Connections of a member to its database."),
    Setting("YIBAO_CATALOGUE_FILES", "path", "", "Folder of CSV and YAML files that an empty catalogue begins with."),
    Setting("YIBAO_DIVISION_FILES", "path", "", "Folder of CSV files of divisions; without it the shipped sample."),
    Setting(
        "YIBAO_RECOGNITION_FILES",
        "path",
        "",
        "Folder of CSV files by which examinations are recognised; without it the shipped sample.",
    ),
    Setting(
        "YIBAO_MERCHANTS",
        "path",
        "",
        "File of the institutions' contracts with payment channels; without it cash alone.",
    ),
    Setting(
        "YIBAO_PRIVATE_CALLBACKS",
        "flag",
        "",
        "Whether addresses where institutions are told (6302) may be of a private network; on in the sandbox, else off.",
    ),
    Setting("YIBAO_EGRESS_DAYS", "days", "180", "Days for which it is kept what payment channels were told."),
    Setting(
        "YIBAO_RECONCILE_HOUR",
        "hour",
        "11",
        "Hour in Beijing from which on the day before is reconciled by itself, once the providers' bills are there; off: never.",
    ),
    Setting("YIBAO_PEER_TIMEOUT_S", "seconds", "5", "Time allowed for a call to a peer that names no time."),
    Setting("YIBAO_PEER_ATTEMPTS", "count", "3", "Attempts of a call that may be repeated, the first one included."),
    Setting(
        "YIBAO_NOTICES",
        "notices",
        "grpc",
        "How notices of cross-region settlements reach routing: grpc (it pulls them) or nats (through NATS JetStream).",
    ),
    Setting("YIBAO_NATS_URL", "text", "", "Servers of NATS, with commas: nats://host:4222, or tls://.", secret=True),
    Setting("YIBAO_NATS_REPLICAS", "replicas", "1", "Copies of the stream that NATS keeps, 1 to 5; 3 in a cluster."),
    Setting("YIBAO_MOBILE", "flag", "on", "Whether the gateway serves the mobile envelope, which needs SM2."),
    Setting(
        "YIBAO_LIBCRYPTO",
        "text",
        "",
        "Name or path of the libcrypto of OpenSSL 3 that signs by SM2. Empty: the first of the system's that has it.",
    ),
    Setting("YIBAO_STOP_GRACE_S", "seconds", "5", "Time that running calls get when a member stops."),
)


def spelt_out() -> Iterator[Setting]:
    """The table with a setting for each cell where it has one for all of them."""
    for setting in SETTINGS:
        if _CODE not in setting.name:
            yield setting
            continue
        for cell in cells.CELLS[1:]:
            default = setting.default
            if setting.kind == "address":
                default = f"{_LOOPBACK}:{mesh.Seat(mesh.member(setting.member), cell.code).port}"
            elif setting.name == with_code("YIBAO_GATEWAY_PORT"):
                default = str(cell.port_base)
            yield replace(setting, name=setting.name.replace(_CODE, cell.code), default=default)
