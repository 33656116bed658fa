"""ISO 8583 as UnionPay terminals speak it (C§3.2): frames, fields, seals, keys. What is said is decided elsewhere."""
