"""Progress: nothing for a quick run, a bar on a terminal for a long one, plain lines where they are asked for."""

from __future__ import annotations

import io
import sys

import pytest

from scratchpack.cli import progress
from scratchpack.cli.progress import Progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _run(
    monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO, mode: str, *, patience: float, quiet: bool = False
) -> str:
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(progress, "PATIENCE", patience)
    with Progress(mode, quiet=quiet) as shown:
        for done in range(0, 101, 10):
            shown.step("packing linux/amd64", done * 10**6, 100 * 10**6)
    return stderr.getvalue()


def test_a_quick_run_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(monkeypatch, _Terminal(), "auto", patience=60) == ""


def test_a_long_run_draws_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "packing linux/amd64" in _run(monkeypatch, _Terminal(), "auto", patience=0)


def test_a_pipe_gets_no_bar_and_plain_lines_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(monkeypatch, io.StringIO(), "auto", patience=0) == ""
    assert "packing linux/amd64: 100 % 100.0 MB" in _run(monkeypatch, io.StringIO(), "plain", patience=0)


@pytest.mark.parametrize(("mode", "quiet"), [("none", False), ("plain", True), ("auto", True)])
def test_who_wants_quiet_gets_quiet(monkeypatch: pytest.MonkeyPatch, mode: str, quiet: bool) -> None:
    assert _run(monkeypatch, _Terminal(), mode, patience=0, quiet=quiet) == ""
