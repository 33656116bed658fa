"""The settings of the mesh: read by the table of `setting_table`, checked and documented.

Settings come from the environment (`YIBAO_*`) and from overrides; an unknown name or a bad value is an error that names
it. Nothing reads the environment anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from services import cells, mesh
from services.runtime.placement import Placement
from services.runtime.private import made_once
from services.runtime.setting_kinds import KINDS, contradictions
from services.runtime.setting_table import MOVED_CLOCK, PREFIX, SETTINGS, Setting, spelt_out, with_code
from services.runtime.texts.settings import setting_zh
from services.runtime.texts.table import Language

_LAST_PORT: Final = 65535


class ConfigError(Exception):
    """Settings that cannot be used; one line for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


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
        given = {name: value for name, value in environ.items() if name.startswith(PREFIX)} | dict(overrides or {})
        settings = tuple(spelt_out())
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
        own = with_code(name, self.cell)
        return own if self.cell != cells.SANDBOX and own in self.values else name

    @property
    def known_cells(self) -> tuple[str, ...]:
        """Codes of the cells of the mesh."""
        known = self.values["YIBAO_CELLS"]
        return known if isinstance(known, tuple) else self.started_cells

    @property
    def beside_others(self) -> bool:
        """Whether the mesh has other cells: it names several, or this process has one cell by name, which others stand beside."""
        return len(self.known_cells) > 1 or isinstance(self.values["YIBAO_CELL"], str)

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
        return int(str(self.values[MOVED_CLOCK])) if national else self.integer(MOVED_CLOCK)

    def path(self, name: str) -> Path | None:
        """A setting that is a file or folder, None when not set."""
        value = self.values[name]
        return value if isinstance(value, Path) else None

    @property
    def sandbox(self) -> bool:
        """True where the mesh is a sandbox."""
        return self.values["YIBAO_SANDBOX"] is True

    @property
    def private_callbacks(self) -> bool:
        """Whether addresses that partners name may be of this network; in a sandbox unless said otherwise."""
        said = self.values["YIBAO_PRIVATE_CALLBACKS"]
        return self.sandbox if said is None else said is True

    @property
    def serves_mobile(self) -> bool:
        """Whether the gateway serves the mobile envelope."""
        return self.values["YIBAO_MOBILE"] is True

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

    @property
    def trunks(self) -> str:
        """How the calls of a member to another share a way: `on`, `grpc` or `off`."""
        return self.text("YIBAO_TRUNKS")

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
