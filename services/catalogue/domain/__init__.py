"""The catalogue's words and rules: records, forms of codes, what applies on a day, what may be published. Pure."""
