"""Tables of identity and what is read from and written to them, on SQLite and on PostgreSQL alike."""
