"""National cryptography and the mobile envelope, against the standards' vectors and a second library."""
