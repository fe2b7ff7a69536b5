"""scratchpack: exactly what an ELF binary needs to run, as a minimal image."""

from __future__ import annotations

__version__ = "0.1.0"
