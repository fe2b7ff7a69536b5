"""The page that `analyze --html` writes: whole in one file, harmless whatever names are in it, and explored in a real browser without a mouse (S12)."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support import tools
from tests.support.cli import scratchpack
from tests.support.layered import archive, tar

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "a<"
NAMES = ("</div><script>alert(1)</script>", "{{ 7 * 7 }}", "&lt;b&gt;", "\u202ereversed")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    below = tar(
        *((f"{EVIL}/{number}{name.replace('/', '|')}", 5000) for number, name in enumerate(NAMES)),
        ("usr/lib/one", 90_000),
    )
    layers = [("RUN <script>alert(2)</script>", below), ("COPY big /big", tar(("big", 50_000))), ("RUN chmod +x /big", tar(("big", 50_000), mode=0o755))]  # fmt: skip
    run = scratchpack("analyze", "-q", "--html", tmp_path / "page.html", archive(tmp_path / "app.tar", layers))
    assert (run.status, run.out) == (0, ""), run.err
    return tmp_path / "page.html"


def test_the_page_needs_nothing_else_and_holds_names_as_text(page: Path) -> None:
    text = page.read_text()
    assert text.count("<script") == 1
    assert "alert(" in text  # as text, escaped
    assert not re.search(r"(?:src|href|url)\s*[=(]|@import|https?:", text)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert "{{ 7 * 7 }}" in text


def test_a_page_is_old_or_new(page: Path, tmp_path: Path) -> None:
    """S17: what stands there stays where an image cannot be read."""
    before = page.read_bytes()
    (tmp_path / "no.tar").write_bytes(b"no image")
    assert scratchpack("analyze", "--html", page, tmp_path / "no.tar").status == 3
    assert page.read_bytes() == before


@pytest.mark.campaign
def test_a_browser_shows_the_map_and_keys_walk_through_it(page: Path, tmp_path: Path) -> None:
    root = shown(page, tmp_path, "")
    assert labels(root) == [f"/{EVIL}, 20.0 kB", "/big, 50.0 kB", "/big, 50.0 kB, 50.0 kB hidden", "/usr, 90.0 kB"]
    lib = "document.querySelector('#map button[aria-label^=\"/usr\"]').click(); document.activeElement.click();"
    assert labels(shown(page, tmp_path, lib)) == ["/usr/lib/one, 90.0 kB"]
    up = "dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}));"
    assert labels(shown(page, tmp_path, lib + up)) == ["/usr/lib, 90.0 kB"]
    described = shown(page, tmp_path, "document.querySelector('#map button.hides').focus();")
    assert "metadata-only by layer 3: RUN chmod +x /big" in described
    without = "document.getElementById('dead').click();"
    assert "/big, 50.0 kB, 50.0 kB hidden" not in labels(shown(page, tmp_path, without))


def shown(page: Path, home: Path, script: str) -> str:
    """The document as the browser has it once its own script and then this one have run."""
    tried = home / "tried.html"
    tried.write_text(page.read_text().replace("</body>", f"<script>{script}</script></body>"))
    words = (
        *("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={home}/profile", "--window-size=1100,1200"),
        *("--dump-dom", tried.as_uri()),
    )
    done = subprocess.run(
        [tools.need("chromium", package="chromium"), *words], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout


def labels(document: str) -> list[str]:
    """What a screen reader says of each rectangle."""
    found = re.search(r'<div id="map".*?</div>', document, re.DOTALL)
    assert found is not None
    return sorted(label.replace("&lt;", "<") for label in re.findall(r'<button[^>]*aria-label="([^"]*)"', found[0]))
