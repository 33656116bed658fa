"""The member payment."""
