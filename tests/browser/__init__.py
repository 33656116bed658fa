"""The reference as a browser shows it: headless Chromium from packages, installed by `make setup`."""
