"""Tests of the gateway: its codecs, both faces over real HTTP, and recordings of real hospital clients."""
