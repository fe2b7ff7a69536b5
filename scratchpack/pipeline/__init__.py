"""The only room that knows the whole order: locate, resolve, examine needs, place, check again, build, write."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scratchpack.pipeline.inspect import inspect as inspect
    from scratchpack.pipeline.pack import pack as pack
    from scratchpack.pipeline.plan import plan as plan

__all__ = ["inspect", "pack", "plan"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"scratchpack.pipeline.{name}"), name)
    raise AttributeError(f"module 'scratchpack.pipeline' has no attribute {name!r}")
