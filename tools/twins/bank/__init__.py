"""The twin of a bank with real personal accounts: ISO 8583 on a line of its own, statements and the control door over HTTP.

Cards, merchants and terminals are invented. What no public text says is ours, and marked where it stands.
"""
