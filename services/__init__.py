"""The mesh members. Each service is a folder of the same rooms; `mesh.py` says which exist and who calls whom."""
