"""The bytes of bodies that the gateway holds, arriving and under way, within a limit for all and one for each source.

Small bodies are not counted: there are no more of them than requests. Where a large one finds no room, the source that
holds most gives way: that body of it leaves which has been arriving longest. So bodies that drip in keep out nobody but those
of their own source, and one that is whole is never given up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.http import busy

UNCOUNTED_BYTES: Final = 65_536
"""A body that is no larger is not counted."""

_SHARE: Final = 4


class Body:
    """One body: `size` bytes of it are here. `leave` gives it up while it arrives; None once it is whole."""

    __slots__ = ("_all", "given_up", "leave", "size", "source")

    def __init__(self, held: Held, source: str) -> None:
        self._all = held
        self.source = source
        self.size = 0
        self.leave: Callable[[], None] | None = None
        self.given_up = False

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        self._all.forget(self)

    def grown(self, size: int) -> None:
        """So many bytes are here now; Fault TOO_MANY_CALLS where there is no room for them, or none any more."""
        if self.given_up:
            raise busy()
        if size > UNCOUNTED_BYTES:
            self._all.make_room(self, size)
        self.size = size


class Held:
    """What all bodies hold together: at most `most` bytes, a source at most a quarter of it or one body of `one` bytes."""

    def __init__(self, most: int, one: int) -> None:
        self.most = max(most, one)
        self.share = max(self.most // _SHARE, one)
        self.total = 0
        # By source what it holds, and its bodies in the order in which they came.
        self._of: dict[str, int] = {}
        self._bodies: dict[str, dict[Body, None]] = {}

    def body(self, source: str) -> Body:
        """For a block in which a body is read and answered."""
        return Body(self, source)

    def make_room(self, body: Body, size: int) -> None:
        """Counts a body at its new size; Fault TOO_MANY_CALLS where it has to give way itself."""
        source, counted = body.source, self._counted(body)
        while self._of.get(source, 0) - counted + size > self.share:
            if not self._gives_way(source, body):
                raise busy()
        while self.total - counted + size > self.most:
            by_size = sorted(self._of, key=self._of.__getitem__, reverse=True)
            if not any(self._gives_way(each, body) for each in by_size):
                raise busy()
        self._bodies.setdefault(source, {})[body] = None
        self._of[source] = self._of.get(source, 0) - counted + size
        self.total += size - counted

    def _gives_way(self, source: str, other: Body) -> bool:
        """Whether a body of the source, not this one, could be given up."""
        for each in self._bodies.get(source, ()):
            if each is not other and each.leave is not None:
                leave, each.leave, each.given_up = each.leave, None, True
                self.forget(each)
                leave()
                return True
        return False

    def _counted(self, body: Body) -> int:
        return body.size if body in self._bodies.get(body.source, ()) else 0

    def forget(self, body: Body) -> None:
        """A body is answered, or given up."""
        bodies = self._bodies.get(body.source)
        if bodies is None or body not in bodies:
            return
        del bodies[body]
        self.total -= body.size
        self._of[body.source] -= body.size
        if not bodies:
            del self._bodies[body.source], self._of[body.source]
