"""How fast and how small, beside the interpreter, the engines' builders and other tools of this kind: `make bench`."""
