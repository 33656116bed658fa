"""Stores have versions: what a member's tables must be, how those of an earlier release become so, and how they are kept.

A store holds its revision in a table of its own, `<member>_version`, beside the release that brought it there. At start, under
a lock, an empty store gets today's tables, one of an earlier revision is upgraded in one transaction (a SQLite file is copied
first), and one that a newer program made is refused. What stands is compared with what the program expects: columns, keys,
indexes, uniqueness, checks and foreign keys. Alembic runs the migrations and is imported for nothing else.

A change of a table is made in three steps:

1. `services/<member>/store/tables.py` says how the table is from now on.
2. `python -m tools.new_migration MEMBER what_it_does` writes `services/<member>/store/migrations/mNNNN_what_it_does.py` with what
   Alembic finds different, and moves `HEAD` in `services/<member>/store/schema.py`. Read it. It is history from then on: it
   imports nothing of the services, so that it still does the same when they have changed, and is never edited after a release.
   New columns carry a default or are filled by it; rows that need folding or filling are read in parts, never whole.
   SQLite adds a column with its check by `ALTER TABLE`; anything else needs `op.batch_alter_table`, to which the table's checks
   are told by `table_args`, for it does not find them itself. Foreign keys rest meanwhile and are checked before the commit.
3. `tests/mesh/test_upgraded.py` upgrades the dumped stores of every release, and compares the result with `tables.py`, on both
   databases. Dumps of a release are made by `tests.mesh.dump_stores` when it goes out.
"""
