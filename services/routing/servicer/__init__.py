"""The proto services of routing on the wire."""
