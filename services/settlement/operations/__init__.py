"""What settlement does: open, load, decide, save, in the rooms of the domain: `care`, `benefits`, `books`.

Each imports those named before it and never one named after. Wiring supplies the store, by its classes, and the peers, by
protocols.
"""
