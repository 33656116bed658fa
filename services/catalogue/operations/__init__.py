"""What the catalogue does, step by step: open, load, decide, save; and its look-ups. It speaks no wire format and no SQL."""
