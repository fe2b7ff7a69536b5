"""The dynamic loader's rules as data, and the closure they give."""
