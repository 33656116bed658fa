"""Tables and statements of imaging."""
