"""Roots for the rules' fixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.oracle.world import MUSL, World

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def glibc(tmp_path: Path) -> World:
    """A root with this machine's glibc loader."""
    return World(tmp_path)


@pytest.fixture
def musl(tmp_path: Path) -> World:
    """A root with Debian's musl loader."""
    return World(tmp_path, MUSL)
