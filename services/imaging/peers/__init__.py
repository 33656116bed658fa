"""Whom imaging calls: routing, which knows persons' keys."""
