"""Cells in separate processes, which are killed, stopped and cut off at chosen points of a transaction."""
