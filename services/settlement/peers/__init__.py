"""Identity and catalogue as settlement sees them, with caches; the only room that knows their messages."""
