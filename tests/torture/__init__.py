"""What takes minutes or the whole machine: run by `make torture`, never by `make test`."""
