"""The engine: policies compiled, the facts that they read, layers, ceilings and accounts; totals in, parts out, exact.

By the rules of the insured place (就医地目录、参保地政策). It imports `care` and the kernel: a benefit knows no ledger, only the
sums that one holds.
"""
