"""Regular expressions of a module, compiled when they are first used: a text goes in, what behaves as a ``re.Pattern`` comes out.

Compiling takes 0.1 to 1 ms each; the modules of ``scratchpack ./hello`` have forty, and a run uses few of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, AnyStr, cast

if TYPE_CHECKING:
    import re


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What ``re.compile`` gives, made on first use; a fault in ``text`` shows then (``tests/unit/test_pattern.py`` uses all of them)."""
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))


class _Pattern:
    """Turns itself into the methods of the compiled pattern, so that only the first use asks here."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._made_from: tuple[Any, int] = (text, flags)

    def __getattr__(self, name: str) -> Any:
        import re

        compiled = re.compile(*self._made_from)
        for method in ("fullmatch", "match", "search", "finditer", "findall", "split", "sub", "subn", "pattern"):
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)
