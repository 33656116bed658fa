"""The names of a new service and of its thing in every form that files need, and which ones are refused."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services import mesh

_SERVICE: Final = re.compile(r"[a-z][a-z0-9]{2,15}", re.ASCII)
_THING: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z][a-z0-9]*)*", re.ASCII)
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]{1,10}")
_LONGEST_THING: Final = 16
_PLACE: Final = re.compile(r"\{\{(\w+)\}\}")
_TAKEN: Final = frozenset(
    {"schema", "unit", "table", "journal", "migration", "entry", "request", "registered", "thing"}
)
"""Words that stand for something else in the files of every service."""
_KNOWN: Final[Mapping[str, str]] = {
    "routing": "路由",
    "imaging": "影像",
    "payment": "支付",
    "clearing": "清算",
    "study": "检查",
    "order": "订单",
    "route": "路由",
}
"""Chinese words of services that are spoken of already, and of what they keep."""


class Refused(Exception):
    """Why no service is written, as a sentence; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Names:
    """A service and its thing, with their words in Chinese: `imaging`, `study`, 影像, 检查."""

    service: str
    thing: str
    service_zh: str
    thing_zh: str

    def filled(self, template: str) -> str:
        """A template with the names in their places; KeyError for a place that has no name."""
        forms = self._forms()
        return _PLACE.sub(lambda place: forms[place[1]], template)

    def path(self, template: Path) -> Path:
        """Where the file of a template goes, below the root."""
        forms = {"SERVICE": self.service, "THINGS": self.things}
        text = re.sub(r"SERVICE|THINGS", lambda word: forms[word[0]], template.as_posix())
        return Path(text.removesuffix(".template"))

    @property
    def things(self) -> str:
        """More than one of the thing."""
        if re.search(r"[^aeiou]y$", self.thing):
            return f"{self.thing[:-1]}ies"
        return f"{self.thing}{'es' if re.search(r'(?:s|x|z|ch|sh)$', self.thing) else 's'}"

    @property
    def reasons(self) -> tuple[str, str]:
        """The reasons that it raises."""
        return f"{self.thing.upper()}_EXISTS", f"{self.thing.upper()}_NOT_FOUND"

    @property
    def words(self) -> str:
        """The thing as one writes it in a sentence."""
        return self.thing.replace("_", " ")

    @property
    def route(self) -> str:
        """The things in a REST path."""
        first, *rest = self.things.split("_")
        return first + "".join(map(str.capitalize, rest))

    def _forms(self) -> dict[str, str]:
        many = self.things.replace("_", " ")
        one = f"{'an' if self.thing[0] in 'aeiou' else 'a'} {self.words}"
        return {
            "service": self.service,
            "Service": self.service.capitalize(),
            "SERVICE": self.service.upper(),
            "service_zh": self.service_zh,
            "thing": self.thing,
            "Thing": "".join(map(str.capitalize, self.thing.split("_"))),
            "THING": self.thing.upper(),
            "thing_words": self.words,
            "thing_zh": self.thing_zh,
            "things": self.things,
            "Things": many.capitalize(),
            "things_words": many,
            "things_path": self.route,
            "a_thing": one,
            "A_thing": one.capitalize(),
        }


def names_of(service: str, thing: str, service_zh: str, thing_zh: str) -> Names:
    """The names where they are good ones; `Refused` says what a good one is. An empty Chinese word is looked up."""
    if _SERVICE.fullmatch(service) is None:
        raise Refused(
            f"{service!r} is no name of a service: three to sixteen small letters and digits, a letter first."
        )
    if _THING.fullmatch(thing) is None or len(thing) > _LONGEST_THING:
        raise Refused(
            f"{thing!r} is no name of a thing: one of what the service keeps, in small letters, words joined by _, "
            f"at most {_LONGEST_THING} characters."
        )
    for name in (service, thing):
        if keyword.iskeyword(name) or keyword.issoftkeyword(name):
            raise Refused(f"{name!r} is a word of Python; choose another one.")
    if thing in _TAKEN:
        raise Refused(f"{thing!r} stands for something else in the files of every service; choose another one.")
    if service in mesh.callers():
        raise Refused(f"{service} exists: the mesh table names it. Add an RPC to it instead: docs/how-to.md.")
    for text in filter(None, (service_zh, thing_zh)):
        if _CHINESE.fullmatch(text) is None:
            raise Refused(f"{text!r} is no Chinese word of at most ten characters.")
    in_chinese = service_zh or _KNOWN.get(service, "")
    if not in_chinese:
        raise Refused(f"Nobody has said yet what {service} is called in Chinese texts: add --zh and its word.")
    return Names(service, thing, in_chinese, thing_zh or _KNOWN.get(thing, "记录"))
