"""Tests of the pure words that every room may use."""
