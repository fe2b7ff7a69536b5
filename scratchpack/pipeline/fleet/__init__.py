"""Many images in one run: names and settings go in, images come out of several processes, and leave together."""
