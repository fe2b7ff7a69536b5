"""scratchpack: exactly what an ELF binary needs to run, as a minimal image.

The public API (``docs/api.md``). Importing this package imports none of it: a name leads to its module when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scratchpack.config import Options
    from scratchpack.errors import (
        CheckError,
        ClosureError,
        ConfinementError,
        ElfError,
        InputError,
        LimitError,
        NeedError,
        OutputError,
        RemoteError,
        ScratchpackError,
        UsageError,
    )
    from scratchpack.pipeline.inspect import inspect
    from scratchpack.pipeline.model import Packed, Plan
    from scratchpack.pipeline.pack import pack
    from scratchpack.pipeline.plan import plan
    from scratchpack.pipeline.verify import verify
    from scratchpack.sinks.model import Output
    from scratchpack.verification.image import Verdict

__version__ = "0.1.0"
__all__ = [
    "CheckError",
    "ClosureError",
    "ConfinementError",
    "ElfError",
    "InputError",
    "LimitError",
    "NeedError",
    "Options",
    "Output",
    "OutputError",
    "Packed",
    "Plan",
    "RemoteError",
    "ScratchpackError",
    "UsageError",
    "Verdict",
    "__version__",
    "inspect",
    "pack",
    "plan",
    "verify",
]

# the modules that have them; every other name of __all__ is an error
_HOME = {
    "Options": "config",
    "Output": "sinks.model",
    "Packed": "pipeline.model",
    "Plan": "pipeline.model",
    "Verdict": "verification.image",
    "inspect": "pipeline.inspect",
    "pack": "pipeline.pack",
    "plan": "pipeline.plan",
    "verify": "pipeline.verify",
}


if not TYPE_CHECKING:  # type checkers see the imports above, and refuse other names

    def __getattr__(name: str) -> Any:
        if name in __all__:
            from importlib import import_module

            return getattr(import_module(f"scratchpack.{_HOME.get(name, 'errors')}"), name)
        raise AttributeError(f"module 'scratchpack' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
