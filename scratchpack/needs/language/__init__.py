"""Languages: detectors, which read what a compiler left and give evidence for other needs, and needs of one language alone."""
