"""What the generated requests may say: values of a small seeded world by field name, and what earlier answers taught.

An episode is one line of events about one person; nothing of it is shared with another episode but the seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from random import Random
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services import mesh
from services.kernel.clock import BEIJING
from services.runtime.call import Caller, Role
from services.runtime.contract import MethodContract
from services.runtime.forms import Effect
from tests.contract.agreements import DAY_TEXTS, FORMS, MEANS, TOTALS, VALUES, agree, own_month
from tests.contract.matching import matching
from tests.contract.messages import Shape, build, data_class_of, leaves
from tests.contract.rules import Field, Owner, Rules, is_leaf, is_map, rules_of
from tests.mesh.seeds import CHANNEL, INSTITUTION, OPERATOR, OTHER_INSTITUTION
from tools.played.people import InventedPerson, person, person_record
from yibao.options.v1 import options_pb2

REQUEST_ID: Final = "request_id"
_MADE_ANEW: Final = frozenset({REQUEST_ID, "api_key", "secret", "msgid"})
_NOT_LEARNT: Final = frozenset({"CLINICAL", "FINANCIAL"})
_STRANGERS_FROM: Final = 50_000
_DIGITS: Final = "0123456789"


@dataclass(slots=True)
class World:
    """The seeds by field name, and numbers for new people and new texts. `seeds` are the requests that made the world."""

    seeds: Iterable[Message]
    clock: Callable[[], datetime]
    persons: int
    random: Random = field(default_factory=lambda: Random(990100))
    known: dict[str, list[Any]] = field(default_factory=dict)
    names: Names = field(default_factory=lambda: Names(frozenset(), {}))
    _serial: Any = field(default_factory=lambda: count(1))
    _person: Any = field(default_factory=lambda: count(2))
    _stranger: Any = field(default_factory=lambda: count(_STRANGERS_FROM))
    _episode: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        for name, values in VALUES.items():
            self.known[name] = list(values)
        for seed in self.seeds:
            self._discover(seed)

    def episode(self, *, stranger: bool = False) -> Episode:
        """Events about the next person: one whom the mesh knows, or one whom nobody has registered."""
        # Person 1 is the other one whom nobody is about.
        number = next(self._stranger) if stranger else next(self._person)
        if not stranger and number > self.persons:
            raise LookupError(f"the seeded world has {self.persons} persons only")
        return Episode(self, person(number), own_month(next(self._episode)))

    def serial(self) -> int:
        """The next number of this run."""
        return int(next(self._serial))

    def _discover(self, message: Message) -> None:
        for _, leaf, _, value in leaves(message):
            if leaf.name in _MADE_ANEW or leaf.name in VALUES or data_class_of(leaf) == "IDENTITY":
                continue
            values = self.known.setdefault(leaf.name.removesuffix("s") if leaf.is_repeated else leaf.name, [])
            if value not in values and len(values) < 8:
                values.append(value)


@dataclass(slots=True)
class Episode:
    """One line of events: its person, what it has learnt by name, the sums of the rows it has sent."""

    world: World
    who: InventedPerson
    learnt: dict[str, Any] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for _, leaf, _, value in leaves(person_record(self.who)):
            if data_class_of(leaf) == "IDENTITY":
                self.learnt[leaf.name] = value
        self.learnt |= {
            "mdtrt_cert_type": 2,
            "mdtrt_cert_no": self.who.certno,
            "psn_cert_type": "01",
            "owner_psn_no": person(1).psn_no,
            "channel_code": CHANNEL,
            "fixmedins_code": INSTITUTION,
            "role": options_pb2.ROLE_INSTITUTION,
            "subject": INSTITUTION,
            # The same under the names of mobile payment.
            "org_codg": INSTITUTION,
            "id_no": self.who.certno,
            "user_name": self.who.psn_name,
            "id_type": "01",
        }

    def ready_for(self, method: MethodContract) -> bool:
        """Whether everything is known that the method needs and only answers tell."""
        waits = self.world.names.waits.get(method.full_name, frozenset())
        return all(name in self.learnt or name in self.world.known for name in waits)

    def known(self, leaf: Field, shape: Shape) -> Any:
        """A value for a field of that name: of this line of events, else of the seeds; the singular of a list's name."""
        if leaf.name in _MADE_ANEW:
            return None
        if leaf.type == FieldDescriptor.TYPE_STRING and leaf.name in DAY_TEXTS:
            return DAY_TEXTS[leaf.name]
        if shape.anew and leaf.name in FORMS:
            return matching(FORMS[leaf.name], self.world.random)
        for name in (leaf.name, leaf.name.removesuffix("s")) if leaf.is_repeated else (leaf.name,):
            if name in TOTALS:
                return self.sums.get(TOTALS[name])
            if name in self.learnt:
                return self.learnt[name]
            values = self.world.known.get(name)
            if values:
                return values[min(shape.choice, len(values) - 1)]
        if leaf.name in self.world.names.keys and leaf.type == FieldDescriptor.TYPE_STRING:
            self.learnt[leaf.name] = self.fresh(leaf, rules_of(leaf))
            return self.learnt[leaf.name]
        return None

    def fresh(self, leaf: Field, rules: Rules) -> str:
        """A text that meets the rules and that this run has not used, as far as they leave room."""
        if rules.pattern:
            return matching(rules.pattern, self.world.random)
        number = f"{self.world.serial():05}"
        most = 24 if rules.max_len is None else rules.max_len
        text = f"{leaf.name.replace('_', '')[: max(0, min(most, 20) - len(number))]}{number}"
        return text[-most:].rjust(rules.min_len, "0") if most else ""

    def moment(self) -> tuple[int, int, int, int]:
        """Now in Beijing."""
        now = self.world.clock().astimezone(BEIJING)
        return int(now.timestamp()), now.year, now.month, now.day

    def caller(self, role: Role, method: MethodContract | None = None, *, other: bool = False) -> Caller:
        """Who calls a method in a role: the one whom this line of events is about, or another one."""
        own = {
            Role.INSTITUTION: INSTITUTION,
            Role.CHANNEL: CHANNEL,
            Role.PERSON: self.who.psn_no,
            Role.OPERATOR: OPERATOR,
            Role.SERVICE: service_for(method),
            Role.PUBLIC: "",
            Role.NODE: self.node_no(),
        }
        others = {
            Role.INSTITUTION: OTHER_INSTITUTION,
            Role.CHANNEL: "CH9902",
            Role.PERSON: person(1).psn_no,
            Role.SERVICE: "internal",
            Role.NODE: "XX99",
        }
        return Caller(role, others.get(role, "other") if other else own[role], sandbox=True)

    def node_no(self) -> str:
        """The imaging node of this line of events."""
        return str(self.learnt.setdefault("node_no", f"ND{self.world.serial():05}"))

    def request(self, method: MethodContract, shape: Shape, caller: Caller) -> Any:
        """A request of a method in a shape, whose amounts agree and whose bound field names the caller."""
        message = build(method.request_class, self, shape)
        agree(message)
        bind(message, method, caller)
        return message

    def learn(self, request: Message, response: Message) -> None:
        """Keeps what an accepted request and its answer say under names that identify things."""
        for name in set(TOTALS.values()):
            found = [value for _, leaf, _, value in leaves(request) if leaf.name == name]
            if found:
                self.sums[name] = self.sums.get(name, 0) + sum(found)
        for source in (request, response):
            for _, leaf, _, value in leaves(source):
                self._keep(leaf, value)

    def _keep(self, leaf: Field, value: Any) -> None:
        name = leaf.name
        if leaf.type != FieldDescriptor.TYPE_STRING or not is_leaf(leaf) or not value:
            return
        for other, meaning in MEANS.get(name, ()):
            self.learnt[other] = value if meaning is None else meaning
        if name in _MADE_ANEW or name in self.world.known or data_class_of(leaf) in _NOT_LEARNT:
            return
        if name not in self.learnt or name not in _FIXED:
            self.learnt[name] = value


# Names by which an episode says whom it is about; answers do not change them.
_FIXED: Final = frozenset(
    {
        "psn_no", "psn_name", "certno", "card_no", "mdtrt_cert_no", "psn_cert_type", "owner_psn_no", "channel_code",
        "fixmedins_code", "subject", "org_codg", "id_no", "user_name", "id_type",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Names:
    """Which names methods need and which they tell: who must come before whom.

    What a method `waits` for is made by the answer of some write, which was not asked with it. All other names that some
    request cannot do without are `keys`: callers make them up.
    """

    keys: frozenset[str]
    waits: Mapping[str, frozenset[str]]

    @staticmethod
    def of(methods: Iterable[MethodContract]) -> Names:
        """Read from the descriptors of all methods."""
        made = frozenset[str]().union(
            *[_made(each) for each in methods if each.effect is not Effect.READ and not each.batch]
        )
        anywhere = frozenset[str]().union(*[_names(each.request_class.DESCRIPTOR, _needs) for each in methods])
        waits = {each.full_name: _names(each.request_class.DESCRIPTOR, _needs, _must) & made for each in methods}
        return Names(anywhere - made - _MADE_ANEW, waits)


def _made(method: MethodContract) -> frozenset[str]:
    return _names(method.response_class.DESCRIPTOR) - _names(method.request_class.DESCRIPTOR)


def _needs(leaf: Field) -> bool:
    return rules_of(leaf).needs_value


def _must(inner: Field) -> bool:
    """A message without which the one that holds it is not valid."""
    return rules_of(inner).required and not inner.is_repeated


def _any(each: Field) -> bool:
    return True


Select = Callable[[Field], bool]


def _names(owner: Owner, taken: Select = _any, entered: Select = _any, depth: int = 6) -> frozenset[str]:
    """Names of single text fields, the taken ones, of a message and of the messages in it that are entered."""
    found: set[str] = set()
    for each in owner.fields:
        if not is_leaf(each) and not is_map(each):
            if depth and entered(each):
                found |= _names(each.message_type, taken, entered, depth - 1)
        elif each.type == FieldDescriptor.TYPE_STRING and not each.is_repeated and taken(each):
            found.add(each.name)
    return frozenset(found)


def service_for(method: MethodContract | None) -> str:
    """The member that calls a method as itself: one for which it is."""
    return min(method.callers) if method is not None and method.callers else mesh.GATEWAY


def bind(message: Any, method: MethodContract, caller: Caller) -> None:
    """Makes the bound field name the caller."""
    binding = method.bindings.get(caller.role)
    if binding is not None:
        *path, last = binding.field.split(".")
        for step in path:
            message = getattr(message, step)
        setattr(message, last, caller.subject)
