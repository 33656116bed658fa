"""The members that payment asks: settlement of its cell."""
