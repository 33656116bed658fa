"""The edits that name a new service in files that stand already. Each is text in, text out; a place that is gone refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from services import mesh
from tools.new_service.names import Names, Refused

Edit = Callable[[str, Names], str]

_CALLS: Final = re.compile(r"((?:Member\(\s*GATEWAY,|Outsider\().*?calls=\()(.*?)(\))", re.DOTALL)
_NUMBER: Final = re.compile(r"(?m)^  ERROR_REASON_\w+ = (\d+);$")
_LAYER: Final = re.compile(r'(?m)^    "((?:\(\w+\) \| )+\(\w+\))",$')


def port() -> int:
    """The next free port of a member."""
    return max(entry.port for entry in mesh.MESH) + 1


def _reasons(text: str, names: Names) -> str:
    exists, missing = names.reasons
    number = max(int(each) for each in _NUMBER.findall(text)) + 1
    body, brace, rest = text.rpartition("}")
    return (
        f"{body}"
        f"  // The number stands for {'an' if names.thing[0] in 'aeiou' else 'a'} {names.words} with other content.\n"
        f"  ERROR_REASON_{exists} = {number};\n"
        f"  // No {names.words} is registered under the number.\n"
        f"  ERROR_REASON_{missing} = {number + 1};\n"
        f"{brace}{rest}"
    )


def _mesh(text: str, names: Names) -> str:
    service = f"yibao.{names.service}.v1.{names.service.capitalize()}Service"
    member = f'    Member("{names.service}", {port()}, ("{service}",)),\n'
    text = _before(text, "    Member(\n        GATEWAY,", member, "services/mesh.py")
    return _CALLS.sub(lambda found: f'{found[1]}{found[2].rstrip(", ")}, "{names.service}"{found[3]}', text)


def _layers(text: str, names: Names) -> str:
    found = _LAYER.search(text)
    if found is None:
        raise Refused("pyproject.toml has no layer of services any more: mend tools/new_service/edits.py.")
    if f"({names.service})" in found[1]:
        return text
    return f'{text[: found.start()]}    "{found[1]} | ({names.service})",{text[found.end() :]}'


def _texts(text: str, names: Names) -> str:
    title = names.service.upper()
    line = f"from services.runtime.texts.{names.service} import {title}\n"
    text = _before(text, "from services.runtime.texts.words import", line, "services/runtime/texts/table.py")
    return _before(text, "    **SINCE,\n", f"    **{title},\n", "services/runtime/texts/table.py")


def _words(text: str, names: Names) -> str:
    line = f'    "{names.service}": "{names.service_zh}",\n'
    return _before(text, '    "gateway": "网关",\n', line, "services/runtime/texts/words.py")


def _steps(text: str, names: Names) -> str:
    exists, _ = names.reasons
    step = (
        f'    "{exists}": (\n'
        f'        "请核对登记内容，该编号已属另一{names.thing_zh}",\n'
        f'        "Compare the content; the number is that of another {names.words}",\n'
        "    ),\n"
    )
    return _before(text, '    "INSTITUTION_UNKNOWN": (', step, "services/runtime/texts/gateway.py")


def _compose(text: str, names: Names) -> str:
    name, title = names.service, names.service.upper()
    container = (
        f"  {name}:\n"
        "    <<: *member\n"
        f'    command: ["{name}"]\n'
        f'    volumes: ["yibao-{name}:/var/lib/yibao"]\n'
        "    environment:\n"
        "      <<: *stored\n"
        f"      YIBAO_MESH_KEY: ${{KEYS_OF_{title}:?set KEYS_OF_{title}}}\n"
        f'      YIBAO_{title}_ADDRESS: "0.0.0.0:{port()}"\n'
        "    depends_on:\n"
        "      postgres: {condition: service_healthy}\n\n"
    )
    before, gateway, rest = _parted(text, "  gateway:\n", "deploy/compose.yaml")
    address = f'      YIBAO_{title}_ADDRESS: "{name}:{port()}"\n'
    rest = _before(rest, "    ports:", address, "deploy/compose.yaml")
    needs = re.search(r"(?m)^    depends_on:\n(?:      .*\n)+", rest)
    if needs is None:
        raise Refused("deploy/compose.yaml does not say what the gateway depends on: mend tools/new_service/edits.py.")
    condition = re.findall(r"\{condition: \w+\}", needs[0])[-1]
    rest = f"{rest[: needs.end()]}      {name}: {condition}\n{rest[needs.end() :]}"
    rest = _before(rest, "  yibao-gateway: {}\n", f"  yibao-{name}: {{}}\n", "deploy/compose.yaml")
    return f"{before}{container}{gateway}{rest}"


def _readme(keeps: Callable[[Names], str]) -> Edit:
    def edited(text: str, names: Names) -> str:
        table = re.search(r"(?m)^\| gateway \| .*\n(?:\|.*\n)+", text)
        if table is None:
            raise Refused("A README has no table of members any more: mend tools/new_service/edits.py.")
        first, rest = table[0].split("\n", 1)
        first = f"{first.removesuffix(' |')}, {names.service} |"
        row = f"| {names.service} | {port()} (gRPC) | {keeps(names)} | – |\n"
        return f"{text[: table.start()]}{first}\n{rest}{row}{text[table.end() :]}"

    return edited


def _parted(text: str, place: str, file: str) -> tuple[str, str, str]:
    parts = text.partition(place)
    if not parts[1]:
        raise Refused(f"{file} has no line {place.strip()!r} any more: mend tools/new_service/edits.py.")
    return parts


def _before(text: str, place: str, line: str, file: str) -> str:
    before, found, rest = _parted(text, place, file)
    return f"{before}{line}{found}{rest}"


EDITS: Final[Mapping[str, Edit]] = {
    "protos/yibao/common/v1/error_reason.proto": _reasons,
    "services/mesh.py": _mesh,
    "services/runtime/texts/table.py": _texts,
    "services/runtime/texts/words.py": _words,
    "services/runtime/texts/gateway.py": _steps,
    "deploy/compose.yaml": _compose,
    "README.md": _readme(lambda names: names.things.replace("_", " ")),
    "README.zh-CN.md": _readme(lambda names: names.thing_zh),
    "pyproject.toml": _layers,
}
"""By file. The layers in pyproject.toml name some services before they exist: then there is nothing to edit."""
