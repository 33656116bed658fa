"""Reading the `layers` of a policy: base, deductible, tiers, transforms and caps, with the rules that bind them together."""

from __future__ import annotations

import re
from collections.abc import Mapping

from services.kernel.policy.conditions import read_condition
from services.kernel.policy.document import (
    Amount,
    Band,
    Cap,
    CapValue,
    Condition,
    Deductible,
    DeductibleValue,
    Indexed,
    Layer,
    Plus,
    Row,
    Sequence,
    Step,
    Tiers,
    Transform,
)
from services.kernel.policy.domains import FACTS
from services.kernel.policy.reading import Node
from services.kernel.policy.shapes_layers import BASES, EXEMPT_FLAGS

POOL_STAGE = 10
MAX_STEPS = 100
_OVER_CAP = "over_cap:"
_PLACE = re.compile(r"\{([a-z_]+)\}", re.ASCII)


def key_facts(key: str) -> tuple[str, ...]:
    """The facts that a key template names: `chronic2:{disease}` needs `disease`."""
    return tuple(_PLACE.findall(key))


def read_layers(node: Node) -> tuple[Layer, ...]:
    """All layers; an over-cap base must name an earlier stage's capped layer of the same file."""
    nodes = node.entries()
    layers = tuple(_read_layer(entry) for entry in nodes)
    for place, layer in enumerate(layers):
        if layer.id and any(other.id == layer.id for other in layers[:place]):
            nodes[place].wrong("duplicate", f"a second layer {layer.id}")
        if layer.over_cap_of is not None:
            source = next((other for other in layers if other.id == layer.over_cap_of), None)
            if source is None or source.stage >= layer.stage or not source.caps:
                nodes[place].wrong(
                    "over_cap", f"{layer.over_cap_of} is no capped layer of an earlier stage in this file"
                )
    return layers


def _read_layer(node: Node) -> Layer:
    at = node.fields()
    if ("when" in at) == ("when_any" in at):
        node.wrong("when", "exactly one of when and when_any is required")
    when: tuple[Condition, ...] = (read_condition(at.get("when")),)
    if "when_any" in at:
        when = tuple(read_condition(entry) for entry in at["when_any"].entries())
    base, over_cap_of = _read_base(at["base"])
    deductible = _read_deductible(at["deductible"]) if "deductible" in at else None
    tiers = _read_tiers(at["tiers"])
    threshold = deductible is not None and deductible.mode == "annual_threshold"
    if threshold and not tiers.cumulative:
        at["tiers"].wrong("cumulative", "an annual threshold needs position annual and rounding cumulative")
    if tiers.cumulative and deductible is not None and not threshold:
        at["tiers"].wrong("cumulative", "cumulative rounding goes with an annual threshold or no deductible")
    if "cap2" in at and "cap" not in at:
        at["cap2"].wrong("cap2", "a second cap needs a first")
    caps = tuple(_read_cap(at[name]) for name in ("cap", "cap2") if name in at)
    if len({cap.key for cap in caps}) != len(caps):
        at["cap2"].wrong("cap2", "needs a key of its own")
    return Layer(
        id=at["id"].text(),
        stage=at["stage"].integer(),
        fund=at["fund"].choice(),
        when=when,
        base=base,
        over_cap_of=over_cap_of,
        deductible=deductible,
        tiers=tiers,
        transforms=tuple(_read_transform(e) for e in at["ratio_transform"].entries())
        if "ratio_transform" in at
        else (),
        caps=caps,
    )


def _read_base(node: Node) -> tuple[str, str | None]:
    if isinstance(node.value, str) and node.value.startswith(_OVER_CAP):
        return "over_cap", node.value.removeprefix(_OVER_CAP)
    if node.value not in BASES:
        names = f"{', '.join(BASES)}, over_cap:<layer>"
        node.wrong("choice", f"one of {names}", allowed=names)
    return str(node.value), None


def read_key(node: Node) -> str:
    """An accumulator key or a template of one; every place holder is an enumerated or open fact."""
    key = node.text()
    for name in key_facts(key):
        if name not in FACTS or FACTS[name].numeric:
            node.wrong("key.fact", f"{name} is no fact that may stand in a key", name=name)
    return key


def _read_deductible(node: Node) -> Deductible | None:
    at = node.fields()
    mode = at["mode"].choice()
    if mode == "none":
        if len(at) > 1:
            node.wrong("mode", "the mode none has nothing else")
        return None
    for name, needed in (("key", mode == "annual"), ("count_key", mode == "per_admission")):
        if (name in at) != needed:
            told = f"{name} is {'required' if needed else 'not allowed'} with mode {mode}"
            node.wrong("key" if name == "key" else "count_key.mode", told)
    if "exempt_lines" in at and mode == "annual_threshold":
        at["exempt_lines"].wrong("mode", "a threshold exempts no lines")
    if "ladder" in at and mode != "annual":
        at["ladder"].wrong("mode", "only an annual deductible is a ladder")
    table = at.get("table", Node(None, f"{node.path}.table", node.findings))
    return Deductible(
        mode=mode,
        key=read_key(at["key"]) if "key" in at else None,
        count_key=read_key(at["count_key"]) if "count_key" in at else None,
        exempt=_read_exempt(at["exempt_lines"]) if "exempt_lines" in at else None,
        ladder=at["ladder"].flag() if "ladder" in at else False,
        table=tuple(
            Row(read_condition(row["when"]), _read_deductible_value(row["value"], mode))
            for row in (entry.fields() for entry in table.entries())
        ),
    )


def _read_exempt(node: Node) -> tuple[str, str] | None:
    found = node.pairs()
    if len(found) != 1:
        node.wrong("exempt_lines", "exactly one line flag is expected", known=", ".join(EXEMPT_FLAGS))
        return None
    name, value = found[0]
    if name not in EXEMPT_FLAGS:
        names = ", ".join(EXEMPT_FLAGS)
        value.wrong("exempt_lines", f"one of {names}", known=names)
    return name, value.choice()


def _read_deductible_value(node: Node, mode: str) -> DeductibleValue:
    if not isinstance(node.value, Mapping):
        fen = node.yuan()
        return Sequence((fen,)) if mode == "per_admission" else Amount(fen)
    kinds = ("sequence", "step") if mode == "per_admission" else ("indexed",)
    at = node.fields(optional=kinds)
    if len(at) != 1:
        node.wrong("value", f"an amount, or exactly one of {', '.join(kinds)}")
    elif "sequence" in at:
        return Sequence(tuple(entry.yuan() for entry in at["sequence"].entries()) or (0,))
    elif "step" in at:
        return _read_step(at["step"])
    elif "indexed" in at:
        return _read_indexed(at["indexed"])
    return Amount(0)


def _read_step(node: Node) -> Step:
    at = node.fields()
    step = Step(at["first"].yuan(), at["minus"].yuan(), at["floor"].yuan())
    if step.first_fen < step.floor_fen:
        node.wrong("step", "starts below its floor")
    if step.minus_fen and (step.first_fen - step.floor_fen) // step.minus_fen >= MAX_STEPS:
        node.wrong("step", f"takes more than {MAX_STEPS} admissions to reach its floor")
    return step


def _read_indexed(node: Node) -> Indexed:
    at = node.fields()
    return Indexed(at["index"].text(), at["times"].factor())


def _read_tiers(node: Node) -> Tiers:
    at = node.fields()
    position = at["position"].choice()
    if ("key" in at) != (position == "annual"):
        node.wrong("key", "a key is required with position annual, and only there")
    if "rounding" in at:
        at["rounding"].choice()
        if position != "annual":
            at["rounding"].wrong("rounding", "cumulative rounding needs position annual")
    return Tiers(
        position=position,
        key=read_key(at["key"]) if "key" in at else None,
        origin=at["origin"].choice() if "origin" in at else "zero",
        cumulative="rounding" in at,
        table=tuple(
            Row(read_condition(row["when"]), _read_bands(row["value"]))
            for row in (entry.fields() for entry in at["table"].entries())
        ),
    )


def _read_bands(node: Node) -> tuple[Band, ...]:
    bands: list[Band] = []
    entries = node.entries()
    for place, entry in enumerate(entries):
        at = entry.fields()
        upto = at["upto"].yuan() if at["upto"].value is not None else None
        if (upto is None) != (place == len(entries) - 1):
            at["upto"].wrong("upto", "is null in the last band, and only there")
        elif upto is not None and bands and upto <= (bands[-1].upto_fen or 0):
            at["upto"].wrong("upto", "must rise from band to band")
        bands.append(Band(upto, at["ratio"].percent()))
    return tuple(bands)


def _read_transform(node: Node) -> Transform:
    at = node.fields()
    op = at["op"].choice()
    low, high = (-100, 100) if op == "add" else (0, 200)
    return Transform(read_condition(at["when"]), op, at["value"].percent(low, high))


def _read_cap(node: Node) -> Cap:
    at = node.fields()
    return Cap(
        measure=at["measure"].choice(),
        key=read_key(at["key"]),
        table=tuple(
            Row(read_condition(row["when"]), _read_cap_value(row["value"]))
            for row in (entry.fields() for entry in at["table"].entries())
        ),
    )


def _read_cap_value(node: Node) -> CapValue:
    if node.value is None:
        return None
    if not isinstance(node.value, Mapping):
        return Amount(node.yuan())
    at = node.fields()
    if len(at) != 1:
        node.wrong("value", "null, an amount, or exactly one of indexed, plus")
    elif "indexed" in at:
        return _read_indexed(at["indexed"])
    elif "plus" in at:
        part = at["plus"].fields()
        per = part["per"].text()
        if per and (per not in FACTS or not FACTS[per].numeric):
            part["per"].wrong("unknown_fact", "no whole-number fact has that name")
        return Plus(part["base"].yuan(), per, part["each"].yuan(), part["max_extra"].yuan())
    return Amount(0)
