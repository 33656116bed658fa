"""The proto service of payment on the wire."""
