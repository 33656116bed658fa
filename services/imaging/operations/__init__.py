"""The order of things: read, decide, write."""
