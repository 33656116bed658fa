"""payment: orders that end whole. The insured part is settled in the person's cell, the cash is collected by a channel that never
sees clinical data, and whatever dies in between, an order drains to paid or is undone.
"""
