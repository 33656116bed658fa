"""What stands in a database, as one query tells it, and what of that is not as the program expects.

Both databases write back in their own words what they were told, so what is expected is made beside, of the same
statements, and read by the same query: in memory for SQLite, as temporary tables for PostgreSQL.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from services.runtime.stores.schema import Schema

_SQLITE: Final = """\
SELECT 'table', m.name, '', m.sql, 0 FROM sqlite_schema AS m WHERE m.type = 'table'
UNION ALL
SELECT 'column', m.name, c.name,
 upper(c.type) || iif(c."notnull", ' NOT NULL', '') || coalesce(' DEFAULT ' || c.dflt_value, ''),
 c."notnull" AND c.dflt_value IS NULL
 FROM sqlite_schema AS m JOIN pragma_table_xinfo(m.name) AS c WHERE m.type = 'table'
UNION ALL
SELECT iif(i.origin = 'c', 'index', 'unique'), m.name, iif(i.origin = 'c', i.name, ''),
 iif(i.origin = 'c' AND i."unique", 'UNIQUE ', '') || iif(i.origin = 'pk', 'PRIMARY KEY ', '') || '(' ||
 (SELECT group_concat(coalesce(x.name, '?') || iif(x."desc", ' DESC', ''), ', ')
 FROM pragma_index_xinfo(i.name) AS x WHERE x.key) || ')' ||
 coalesce((SELECT substr(s.sql, instr(upper(s.sql), ' WHERE ')) FROM sqlite_schema AS s
 WHERE s.type = 'index' AND s.name = i.name AND i.partial), ''),
 i."unique"
 FROM sqlite_schema AS m JOIN pragma_index_list(m.name) AS i WHERE m.type = 'table'
UNION ALL
SELECT 'unique', m.name, '', 'PRIMARY KEY of ' || c.name, 1
 FROM sqlite_schema AS m JOIN pragma_table_xinfo(m.name) AS c WHERE m.type = 'table' AND c.pk
UNION ALL
SELECT 'foreign key', m.name, '', group_concat(f."from" || ' → ' || f."table" || '.' || coalesce(f."to", ''), ', ') ||
 iif(f.on_update || f.on_delete = 'NO ACTIONNO ACTION', '', ' ' || f.on_update || ' ' || f.on_delete), 1
 FROM sqlite_schema AS m JOIN pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table' GROUP BY m.name, f.id
"""
_POSTGRESQL: Final = """\
SELECT 'table'::text, c.relname::text, ''::text, ''::text, false FROM pg_class AS c
 WHERE c.relnamespace = {0} AND c.relkind IN ('r', 'p')
UNION ALL
SELECT 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
 || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), ''), a.attnotnull AND d.adbin IS NULL
 FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relnamespace = {0} AND c.relkind IN ('r', 'p')
UNION ALL
SELECT CASE k.contype WHEN 'c' THEN 'check' WHEN 'f' THEN 'foreign key' ELSE 'unique' END, c.relname, k.conname,
 pg_get_constraintdef(k.oid, true), true
 FROM pg_class AS c JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.contype <> 'n' WHERE c.relnamespace = {0}
UNION ALL
SELECT 'index', c.relname, x.relname,
 pg_get_indexdef(i.indexrelid, 0, true) || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END, i.indisunique
 FROM pg_class AS c JOIN pg_index AS i ON i.indrelid = c.oid JOIN pg_class AS x ON x.oid = i.indexrelid
 WHERE c.relnamespace = {0} AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = x.oid AND k.conrelid = c.oid)
"""
_HERE: Final = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
_BESIDE: Final = "pg_my_temp_schema()"
_CHECK: Final = re.compile(r"(?:CONSTRAINT\s+\"?(\w+)\"?\s+)?CHECK\s*\(", re.IGNORECASE)
_QUOTES: Final = "'\"`"


class Piece(NamedTuple):
    """One thing of a table: a column, a key or uniqueness, an index, a check or a foreign key, as the database words it.

    `binding` says that it may refuse a row.
    """

    kind: str
    table: str
    name: str
    words: str
    binding: bool

    def told(self) -> str:
        """How a person is told of it: by its name, else by its columns."""
        return (
            f"table {self.table}" if self.kind == "table" else f"{self.kind} {self.name or self.words} of {self.table}"
        )


def pieces(connection: Connection, schema: Schema) -> frozenset[Piece]:
    """What stands in the store's tables, and in its version table; by one query."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(_SQLITE).all()
    else:
        rows = connection.exec_driver_sql(_POSTGRESQL.format(_HERE)).all()
    wanted = {*schema.table_names, f"{schema.member}_version"}
    return frozenset(_read(each for each in rows if each[1] in wanted))


def expected(connection: Connection, schema: Schema) -> frozenset[Piece]:
    """What would stand there, had this program made the tables in this database."""
    if connection.dialect.name == "sqlite":
        with closing(sqlite3.connect(":memory:")) as beside:
            for statement in schema.statements("sqlite"):
                beside.execute(statement)
            return frozenset(_read(beside.execute(_SQLITE)))
    with connection.begin_nested() as savepoint:
        for statement in schema.statements("postgresql"):
            # A temporary table hides the one of its name; indexes and foreign keys of these statements are its own.
            connection.exec_driver_sql(re.sub(r"^CREATE TABLE", "CREATE TEMPORARY TABLE", statement))
        rows = connection.exec_driver_sql(_POSTGRESQL.format(_BESIDE)).all()
        savepoint.rollback()
    return frozenset(_read(rows))


def differences(schema: Schema, found: frozenset[Piece], wanted: frozenset[Piece]) -> Sequence[str]:
    """What is missing or other than expected, and what is there beyond that could refuse a row; sorted, [] for nothing.

    A further column that may stay empty and a further index do no harm: whoever runs the database may have them.
    """
    mine = frozenset(each for each in found if each.table in schema.metadata.tables)
    missing, more = wanted - mine, mine - wanted
    told = {each.told() for each in missing}
    gone = {each.table for each in missing if each.kind == "table"}
    told -= {each.told() for each in missing if each.table in gone and each.kind != "table"}
    return sorted(told | {f"{each.told()} (unknown)" for each in more if each.binding and each.told() not in told})


def _read(rows: Iterable[Any]) -> Iterator[Piece]:
    for kind, table, name, words, binding in rows:
        if kind == "table":
            yield Piece(kind, table, "", "", False)
            yield from _checks(table, words)
        else:
            yield Piece(kind, table, name, " ".join(words.split()), bool(binding))


def _checks(table: str, sql: str) -> Iterator[Piece]:
    """The checks in the statement by which SQLite keeps a table: nothing else tells them."""
    for match in _CHECK.finditer(sql):
        body = " ".join(_balanced(sql, match.end()).split())
        yield Piece("check", table, match[1] or "", body, True)


def _balanced(sql: str, begin: int) -> str:
    """The text from a place behind an opening bracket to the one that closes it, whatever stands in quotes between."""
    depth, quote = 1, ""
    for place in range(begin, len(sql)):
        letter = sql[place]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in _QUOTES:
            quote = letter
        else:
            depth += {"(": 1, ")": -1}.get(letter, 0)
            if depth == 0:
                return sql[begin:place]
    return sql[begin:]
