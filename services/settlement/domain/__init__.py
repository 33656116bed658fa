"""The pure decisions of settlement, in three rooms: `care` was given, `benefits` say what is paid for it, `books` keep it.

Each imports those named before it and never one named after. No clock, no network, no database.
"""
