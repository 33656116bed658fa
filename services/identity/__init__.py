"""Identity: who is insured, by which credential a person is known, and which partners stand at the gateway."""
