"""scratchpack: exactly what an ELF binary needs to run, as a minimal image.

The public API is exported lazily: importing this package imports nothing else (``docs/api.md``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scratchpack.config import Options as Options
    from scratchpack.errors import ScratchpackError as ScratchpackError
    from scratchpack.pipeline.inspect import inspect as inspect
    from scratchpack.pipeline.pack import pack as pack
    from scratchpack.pipeline.plan import plan as plan

__version__ = "0.1.0"
__all__ = ["Options", "ScratchpackError", "__version__", "inspect", "pack", "plan"]

_HOME = {
    "Options": "scratchpack.config",
    "ScratchpackError": "scratchpack.errors",
    "inspect": "scratchpack.pipeline.inspect",
    "pack": "scratchpack.pipeline.pack",
    "plan": "scratchpack.pipeline.plan",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'scratchpack' has no attribute {name!r}")
