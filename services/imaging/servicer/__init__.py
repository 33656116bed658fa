"""The proto services of imaging on the wire."""
