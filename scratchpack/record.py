"""``NamedTuple`` for the values between rooms, at a fraction of the price of the one in :mod:`typing`.

``typing.NamedTuple`` compiles and checks the type of every field when a class is made, and ``collections.namedtuple`` under it compiles
a constructor: 0.2 ms a class together. Some sixty classes stand on the short path of ``scratchpack ./hello`` and half of them have no
instance there, so here a constructor is compiled when the first instance is made. Type checkers see ``typing.NamedTuple`` itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NamedTuple, Self
else:
    from collections import _tuplegetter  # what reads a field of the standard library's named tuples

    class _Record(tuple):
        """What every named tuple can do, under the names that the standard library gives it."""

        __slots__ = ()
        _fields: tuple[str, ...] = ()

        @classmethod
        def _make(cls, values: Iterable[Any]) -> Self:
            return cls(*values)

        def _replace(self, /, **values: Any) -> Self:
            made = self._make(map(values.pop, self._fields, self))
            if values:
                raise ValueError(f"Got unexpected field names: {list(values)!r}")
            return made

        __replace__ = _replace  # for copy.replace

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            fields = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
            return f"{type(self).__name__}({fields})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

    class _Fields(type):
        """Turns the body of a class into a named tuple; no instance of this is ever left."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body[field] for field in fields if field in body}

            def first(_cls: type, /, *values: Any, **named: Any) -> tuple[Any, ...]:
                constructor = _constructor(fields, tuple(defaults.values()))
                made.__new__ = staticmethod(constructor)
                return constructor(_cls, *values, **named)

            getters = {field: _tuplegetter(index, None) for index, field in enumerate(fields)}
            own = {"__slots__": (), "__new__": first, "__match_args__": fields, "_fields": fields}
            made = type(name, (_Record,), {**body, **own, "_field_defaults": defaults, **getters})
            return made

    def _constructor(fields: tuple[str, ...], defaults: tuple[Any, ...]) -> Callable[..., tuple[Any, ...]]:
        """A ``__new__`` with these parameters: Python has no way to make one but from text, which is our own source's here."""
        listed = "".join(f"{field}, " for field in fields)
        made = eval(f"lambda _cls, {listed}: _new(_cls, ({listed}))", {"_new": tuple.__new__})  # noqa: S307
        made.__name__, made.__defaults__ = "__new__", defaults
        return made

    class NamedTuple(metaclass=_Fields):
        """A tuple whose items have names, types and defaults; type checkers hold that a default is followed by defaults only."""


__all__ = ["NamedTuple"]
