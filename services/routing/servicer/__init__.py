"""The proto service of routing on the wire."""
