"""The channels that collect cash: one file a provider, all behind one protocol, each built from what it may be told alone."""
