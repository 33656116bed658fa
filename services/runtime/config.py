"""All settings of the mesh as one table, from which values are read, checked and documented.

Settings come from the environment (`YIBAO_*`) and from overrides; an unknown name or a bad value is an error that names
it. Nothing reads the environment anywhere else.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from services import mesh
from services.runtime.placement import Placement
from services.runtime.private import private_file, private_folder
from services.runtime.texts.settings import setting_zh
from services.runtime.texts.table import Language

_PREFIX: Final = "YIBAO_"
_LAST_PORT: Final = 65535
_LOOPBACK: Final = "127.0.0.1"
_ORIGIN: Final = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?/?")


class ConfigError(Exception):
    """Settings that cannot be used; one line for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name, how its text is read, the text used when it is not set ("" = none), and one sentence.

    `member` is the one whose own setting it is, "" for none.
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


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "YIBAO_SANDBOX", "flag", "off", "Sandbox: business dates by header, fixture methods, no production key needed."
    ),
    Setting("YIBAO_DATA_DIR", "folder", "var", "Folder of the SQLite files, the traces and the sandbox's mesh key."),
    Setting(
        "YIBAO_DATABASE_URL",
        "text",
        "",
        "Database of every member without its own setting; {member} in it stands for the member's name. "
        "Without any: SQLite files in YIBAO_DATA_DIR.",
        secret=True,
    ),
    *_per_member(),
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
    Setting("YIBAO_PEER_TIMEOUT_S", "seconds", "5", "Time allowed for a call to a peer that names no time."),
    Setting("YIBAO_PEER_ATTEMPTS", "count", "3", "Attempts of a call that may be repeated, the first one included."),
    Setting("YIBAO_STOP_GRACE_S", "seconds", "5", "Time that running calls get when a member stops."),
)


@dataclass(frozen=True, slots=True)
class Config:
    """Checked settings. `placement` says which members live in this process."""

    values: Mapping[str, object]
    placement: Placement = field(default_factory=Placement)

    @staticmethod
    def load(environ: Mapping[str, str], overrides: Mapping[str, str] | None = None) -> Config:
        """Reads the table; overrides win over the environment; ConfigError names every unknown or bad setting."""
        given = {name: value for name, value in environ.items() if name.startswith(_PREFIX)} | dict(overrides or {})
        known = {setting.name: setting for setting in SETTINGS}
        problems = [_unknown(name, known) for name in sorted(given) if name not in known]
        values: dict[str, object] = {}
        for setting in SETTINGS:
            raw = given.get(setting.name, "") or setting.default
            try:
                values[setting.name] = _KINDS[setting.kind](raw) if raw else None
            except ValueError as error:
                shown = "the value given" if setting.secret else repr(raw)
                problems.append(f"{setting.name}: {shown} is not {error}")
        problems += _contradictions(values)
        if problems:
            raise ConfigError(problems)
        return Config(values)

    def text(self, name: str) -> str:
        """A setting as text, "" when not set."""
        value = self.values[name]
        return "" if value is None else str(value)

    def integer(self, name: str) -> int:
        """A setting that is a whole number."""
        value = self.values[name]
        if not isinstance(value, int):
            raise ConfigError([f"{name} must be set"])
        return value

    def seconds(self, name: str) -> float:
        """A setting that is a time."""
        value = self.values[name]
        if not isinstance(value, float):
            raise ConfigError([f"{name} must be set"])
        return value

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
        value, gateway = self.values["YIBAO_OPERATIONS_PORT"], self.integer("YIBAO_GATEWAY_PORT")
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
        """The member's own database, else the common one, else a SQLite file in the data folder."""
        own = self.text(f"YIBAO_{member.upper()}_DATABASE_URL")
        common = self.text("YIBAO_DATABASE_URL").replace("{member}", member)
        return own or common or f"sqlite:///{self.data_dir / member}.sqlite"

    def key_file(self) -> Path | None:
        """The file with the keys of caller tokens: the one named, or the sandbox's own in the data folder, made if need be.

        None where a setting holds the key; ConfigError where there is neither.
        """
        named = self.path("YIBAO_MESH_KEY_FILE")
        if named is not None or self.text("YIBAO_MESH_KEY"):
            return named
        if not self.sandbox:
            raise ConfigError(["YIBAO_MESH_KEY must be set outside the sandbox (to try things out: YIBAO_SANDBOX=on)"])
        return _sandbox_key(self.data_dir / "mesh.key")


def settings_markdown(language: Language = "en") -> str:
    """The table of settings as the README of that language prints it."""
    heading = {"en": "| setting | default | meaning |", "zh": "| 设置 | 默认值 | 含义 |"}
    lines = [heading[language], "| --- | --- | --- |"]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else "–"
        meaning = setting.doc if language == "en" else setting_zh(setting.name, setting.member)
        lines.append(f"| `{setting.name}` | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _sandbox_key(file: Path) -> Path:
    """Made once: whoever comes second, even at the same moment, reads what the first one wrote."""
    if not file.exists():
        private_folder(file.parent)
        with NamedTemporaryFile("w", dir=file.parent, encoding="ascii") as draft:
            draft.write(secrets.token_hex(32))
            draft.flush()
            with suppress(FileExistsError):
                os.link(draft.name, file)
    private_file(file)
    return file


def _unknown(name: str, known: Mapping[str, Setting]) -> str:
    near = get_close_matches(name, known, n=3, cutoff=0.7)
    return f"{name}: no such setting" + (f"; did you mean {' or '.join(near)}?" if near else "")


def _contradictions(values: Mapping[str, object]) -> list[str]:
    """Settings each of which is right, and that do not go together."""
    if values.get("YIBAO_MESH_KEY") and values.get("YIBAO_MESH_KEY_FILE"):
        return ["YIBAO_MESH_KEY_FILE: YIBAO_MESH_KEY is set as well; give one of the two"]
    workers, pool = values.get("YIBAO_COMMIT_WORKERS"), values.get("YIBAO_DATABASE_POOL")
    if isinstance(workers, int) and isinstance(pool, int) and workers > pool:
        return [f"YIBAO_COMMIT_WORKERS: {workers} commits need as many connections, YIBAO_DATABASE_POOL has {pool}"]
    return []


def _one_of(*words: str) -> Callable[[str], object]:
    def read(raw: str) -> object:
        if raw.lower() not in words:
            raise ValueError("one of " + ", ".join(words))
        return raw.lower()

    return read


def _folder(raw: str) -> object:
    """A question mark would end the path in the URL of a database, which then stood elsewhere."""
    if "?" in raw:
        raise ValueError("a path without a question mark")
    return Path(raw)


def _flag(raw: str) -> object:
    if raw.lower() not in ("on", "off", "1", "0", "true", "false", "yes", "no"):
        raise ValueError("on or off")
    return raw.lower() in ("on", "1", "true", "yes")


def _number(low: float, high: float, words: str, whole: bool) -> Callable[[str], object]:
    def read(raw: str) -> object:
        try:
            value = int(raw) if whole else float(raw)
        except ValueError:
            raise ValueError(words) from None
        if not low <= value <= high:
            raise ValueError(words)
        return value

    return read


def _address(raw: str) -> object:
    host, _, port = raw.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError("host:port")
    return raw


def _key(raw: str) -> object:
    if len(raw.encode()) < 32:
        raise ValueError("at least 32 characters long")
    return raw


def _origins(raw: str) -> object:
    """Scheme, host and port of each, as a browser sends them in `Origin`: never a star, never `null`, never a path."""
    for each in raw.split(","):
        if not _ORIGIN.fullmatch(each.strip().casefold()):
            raise ValueError("origins as https://host:port, with commas")
    return raw


_KINDS: Final[Mapping[str, Callable[[str], object]]] = {
    "text": str,
    "path": Path,
    "folder": _folder,
    "flag": _flag,
    "address": _address,
    "key": _key,
    "origins": _origins,
    "port": _number(0, 65535, "a port, 0 to 65535", whole=True),
    # The batch RPCs of the contract take no more items.
    "batch": _number(1, 64, "a whole number from 1 to 64", whole=True),
    "count": _number(1, 1 << 31, "a whole number of at least 1", whole=True),
    "seconds": _number(0.0, 86400.0, "a number of seconds", whole=False),
    "ratio": _number(0.0, 1.0, "a number from 0 to 1", whole=False),
    "level": _one_of("debug", "info", "warning", "error"),
    "exporter": _one_of("sqlite", "otlp", "none"),
    "placement": _one_of("grpc", "local"),
    "tls": _one_of("auto", "on", "off"),
}
