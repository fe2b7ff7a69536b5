"""From a row of the index to the need itself: its file is imported here, and only where something was seen of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from scratchpack.needs.base import Detector, Row, RuntimeNeed


def need_of(row: Row) -> RuntimeNeed:
    """The built-in need of this row."""
    need: RuntimeNeed = _named(row)
    return need


def detector_of(row: Row) -> Detector:
    """The detector of this row's language."""
    detector: Detector = _named(row)
    return detector


def held(module: ModuleType) -> tuple[RuntimeNeed | Detector, ...]:
    """What a module of needs offers: ``NEED``, ``DETECTOR``, or several as ``NEEDS``; nothing, where others share it."""
    several: Iterable[RuntimeNeed | Detector] = getattr(module, "NEEDS", ())
    return (*(getattr(module, name) for name in ("NEED", "DETECTOR") if hasattr(module, name)), *several)


def _named(row: Row) -> Any:
    module = import_module(f"scratchpack.needs.{row.module}")
    return next(one for one in held(module) if one.name == row.name)
