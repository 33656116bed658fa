"""The national envelope: transactions by number, read and written as hospital clients do it. It decides no business."""
