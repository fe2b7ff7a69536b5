"""Checks of a result: resolved again inside itself, recomputed, run."""
