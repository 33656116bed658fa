"""Tables and statements of routing."""
