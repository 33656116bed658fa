"""Tests stand in the same folders as the code they prove; names are sentences about the domain."""
