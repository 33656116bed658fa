"""The twin of the national app: our own interface in the mobile envelope (C§4.3), as nobody has published the real one."""
