"""What identity does: open, load, decide, save. The store comes as a protocol, supplied by wiring."""
