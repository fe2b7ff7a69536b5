"""Running a program of an image, or of a root, where it can reach nothing else: the one room that executes what it was given (S1)."""
