"""Clearing between regions: what is cleared, in which month, who owes whom, and how it is paid. Pure; sums are whole fen."""
