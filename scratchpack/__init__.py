"""scratchpack: exactly what an ELF binary needs to run, as a minimal image.

The public API is exported lazily: importing this package imports nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scratchpack.errors import ScratchpackError as ScratchpackError
    from scratchpack.pipeline import inspect as inspect
    from scratchpack.pipeline import pack as pack
    from scratchpack.pipeline import plan as plan

__version__ = "0.1.0"
__all__ = ["ScratchpackError", "__version__", "inspect", "pack", "plan"]

_HOME = {
    "ScratchpackError": "scratchpack.errors",
    "inspect": "scratchpack.pipeline",
    "pack": "scratchpack.pipeline",
    "plan": "scratchpack.pipeline",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'scratchpack' has no attribute {name!r}")
