"""Where the templates are found."""

from __future__ import annotations

import pytest

from scratchpack import templates
from scratchpack.errors import ScratchpackError


def test_the_templates_of_the_repository_are_found_by_path() -> None:
    assert templates.directory().name in {"templates", "_templates"}
    assert templates.path("make/scratchpack.mk").is_file()
    assert templates.read("make/scratchpack.mk").startswith(b"# ")


def test_a_template_that_is_not_there_is_named() -> None:
    with pytest.raises(ScratchpackError, match="cannot find the template make/none"):
        templates.path("make/none")
