"""Layers of an image read without unpacking them: what each adds, hides and restores."""
