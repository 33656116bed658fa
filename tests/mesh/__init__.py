"""Journeys through the whole mesh, its trace edges and its failures."""
