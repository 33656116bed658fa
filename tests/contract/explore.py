"""Finds, by trying, which calls must come before which so that each RPC is accepted once: its recipe.

It is told no order. A refusal changes nothing, so all methods are tried on one line of events until one is accepted;
what becomes possible after it is tried next. Producers and consumers find each other by field names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from services.runtime.call import Caller, Role
from services.runtime.contract import MethodContract
from services.runtime.forms import Effect
from tests.contract.faces import Face, FaceAnswer
from tests.contract.messages import Shape
from tests.contract.world import Episode, World

SHAPES: Final = (
    Shape(),
    Shape(choice=1),
    Shape(rows=False),
    Shape(choice=1, anew=True),
)
_PREFERRED: Final = (Role.INSTITUTION, Role.PERSON, Role.CHANNEL, Role.OPERATOR, Role.NODE, Role.SERVICE)
_ROUNDS: Final = 4
# About a bill that stands in two cells, of which the generated cases have one: tests/settlement/test_booked_reversals.py and
# tests/mesh/test_settled_elsewhere.py accept them. Whatever is never reached is looked for among all pairs of recipes.
BETWEEN_CELLS: Final = frozenset(
    {
        *(f"yibao.routing.v1.ElsewhereService.{name}" for name in ("Reverse", "ReverseStay", "ReverseMessage")),
        *(f"yibao.routing.v1.ElsewhereOrderService.{name}Order" for name in ("Open", "Renew", "Confirm", "Reverse")),
        *(f"yibao.settlement.v1.CareService.{name}" for name in ("FindBooked", "BookReversal", "BookReplayed")),
    }
)
# About an order that waits at a channel, rests until people decide, or differs from a channel's bill, of which the generated
# cases have none: tests/payment accepts it.
AT_CHANNELS: Final = frozenset(
    f"yibao.payment.v1.{name}"
    for name in (
        *("BureauService.SettleInsuredPart", "NotifyService.Hear", "HeldService.DecideHeld"),
        "ReconciliationService.ResolveDifference",
    )
)
# About a study that two nodes tell of two persons, of which the generated cases have none: tests/imaging accepts it.
BETWEEN_NODES: Final = frozenset({"yibao.imaging.v1.ConflictService.DecideConflict"})
# About a study that a node has told and a session that may see it, of which the generated cases have none: tests/imaging accepts
# them.
OF_STUDIES: Final = frozenset(
    f"yibao.imaging.v1.{name}"
    for name in ("TicketService.IssueTicket", "DicomWebService.Serve", "FhirService.ServeFhir")
)
UNREACHED: Final = BETWEEN_CELLS | AT_CHANNELS | BETWEEN_NODES | OF_STUDIES


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a recipe."""

    method: MethodContract
    shape: Shape


@dataclass(frozen=True, slots=True)
class Recipe:
    """The calls after which a method is accepted, the method itself last, and whether about an unregistered person."""

    steps: tuple[Step, ...]
    stranger: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request whose line of events is played up to it; `expected` says whether it is to be accepted."""

    method: MethodContract
    episode: Episode
    request: Any
    caller: Caller | None
    expected: bool


@dataclass(slots=True)
class Explorer:
    """Plays lines of events over one face and keeps the recipes it has found, and every answer that betrays a bug."""

    face: Face
    world: World
    recipes: dict[str, Recipe] = field(default_factory=dict)
    refusals: dict[str, set[str]] = field(default_factory=dict)

    async def explore(self, methods: Iterable[MethodContract]) -> None:
        """Finds a recipe for every method that can be reached; batch forms are asked through their unary method."""
        wanted = [each for each in methods if each.batch is None and each.full_name not in UNREACHED]
        await self._grow([Recipe((), stranger=False), Recipe((), stranger=True)], wanted)
        for _ in range(_ROUNDS):
            if not await self._join(wanted):
                break

    async def prepare(self, method: MethodContract, shape: Shape | None = None) -> Prepared:
        """A fresh line of events, played up to the method, and the request that comes next; in the recipe's shape, which is
        expected to be accepted, or in another one.
        """
        recipe = self.recipes.get(method.full_name, Recipe((Step(method, SHAPES[0]),), stranger=False))
        episode = await self.play(recipe.steps[:-1], stranger=recipe.stranger)
        caller = caller_of(method, episode)
        request = episode.request(method, shape or recipe.steps[-1].shape, caller or episode.caller(Role.PUBLIC))
        return Prepared(method, episode, request, caller, shape is None and method.full_name in self.recipes)

    async def play(self, steps: Sequence[Step], *, stranger: bool) -> Episode:
        """A fresh line of events on which these calls were accepted; LookupError where one was refused this time."""
        episode = self.world.episode(stranger=stranger)
        for step in steps:
            answer = await self.attempt(step, episode)
            if not answer.ok:
                raise LookupError(f"{step.method.full_name} was accepted before and is now refused: {answer}")
        return episode

    async def attempt(self, step: Step, episode: Episode) -> FaceAnswer:
        """One call on a line of events, which learns from writes that are accepted: a recipe holds no reads before its end."""
        caller = caller_of(step.method, episode)
        request = episode.request(step.method, step.shape, caller or episode.caller(Role.PUBLIC))
        answer = await self.face.call(step.method, request, caller)
        if answer.ok and step.method.effect is not Effect.READ:
            episode.learn(request, answer.message)
        elif not answer.ok:
            self.refusals.setdefault(step.method.full_name, set()).add(str(answer))
        return answer

    async def _grow(self, frontier: list[Recipe], wanted: Sequence[MethodContract]) -> None:
        while frontier:
            frontier = [new for recipe in frontier for new in await self._extend(recipe, wanted)]

    async def _extend(self, recipe: Recipe, wanted: Sequence[MethodContract]) -> list[Recipe]:
        """What is accepted after a recipe and was not accepted before; one new recipe for each write among it."""
        found: list[Recipe] = []
        episode: Episode | None = None
        for method in wanted:
            if method.full_name in self.recipes:
                continue
            episode = episode or await self.play(recipe.steps, stranger=recipe.stranger)
            for shape in (SHAPES[: 2 if recipe.steps else None]) if episode.ready_for(method) else ():
                step = Step(method, shape)
                if not (await self.attempt(step, episode)).ok:
                    continue
                new = Recipe((*recipe.steps, step), recipe.stranger)
                self.recipes[method.full_name] = new
                if method.effect is not Effect.READ:
                    found.append(new)
                    episode = None
                break
        return found

    async def _join(self, wanted: Sequence[MethodContract]) -> bool:
        """For what is still unreached: the end of one recipe after another that has all before it; True if anything is new."""
        known = [each for each in self.recipes.values() if each.steps[-1].method.effect is not Effect.READ]
        progress = False
        for first in known:
            for second in known:
                done = {step.method.full_name for step in first.steps}
                tail, before = second.steps[-1], {step.method.full_name for step in second.steps[:-1]}
                if self._all_reached(wanted) or tail.method.full_name in done or not before or not before <= done:
                    continue
                try:
                    await self.play((*first.steps, tail), stranger=first.stranger)
                except LookupError:
                    continue
                count = len(self.recipes)
                await self._grow([Recipe((*first.steps, tail), first.stranger)], wanted)
                progress = progress or len(self.recipes) > count
        return progress

    def _all_reached(self, wanted: Sequence[MethodContract]) -> bool:
        return all(each.full_name in self.recipes for each in wanted)


def caller_of(method: MethodContract, episode: Episode) -> Caller | None:
    """Who calls a method on a line of events; None where anybody may."""
    if Role.PUBLIC in method.roles:
        return None
    return episode.caller(next(each for each in _PREFERRED if each in method.roles), method)
