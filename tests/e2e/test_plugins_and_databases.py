"""More companion data for real, held to what tests/e2e/test_companions.py holds the others to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_companions import App, check_app

if TYPE_CHECKING:
    from pathlib import Path

APPS = (
    App("proj", "libproj25", ("libproj.so.*",)),
    App("gstreamer", "gstreamer1.0-plugins-base", ("libgstreamer-1.0.so.0",)),
)


@pytest.mark.campaign
@pytest.mark.parametrize("app", APPS, ids=lambda app: app.need)
def test_what_a_library_finds_by_itself_comes_with_the_call(app: App, tmp_path: Path) -> None:
    check_app(app, tmp_path)
