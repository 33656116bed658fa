"""What stands: a bill decided on the state of the books, its postings, orders, reversals, replays, and what is read of them.

It imports `care`, `benefits` and the kernel; nothing of the domain imports it.
"""
