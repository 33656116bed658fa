"""The programs for builders are proved like the rest: each rule bites on a planted fault."""
