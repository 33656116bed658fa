"""Members that routing calls, each in every cell: what they answer as routing's own values."""
