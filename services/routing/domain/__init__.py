"""Divisions, who is insured where, filings, and clearing between regions."""
