"""The member imaging."""
