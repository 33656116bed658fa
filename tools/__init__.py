"""Programs for the people who build and try the mesh; no member imports them."""
