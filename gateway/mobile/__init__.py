"""The mobile envelope's face: transactions of the mobile payment centre, signed by SM2 and encrypted by SM4."""
