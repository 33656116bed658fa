"""Care as it is given and charged: encounters, diagnoses, fee lines and their split at the catalogue of the place of care, the
bill that an institution makes of them, and who is insured. It imports the kernel: care knows neither policies nor ledgers.
"""
