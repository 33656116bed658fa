"""Whether a word of a bill stands in what channels are told, however it is written."""
