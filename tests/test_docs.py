"""The generated pages are those that `make docs` would write, and every option that exists is documented there."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.cli import HOME

if TYPE_CHECKING:
    from pathlib import Path

DOCS = HOME / "docs"


def _pages() -> dict[Path, str]:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pages: dict[Path, str] = module.pages()
    return pages


@pytest.mark.parametrize(
    "name", ["docs/cli.md", "docs/README.md", "docs/schema/settings.json", "scratchpack/needs/index.py"]
)
def test_a_generated_file_is_what_make_docs_writes(name: str) -> None:
    assert (HOME / name).read_text() == _pages()[HOME / name], "run `make docs`"


def test_every_setting_has_its_option_in_the_reference() -> None:
    from scratchpack.config import SETTINGS

    text = (DOCS / "cli.md").read_text()
    absent = [setting.name for setting in SETTINGS if f"--{setting.name}" not in text]
    assert absent == []


def test_every_link_between_our_pages_leads_somewhere() -> None:
    pages = [*HOME.glob("*.md"), *DOCS.rglob("*.md"), *(HOME / "sample_apps").glob("*.md")]
    dead = [
        f"{page.relative_to(HOME)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert dead == []
