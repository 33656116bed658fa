"""How the mesh is put on machines: an image, a compose file and a plan for a Docker engine, all from the mesh table."""
