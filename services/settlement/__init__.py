"""Settlement: encounters, fee lines, accumulators, accounts, and what each payer bears of a bill."""
