"""The names of needs that others must tell apart: those of scripts and archives, which readers find and not the one scan, and the one that only informs."""

from __future__ import annotations

SCRIPT_NEEDS = ("beside", "commands", "modules", "payload")

NOTES = "notes"  # the one need that adds nothing to any image: what it finds are lines of the report
