"""The gRPC face of the catalogue: messages to domain values and back, and nothing that decides."""
