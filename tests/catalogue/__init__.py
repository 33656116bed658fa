"""Tests of the catalogue: records and prices, publishing, files, both databases, every method."""
