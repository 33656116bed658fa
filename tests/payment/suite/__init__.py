"""One suite of cases for all channels: each is played at its twin through payment's own operations."""
