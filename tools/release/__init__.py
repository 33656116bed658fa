"""Releases: what makes a commit one, how it is prepared, and how its wheel is built and shown to run by itself.

`python -m tools.release --prepare`, one commit, `make release`. Nothing is uploaded, and git gets a tag where that is asked.
"""
