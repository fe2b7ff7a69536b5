"""Our NamedTuple behaves as the one of typing does; what it costs is why it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Point(NamedTuple):
    """A place."""

    x: int
    y: int = 2
    tags: Mapping[str, str] | None = None  # imported for type checkers alone

    @property
    def sum(self) -> int:
        """Both together."""
        return self.x + self.y

    def __str__(self) -> str:
        return f"{self.x}/{self.y}"


def test_fields_have_names_defaults_and_positions() -> None:
    assert Point(1) == (1, 2, None)
    assert Point(y=4, x=3)[:2] == (3, 4)
    assert Point._fields == ("x", "y", "tags")
    assert Point(1)._replace(x=5).x == 5


def test_what_else_the_class_says_stays() -> None:
    assert (Point.__doc__, Point.__module__, Point.__qualname__) == ("A place.", __name__, "Point")
    assert (Point(1).sum, str(Point(1)), repr(Point(1))) == (3, "1/2", "Point(x=1, y=2, tags=None)")
    assert list(Point.__annotations__) == ["x", "y", "tags"]


def test_it_is_immutable() -> None:
    with pytest.raises(AttributeError):
        Point(1).x = 2  # type: ignore[misc]
