"""Tables and statements of clearing."""
