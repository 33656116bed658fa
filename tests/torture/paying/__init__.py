"""The crash matrix of mobile payment: processes of a mesh and of the channels' twins, killed at every point of every deed."""
