"""The sandbox's two users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import guests, tools

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", params=["root", "user"])
def host(request: pytest.FixtureRequest) -> Iterator[guests.Host]:
    """Root, and an ordinary user without subordinate ids."""
    for each in guests.host(request.param):
        if not guests.namespaces_work(each):
            tools.missing("the kernel refuses namespaces to this user")
        yield each
