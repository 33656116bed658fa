"""Who and what is played before a mesh, by tests and the benchmark alike: invented people, what a hospital sends for them."""
