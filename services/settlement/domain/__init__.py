"""The pure decisions of settlement: facts, lines, the benefit engine, refunds. No clock, no network, no database."""
