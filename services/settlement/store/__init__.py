"""Settlement's rows: encounters, fee lines, settlements, accumulators and postings. It decides nothing."""
