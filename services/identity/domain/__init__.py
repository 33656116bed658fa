"""The pure domain of identity: persons, enrolments, credentials, partners. No clock, no chance, no database, no messages."""
