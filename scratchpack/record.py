"""``NamedTuple`` for the values between rooms, at a quarter of the price of the one in :mod:`typing`.

``typing.NamedTuple`` compiles and checks the type of every field when a class is made: 0.2 ms a class, and some fifty
classes stand on the short path of ``scratchpack ./hello``. Type checkers see ``typing.NamedTuple`` itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple

    _MADE_BY_NAMEDTUPLE = ("__module__", "__qualname__", "__annotations__")

    class _Fields(type):
        """Turns the body of a class into a named tuple; no instance of this is ever left."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            types = body.get("__annotations__", {})
            defaults = [body[field] for field in types if field in body]
            made = namedtuple(name, types, defaults=defaults, module=body["__module__"])  # noqa: PYI024
            made.__annotations__ = types
            for key, value in body.items():
                if key not in types and key not in _MADE_BY_NAMEDTUPLE:
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Fields):
        """A tuple whose items have names, types and defaults; type checkers hold that a default is followed by defaults only."""


__all__ = ["NamedTuple"]
