"""The catalogue's rows: a table for each kind of record and one for publications. It decides nothing."""
