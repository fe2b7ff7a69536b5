"""Perl scripts (N46): the modules they use, in the interpreter's own path."""
