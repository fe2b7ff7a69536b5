"""The names of needs that have no file of their own: what scripts and archives need is found by readers, not by the one scan."""

from __future__ import annotations

SCRIPT_NEEDS = ("beside", "commands", "modules", "payload")
