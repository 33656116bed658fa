"""Writes and reads of encounters, diagnoses and fees. Of the domain it imports `care` alone."""
