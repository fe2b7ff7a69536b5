"""Needs of a library or an interpreter whose data lies in files of its own."""
