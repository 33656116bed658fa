"""The front door: HTTP in, gRPC out. Converts by what the contract says and owns no data, no rule and no database."""
