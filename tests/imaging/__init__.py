"""The member imaging, and the province node that feeds it."""
