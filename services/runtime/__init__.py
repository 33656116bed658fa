"""What every member needs, once: server, chain, calls to peers, telemetry, store, settings. Knows no domain."""
