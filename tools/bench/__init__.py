"""The benchmark: figures of a real mesh on this machine, each printed with its method. It asserts nothing about speed."""
