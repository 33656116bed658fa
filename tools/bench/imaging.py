"""Imaging: each part measures one thing of the index of studies, in a module of its own."""

from __future__ import annotations

from tools.bench import imaging_search, imaging_size, imaging_upload
from tools.bench.measures import Terms

PARTS = (imaging_upload.uploads, imaging_size.sizes, imaging_search.searches)


def imaging(terms: Terms) -> None:
    """All of them, one after the other."""
    for part in PARTS:
        part(terms)
