"""The benefit policy document `hsa.policy/1`: model, strict reading, proof of its tables, lints, hash. It settles nothing."""
