"""`make mutants`: faults planted one at a time in a copy of the tree, and which test finds each.

It says how much the tests let through. A fault that changes nothing that anybody could see counts as let through as well: no
program can tell, and a reader of the list can.
"""
