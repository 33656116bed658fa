"""The shape of the repository itself: files, contract, layers and the commands a newcomer types first."""
