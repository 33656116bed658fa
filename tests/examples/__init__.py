"""The examples of the reference: played against a sandbox by `python -m tests.examples`, and held against the contract."""
