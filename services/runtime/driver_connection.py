"""One connection on the driver itself: statements in both dialects, one by one or several in one round trip.

A statement costs one hop to the driver, about a fifth of one through SQLAlchemy. A hop to PostgreSQL wakes its process and
then this one again, which is dearer than most statements: what can go together goes in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec

from services.runtime.sqlite_connection import PromptConnection

LOCK: Final = "SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) AS t(k)"
_AMONG: Final = re.compile(r"AMONG\(([\w.]+), \?(\d+)\)")
_PLACE: Final = re.compile(r"\$(\d+)")
_LOOKED: Final = "-- looked"


def sql(text: str) -> Mapping[str, str]:
    """A statement by dialect, written once: parameters stand as `?1`, `AMONG(column, ?2)` asks for one of a list.

    `FOR UPDATE` and `FOR SHARE`, also with `SKIP LOCKED`, are left out on SQLite, where a writing transaction is alone.
    """
    return {
        "sqlite": _AMONG.sub(r"\1 IN (SELECT value FROM json_each(?\2))", text)
        .replace(" FOR UPDATE", "")
        .replace(" FOR SHARE", "")
        .replace(" SKIP LOCKED", ""),
        "postgresql": _AMONG.sub(r"\1 = ANY($\2::text[])", text).replace("?", "$"),
    }


def as_json(values: Sequence[Any]) -> str:
    """A list as the one JSON text by which a statement on SQLite gets it: texts, or rows of texts."""
    return msgspec.json.encode(values).decode()


Keyed: TypeAlias = tuple[Mapping[str, str], Sequence[Any]]
"""A statement by dialect, and its parameters as the dialect of the connection takes them."""


class DriverConnection:
    """A connection inside a transaction; parameters stand as `?1` on SQLite and as `$1` on PostgreSQL.

    `begin` is sent before the first statement, or with the first lock; it is empty where it was sent already. A `look` is one
    statement, or one `together`, and needs no transaction: it is of one snapshot by itself.
    """

    def __init__(self, raw: Any, dialect: str, begin: str = "", *, look: bool = False) -> None:
        self._raw = raw
        self._begin = begin
        self._look = look
        self.dialect = dialect

    @property
    def begun(self) -> bool:
        """Whether there is a transaction to be ended."""
        return not self._begin

    async def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
        """All rows of a statement, as tuples or records of the same order."""
        if self._begin:
            await self._before(statement)
        if self.dialect == "postgresql":
            return await self._raw.fetch(statement, *parameters)  # type: ignore[no-any-return]  # asyncpg's records
        return await self._raw.rows(statement, parameters)  # type: ignore[no-any-return]  # PromptConnection's

    async def together(self, reads: Sequence[Keyed]) -> Sequence[Sequence[Any]]:
        """The rows of each of several reads, on PostgreSQL by one statement."""
        if self.dialect != "postgresql" or len(reads) == 1:
            if len(reads) > 1:
                self._look = False
            return [await self.fetch(statement[self.dialect], parameters) for statement, parameters in reads]
        if not reads:
            return []
        texts = tuple((statement["postgresql"], len(parameters)) for statement, parameters in reads)
        (found,) = await self.fetch(_rows_of_all(texts), [each for _, parameters in reads for each in parameters])
        return found  # type: ignore[no-any-return]  # asyncpg's record: a list of tuples for each read

    async def hold(self, numbers: Sequence[int]) -> None:
        """Locks of PostgreSQL by number, held until the transaction ends; taken in the order given."""
        if self._look or self._begin == _LOOKED:
            raise RuntimeError("a look holds nothing")
        if not self._begin:
            await self.fetch(LOCK, (numbers,))
            return
        # Two statements of one text can have no parameters; numbers are nothing but digits.
        begin, self._begin = self._begin, ""
        await self._raw.execute(f"{begin};{LOCK.replace('$1', repr('{' + ','.join(map(str, numbers)) + '}'))}")

    async def _before(self, statement: str) -> None:
        if self._look:
            if not statement.startswith("SELECT"):
                raise RuntimeError("a look is a SELECT")
            # Nothing has to be begun, and whatever came after it would be of another snapshot.
            self._look, self._begin = False, _LOOKED
            return
        if self._begin == _LOOKED:
            raise RuntimeError("a look has one statement")
        begin, self._begin = self._begin, ""
        await self._raw.execute(begin)

    async def run(self, statement: Mapping[str, str], *parameters: Any, patient: bool = False) -> Sequence[Any]:
        """All rows of a statement made by `sql`; a list of texts is one parameter.

        `patient` is for one that asks for many or finds many: on SQLite it runs beside the loop.
        """
        if self.dialect == "sqlite":
            parameters = tuple(as_json(each) if type(each) is list else each for each in parameters)
        with self._aside(patient):
            return await self.fetch(statement[self.dialect], parameters)

    async def insert(self, statement: str, rows: Sequence[Sequence[Any]], *, patient: bool = False) -> None:
        """All rows by a statement that `insert_statement` made for this dialect, in one go; nothing for none.

        `patient` as for `run`.
        """
        if not rows:
            return
        if self.dialect == "postgresql":
            await self.fetch(statement, _columns(rows))
        else:
            with self._aside(patient):
                await self._raw.put(statement, rows)

    async def insert_all(
        self, inserts: Sequence[tuple[str, Sequence[Sequence[Any]]]], then: Keyed | None
    ) -> Sequence[Any]:
        """Several of `insert`, then one statement that changes other rows than these, and gives its own. On PostgreSQL all are
        one statement: foreign keys among them hold, for they are looked at where it ends."""
        filled = [(insert, rows) for insert, rows in inserts if rows]
        last = [] if then is None else [(then[0][self.dialect], len(then[1]))]
        parameters = () if then is None else then[1]
        if self.dialect == "postgresql":
            texts = (*((insert, len(rows[0])) for insert, rows in filled), *last)
            columns = [column for _, rows in filled for column in _columns(rows)]
            return await self.fetch(_all_written(texts), [*columns, *parameters]) if texts else ()
        for insert, rows in filled:
            await self.insert(insert, rows)
        return await self.fetch(last[0][0], parameters) if last else ()

    @contextmanager
    def _aside(self, patient: bool) -> Iterator[None]:
        """A block in which statements on SQLite run in the connection's thread, and the loop goes on."""
        raw = self._raw
        if not patient or not isinstance(raw, PromptConnection) or raw.patient:
            yield
            return
        raw.patient = True
        try:
            yield
        finally:
            raw.patient = False


class Later(DriverConnection):
    """A connection whose inserts go together when they are `send`: on PostgreSQL as one statement. On SQLite each goes at once.

    Whatever else is asked meanwhile sees none of them.
    """

    def __init__(self, connection: DriverConnection) -> None:
        super().__init__(connection._raw, connection.dialect)
        self._connection = connection
        self._held: list[tuple[str, Sequence[Sequence[Any]]]] = []

    async def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
        """All rows of a statement, which goes at once."""
        return await self._connection.fetch(statement, parameters)

    async def insert(self, statement: str, rows: Sequence[Sequence[Any]], *, patient: bool = False) -> None:
        """Holds them back."""
        if self.dialect == "postgresql":
            self._held.append((statement, rows))
        else:
            await self._connection.insert(statement, rows, patient=patient)

    async def send(self) -> None:
        """Sends what is held back."""
        held, self._held = self._held, []
        await self._connection.insert_all(held, None)


def _columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows as an insert on PostgreSQL takes them: a list for each column."""
    return [list(column) for column in zip(*rows, strict=True)]


def _renumbered(texts: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Statements with so many parameters each, so that all have one list of them."""
    before = 0
    for text, parameters in texts:
        yield _PLACE.sub(lambda found, before=before: f"${int(found[1]) + before}", text)  # type: ignore[misc]  # a default
        before += parameters


@lru_cache(maxsize=256)
def _rows_of_all(texts: Sequence[tuple[str, int]]) -> str:
    """The rows of each statement as one column, in its order."""
    return f"SELECT {', '.join(f'ARRAY(SELECT q FROM ({text}) AS q)' for text in _renumbered(texts))}"


@lru_cache(maxsize=256)
def _all_written(texts: Sequence[tuple[str, int]]) -> str:
    """All statements as one, which gives the rows of the last."""
    *first, last = _renumbered(texts)
    if not first:
        return last
    named = ", ".join(f"w{place} AS ({text})" for place, text in enumerate(first))
    return f"WITH {named} {last}"
