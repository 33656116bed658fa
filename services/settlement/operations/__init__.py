"""What settlement does: open, load, decide, save. Reaches store and peers only through the protocols in `ports`."""
