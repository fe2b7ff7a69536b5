"""Layers of an image read without unpacking them: blobs go in; what each adds, hides and restores comes out."""
