"""Strict reading of YAML, JSON and CSV into plain values, for files that decide about money.

YAML is read by the rules that all its versions agree on: what one loader takes for a number, a boolean or a date and
another for text is refused with its place and must be quoted. Anchors and aliases work, within a bound. Nothing is guessed,
no object is built, no float passes.
"""
