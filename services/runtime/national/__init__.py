"""National cryptography: SM2 by the system's OpenSSL 3, SM3 and SM4 by `cryptography`, and the mobile envelope made of them."""
