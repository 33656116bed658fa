"""Tests of settlement, from the pure rules to its RPCs."""
