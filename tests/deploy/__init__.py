"""What is said about putting the mesh on machines, compared with the mesh table."""
