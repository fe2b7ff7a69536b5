"""Patterns that are compiled late behave as compiled ones, and each that a module of ours has can be compiled."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module

import pytest

import scratchpack
from scratchpack.pattern import _Pattern, pattern


def test_it_does_what_a_compiled_pattern_does() -> None:
    made = pattern(r"(\d+)-(\d+)", re.ASCII)
    assert made.fullmatch("1-2")
    assert not made.fullmatch("1-")
    assert [hit[0] for hit in made.finditer("1-2 3-4")] == ["1-2", "3-4"]
    assert (made.sub("x", "1-2"), made.flags & re.ASCII, made.groups) == ("x", re.ASCII, 2)
    assert pattern(rb"\xff").search(b"a\xff")


def test_a_faulty_one_says_so_when_it_is_used() -> None:
    faulty = pattern("(")
    with pytest.raises(re.error):
        faulty.search("")


def test_every_pattern_of_the_package_can_be_compiled() -> None:
    found = 0
    for module in pkgutil.walk_packages(scratchpack.__path__, "scratchpack."):
        if module.name == "scratchpack.__main__":  # takes interrupts over for the process
            continue
        for value in vars(import_module(module.name)).values():
            if isinstance(value, _Pattern):
                assert isinstance(value.pattern, (str, bytes))
                found += 1
    assert found > 20
