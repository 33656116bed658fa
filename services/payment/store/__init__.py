"""Tables and statements of payment."""
