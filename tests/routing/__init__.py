"""The member routing."""
