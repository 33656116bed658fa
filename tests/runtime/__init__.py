"""Tests of what every member of the mesh runs on."""
