"""What an order is, how it may move, and what follows from what a channel says: values and pure functions."""
