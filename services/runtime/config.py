"""All settings of the mesh as one table, from which values are read, checked and documented.

Settings come from the environment (`YIBAO_*`) and from overrides; an unknown name or a bad value is an error that names
it. Nothing reads the environment anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from services import cells, mesh
from services.runtime.placement import Placement
from services.runtime.private import made_once
from services.runtime.setting_kinds import CLOCK_OFFSET, KINDS, contradictions
from services.runtime.texts.settings import setting_zh
from services.runtime.texts.table import Language

_PREFIX: Final = "YIBAO_"
_LAST_PORT: Final = 65535
_LOOPBACK: Final = "127.0.0.1"
_OF_GATEWAYS: Final = ("YIBAO_GATEWAY_PORT", "YIBAO_OPERATIONS_PORT")
_CODE: Final = "<CODE>"
_CLOCK_OFFSET: Final = _PREFIX + CLOCK_OFFSET


class ConfigError(Exception):
    """Settings that cannot be used; one line for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


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
        replace(row, name=_with_code(row.name), default="", doc=f"The same in the cell {_CODE}: {row.doc}")
        for row in _per_member()
        if not mesh.is_national(row.member)
    ]
    for name in _OF_GATEWAYS:
        doc = f"The same as {name} in the cell {_CODE}."
        rows.append(Setting(_with_code(name), "port", "", doc))
    rows.append(Setting(_with_code(_CLOCK_OFFSET), "offset", "0", f"The same as {_CLOCK_OFFSET} in the cell {_CODE}."))
    return tuple(rows)


def _with_code(name: str, code: str = _CODE) -> str:
    """`YIBAO_GATEWAY_PORT` → `YIBAO_110000_GATEWAY_PORT`."""
    return _PREFIX + f"{code}_" + name.removeprefix(_PREFIX)


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "YIBAO_SANDBOX", "flag", "off", "Sandbox: business dates by header, fixture methods, no production key needed."
    ),
    Setting(
        _CLOCK_OFFSET, "offset", "0", "Sandbox: seconds that clocks of its cell and of national members are ahead."
    ),
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
        "YIBAO_PLACEMENT", "placement", "grpc", "How members of one process call each other: grpc (loopback) or local."
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
    Setting("YIBAO_PEER_TIMEOUT_S", "seconds", "5", "Time allowed for a call to a peer that names no time."),
    Setting("YIBAO_PEER_ATTEMPTS", "count", "3", "Attempts of a call that may be repeated, the first one included."),
    Setting("YIBAO_STOP_GRACE_S", "seconds", "5", "Time that running calls get when a member stops."),
)


@dataclass(frozen=True, slots=True)
class Config:
    """Checked settings, as the members of one cell read them. `placement` says which members live in this process.

    A setting that each cell has for itself is asked for by its name in the sandbox's cell; `named` gives the real one.
    """

    values: Mapping[str, object]
    placement: Placement = field(default_factory=Placement)
    cell: str = cells.SANDBOX

    @staticmethod
    def load(environ: Mapping[str, str], overrides: Mapping[str, str] | None = None) -> Config:
        """Reads the table; overrides win over the environment; ConfigError names every unknown or bad setting."""
        given = {name: value for name, value in environ.items() if name.startswith(_PREFIX)} | dict(overrides or {})
        settings = tuple(_spelt_out())
        known = {setting.name: setting for setting in settings}
        problems = [_unknown(name, known) for name in sorted(given) if name not in known]
        values: dict[str, object] = {}
        for setting in settings:
            raw = given.get(setting.name, "") or setting.default
            try:
                values[setting.name] = KINDS[setting.kind](raw) if raw else None
            except ValueError as error:
                shown = "the value given" if setting.secret else repr(raw)
                problems.append(f"{setting.name}: {shown} is not {error}")
        problems += contradictions(values)
        if problems:
            raise ConfigError(problems)
        config = Config(values)
        return config.of_cell(config.started_cells[0])

    def of_cell(self, code: str) -> Config:
        """The same settings as the members of another cell read them; of "" (a national member's) as they are."""
        return replace(self, cell=code) if code else self

    def named(self, name: str) -> str:
        """The setting that is read for `name` here, YIBAO_110000_GATEWAY_PORT for YIBAO_GATEWAY_PORT."""
        own = _with_code(name, self.cell)
        return own if self.cell != cells.SANDBOX and own in self.values else name

    @property
    def known_cells(self) -> tuple[str, ...]:
        """Codes of the cells of the mesh."""
        known = self.values["YIBAO_CELLS"]
        return known if isinstance(known, tuple) else self.started_cells

    @property
    def started_cells(self) -> tuple[str, ...]:
        """Codes of the cells whose members are started."""
        own, known = self.values["YIBAO_CELL"], self.values["YIBAO_CELLS"]
        if isinstance(own, str):
            return (own,)
        return known if isinstance(known, tuple) else (cells.SANDBOX,)

    def text(self, name: str) -> str:
        """A setting as text, "" when not set."""
        value = self.values[self.named(name)]
        return "" if value is None else str(value)

    def integer(self, name: str) -> int:
        """A setting that is a whole number."""
        value = self.values[self.named(name)]
        if not isinstance(value, int):
            raise ConfigError([f"{name} must be set"])
        return value

    def seconds(self, name: str) -> float:
        """A setting that is a time."""
        value = self.values[name]
        if not isinstance(value, float):
            raise ConfigError([f"{name} must be set"])
        return value

    def clock_offset_s(self, *, national: bool) -> int:
        """Seconds by which the clock of a member of this cell, or of a national one, is ahead."""
        return int(str(self.values[_CLOCK_OFFSET])) if national else self.integer(_CLOCK_OFFSET)

    def path(self, name: str) -> Path | None:
        """A setting that is a file or folder, None when not set."""
        value = self.values[name]
        return value if isinstance(value, Path) else None

    @property
    def sandbox(self) -> bool:
        """True where the mesh is a sandbox."""
        return self.values["YIBAO_SANDBOX"] is True

    @property
    def data_dir(self) -> Path:
        """Folder of local files."""
        return self.path("YIBAO_DATA_DIR") or Path()

    @property
    def trace_ratio(self) -> float:
        """Share of traces kept: as set, else all in the sandbox and one in twenty outside."""
        value = self.values["YIBAO_TRACE_RATIO"]
        return value if isinstance(value, float) else 1.0 if self.sandbox else 0.05

    @property
    def trace_file(self) -> Path:
        """The SQLite file of the embedded trace store."""
        return self.data_dir / "traces.sqlite"

    @property
    def operations_port(self) -> int:
        """The port of metrics and readiness: as set, else the one after the gateway's; 0 (any) where that is 0 or the last."""
        value, gateway = self.values[self.named("YIBAO_OPERATIONS_PORT")], self.integer("YIBAO_GATEWAY_PORT")
        if isinstance(value, int):
            return value
        return gateway + 1 if 0 < gateway < _LAST_PORT else 0

    @property
    def local_calls(self) -> bool:
        """True where members of one process call each other without the network."""
        return self.values["YIBAO_PLACEMENT"] == "local"

    def address(self, member: str) -> str:
        """`host:port` on which a member serves gRPC."""
        return self.text(f"YIBAO_{member.upper()}_ADDRESS")

    def database_url(self, member: str) -> str:
        """The member's own database, else the common one, else a SQLite file: in the data folder for the sandbox's cell and for
        national members, in `cells/<code>` of it for another cell.
        """
        national = mesh.is_national(member)
        cell = "" if national or self.cell == cells.SANDBOX else self.cell
        own = self.text(f"YIBAO_{member.upper()}_DATABASE_URL")
        common = self.text("YIBAO_DATABASE_URL")
        if own or not common:
            folder = self.data_dir / "cells" / cell if cell else self.data_dir
            return own or f"sqlite:///{folder / member}.sqlite"
        apart = cell and "{cell}" not in common
        placed = common.replace("{cell}", "national" if national else self.cell)
        return placed.replace("{member}", f"{cell}_{member}" if apart else member)

    def key_file(self) -> Path | None:
        """The file with the keys of caller tokens: the one named, or the sandbox's own in the data folder, made if need be.

        None where a setting holds the key; ConfigError where there is neither.
        """
        named = self.path("YIBAO_MESH_KEY_FILE")
        if named is not None or self.text("YIBAO_MESH_KEY"):
            return named
        if not self.sandbox:
            raise ConfigError(["YIBAO_MESH_KEY must be set outside the sandbox (to try things out: YIBAO_SANDBOX=on)"])
        return made_once(self.data_dir / "mesh.key")


def settings_markdown(language: Language = "en") -> str:
    """The table of settings as the README of that language prints it."""
    heading = {"en": "| setting | default | meaning |", "zh": "| 设置 | 默认值 | 含义 |"}
    lines = [heading[language], "| --- | --- | --- |"]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else "–"
        meaning = setting.doc if language == "en" else setting_zh(setting.name, setting.member)
        lines.append(f"| `{setting.name}` | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _spelt_out() -> Iterator[Setting]:
    """The table with a setting for each cell where it has one for all of them."""
    for setting in SETTINGS:
        if _CODE not in setting.name:
            yield setting
            continue
        for cell in cells.CELLS[1:]:
            default = setting.default
            if setting.kind == "address":
                default = f"{_LOOPBACK}:{mesh.Seat(mesh.member(setting.member), cell.code).port}"
            elif setting.name == _with_code("YIBAO_GATEWAY_PORT"):
                default = str(cell.port_base)
            yield replace(setting, name=setting.name.replace(_CODE, cell.code), default=default)


def check_databases(config: Config, names: Sequence[str]) -> None:
    """ConfigError where a member that is started for two cells would write for both into one database."""
    problems: list[str] = []
    for member in (each for each in mesh.MESH if each.name in names and each.has_store and not each.national):
        found: dict[str, str] = {}
        for code in config.started_cells:
            other = found.setdefault(config.of_cell(code).database_url(member.name), code)
            if other != code:
                problems.append(
                    f"YIBAO_DATABASE_URL: the cells {other} and {code} would share a database of {member.name}; "
                    "put {cell} or {member} into it"
                )
    if problems:
        raise ConfigError(problems)


def _unknown(name: str, known: Mapping[str, Setting]) -> str:
    near = get_close_matches(name, known, n=3, cutoff=0.7)
    return f"{name}: no such setting" + (f"; did you mean {' or '.join(near)}?" if near else "")
