"""Golden answers of the national face, letter by letter, for every served transaction; `python -m tests.goldens` writes them."""
