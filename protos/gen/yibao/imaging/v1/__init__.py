"""Generated from `protos`; written by `tools/gen_protos.py` only."""
