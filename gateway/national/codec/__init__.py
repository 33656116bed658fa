"""Codecs between national nodes and messages, compiled at start-up from the proto options; no table per transaction."""
