"""What a search looks through: studies of persons as far as their grants show them, whatever else there is of them.

What a reader may not see is not counted either, so that no refusal tells that it is there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from services.imaging.domain.qido.values import Range
from services.imaging.domain.scopes import Copy, Place, Scope, ToldAs, copies_of, of_hidden_institutions
from services.imaging.domain.studies import KeptStudy
from services.kernel.errors import Fault, FaultKind

MOST_STUDIES: Final = 5_000
"""Studies that a reader may see, of a session's persons, that one search looks through; of more the question must say more (our
decision)."""
MOST_LOOKED: Final = 100_000
"""Copies of studies of a session's persons that one search reads, seen or not (our decision)."""


class Added(Protocol):
    """A person whom a session has, by a grant."""

    @property
    def grant_no(self) -> str:
        """The grant."""
        ...

    @property
    def person_key(self) -> bytes:
        """Under which studies are kept."""
        ...


class Index(Protocol):
    """Reads of the store."""

    async def of_persons(
        self,
        keys: Sequence[bytes],
        dates: Range | None,
        most: int,
        own: str = "",
        behind: tuple[int, int] | None = None,
    ) -> Sequence[KeptStudy]:
        """Studies of persons, the latest first, at most so many and one more, behind one by `started` and ref; of the institution
        `own` alone where it is named, else none in conflict."""
        ...

    async def told_as(self, keys: Collection[bytes], institutions: Collection[str]) -> Sequence[ToldAs]:
        """Which studies of persons are told as one of these institutions', of whatever day."""
        ...

    async def places(self) -> Mapping[int, Place]:
        """All nodes by ref."""
        ...


P = TypeVar("P", bound=Added)


async def hidden_uids(index: Index, scopes: Mapping[bytes, Collection[Scope]]) -> frozenset[str]:
    """Studies of which any copy, of whatever day, is of an institution that its person hides; by scopes of the persons' keys."""
    hiding = [key for key, each in scopes.items() if any(scope.hidden_institutions for scope in each)]
    if not hiding:
        return frozenset()
    institutions = {code for key in hiding for scope in scopes[key] for code in scope.hidden_institutions}
    return of_hidden_institutions(await index.told_as(hiding, institutions), scopes)


async def seen_of(
    index: Index, patients: Sequence[P], scopes: Mapping[str, Scope], dates: Range | None
) -> list[tuple[Copy, P]]:
    """Copies that the grants of `scopes` show, each with the first person by whose grant; SEARCH_TOO_BROAD."""
    by_key = _by_key(patients, scopes)
    hidden = await hidden_uids(index, _scopes_of(by_key))
    found: list[tuple[Copy, P]] = []
    uids: set[str] = set()
    behind: tuple[int, int] | None = None
    for _ in range(0, MOST_LOOKED, MOST_STUDIES):
        kept = await index.of_persons(list(by_key), dates, MOST_STUDIES, behind=behind)
        # The nodes after the studies: one of them may be of a node that is a moment old.
        seen = _shown(copies_of(kept, await index.places()), by_key, hidden)
        found += seen
        uids.update(copy.kept.uid for copy, _ in seen)
        if len(uids) > MOST_STUDIES:
            break
        if len(kept) <= MOST_STUDIES:
            return found
        behind = kept[-1].place
    raise too_broad(MOST_STUDIES)


async def shown(
    index: Index, kept: Sequence[KeptStudy], patients: Sequence[P], scopes: Mapping[str, Scope]
) -> list[tuple[Copy, P]]:
    """The same of all copies of one study."""
    by_key = _by_key(patients, scopes)
    copies = copies_of(kept, await index.places())
    told = [(each.kept.person_key or b"", each.study.fixmedins_code, each.kept.uid) for each in copies]
    return _shown(copies, by_key, of_hidden_institutions(told, _scopes_of(by_key)))


def too_broad(most: int) -> Fault:
    """EXHAUSTED SEARCH_TOO_BROAD."""
    return Fault(FaultKind.EXHAUSTED, "SEARCH_TOO_BROAD", {"most": str(most)})


def _by_key(patients: Sequence[P], scopes: Mapping[str, Scope]) -> dict[bytes, list[tuple[P, Scope]]]:
    """By the persons' keys: a person may be in a session by several grants."""
    by_key: dict[bytes, list[tuple[P, Scope]]] = {}
    for each in patients:
        if each.grant_no in scopes:
            by_key.setdefault(each.person_key, []).append((each, scopes[each.grant_no]))
    return by_key


def _scopes_of(by_key: Mapping[bytes, Sequence[tuple[P, Scope]]]) -> dict[bytes, list[Scope]]:
    return {key: [scope for _, scope in each] for key, each in by_key.items()}


def _shown(
    copies: Sequence[Copy], by_key: Mapping[bytes, Sequence[tuple[P, Scope]]], hidden: frozenset[str]
) -> list[tuple[Copy, P]]:
    found = []
    for copy in copies:
        if copy.kept.uid in hidden:
            continue
        of_person = by_key.get(copy.kept.person_key or b"", ())
        patient = next((each for each, scope in of_person if scope.shows(copy.kept.uid, copy.study)), None)
        if patient is not None:
            found.append((copy, patient))
    return found
