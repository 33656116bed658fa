"""Pure words of the field that every room may use: money, codes, faults, the clock, the policy document.

Standard library only.
"""
