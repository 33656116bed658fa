"""What identity does: open, load, decide, save. The store is supplied by wiring; its classes are imported for their types."""
