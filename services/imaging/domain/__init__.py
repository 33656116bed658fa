"""What nodes, entries and studies are, and what becomes of an entry. Pure."""
