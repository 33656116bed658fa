"""Settlement's RPCs: messages in, domain values to the operations, messages out. It decides nothing about a bill."""
