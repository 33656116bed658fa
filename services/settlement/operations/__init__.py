"""What settlement does: open, load, decide, save. Wiring supplies the store, by its classes, and the peers, by protocols."""
