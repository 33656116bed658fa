"""What a filing is, and when one may be registered."""
