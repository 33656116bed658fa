"""The one table of user-facing texts, Chinese and English: a file per member, merged in `table`."""
