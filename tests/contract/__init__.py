"""Contract tests: their cases are made from the descriptors alone, for every RPC that exists now and later."""
