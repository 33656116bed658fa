"""Tables of who is insured where: keyed hashes of persons, and how far each cell's feed has been read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, PrimaryKeyConstraint, Table, Text


def add_registry(metadata: MetaData) -> None:
    """Adds them."""
    Table(
        "routing_insured",
        metadata,
        Column("psn_hash", Text, nullable=False),
        Column("cell", Text, nullable=False),
        Column("cert_hash", Text, nullable=False),
        Column("psn_cert_type", Text, nullable=False),
        # A list in JSON: a person's places are read and written together, and nothing else is asked of them.
        Column("places", Text, nullable=False),
        Column("key_id", Text, nullable=False),
        PrimaryKeyConstraint("psn_hash", "cell"),
        Index("routing_insured_cert", "cert_hash"),
    )
    Table(
        "routing_feed",
        metadata,
        Column("cell", Text, primary_key=True),
        Column("key_id", Text, nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("complete", Boolean, nullable=False),
    )
