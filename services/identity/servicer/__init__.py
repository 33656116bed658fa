"""The gRPC face of identity: messages to domain values and back, and nothing that decides."""
