"""The member routing: divisions, who is insured where, filings for care elsewhere, and clearing between regions."""
