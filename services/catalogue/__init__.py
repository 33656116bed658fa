"""The catalogue: items, prices, institutions, policies and stacks, all effective-dated; every look-up names a day."""
