"""What is written down and read of it: settlements, orders, reversals, replays, ledgers, files, notices. It imports the
operations of `care` and `benefits`, and all of the domain.
"""
