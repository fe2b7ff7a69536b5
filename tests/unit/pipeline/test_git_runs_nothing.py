"""S1: a repository's settings name many programs; ``--annotate git`` starts none of them."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from scratchpack.pipeline.git import git_annotations
from tests.support import tools

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Git = Callable[..., None]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "tester")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "tester@example.org")
    program = tools.need("git", package="git")

    def run(*words: str, cwd: Path | None = None) -> None:
        subprocess.run([program, *words], cwd=cwd or tmp_path / "work", check=True, capture_output=True)

    return run


def _hostile(work: Path, git: Git, bait: Path) -> None:
    """A repository of one file that was changed without changing its size; every setting that may name a program names the bait."""
    work.mkdir()
    git("init", "-q")
    (work / "file").write_text("one\n")
    (work / ".gitattributes").write_text('* filter=evil diff=evil\nother filter="od=d"\n')
    git("add", ".")
    git("commit", "-q", "-m", "first")
    for name in ("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "core.fsmonitor", "diff.external"):
        git("config", name, str(bait))
    for name in (
        "diff.evil.textconv",
        "diff.evil.command",
        "core.pager",
        "pager.status",
        "core.sshCommand",
        "gpg.program",
    ):
        git("config", name, str(bait))
    for name in (
        "credential.helper",
        "core.alternateRefsCommand",
        "core.editor",
        "core.askPass",
        "alias.status",
        "alias.config",
    ):
        git("config", name, f"!{bait}")
    git("config", "filter.evil.required", "true")
    git("config", "include.path", "../more")
    (work / "more").write_text(f'[filter "od=d"]\n\tclean = {bait}\n')
    hooks = work / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "fsmonitor-watchman", "reference-transaction", "post-checkout", "pre-commit"):
        (hooks / name).write_bytes(bait.read_bytes())
        (hooks / name).chmod(0o755)
    (work / "file").write_text("two\n")
    os.utime(work / "file", (1, 1))  # the file must be read to see whether it differs


@pytest.fixture
def bait(tmp_path: Path) -> Path:
    script = tmp_path / "bait"
    script.write_text(f'#!/bin/sh\necho "$0 $@" >> {tmp_path}/ran\nexit 1\n')
    script.chmod(0o755)
    return script


def test_nothing_that_a_repository_names_is_started(
    tmp_path: Path, git: Git, bait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hostile(tmp_path / "work", git, bait)
    monkeypatch.chdir(tmp_path / "work")
    found = git_annotations()
    assert found["revision"].endswith("-dirty")
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()
    subprocess.run(
        ["git", "status"], cwd=tmp_path / "work", check=False, capture_output=True
    )  # plain git takes the bait
    assert (tmp_path / "ran").exists()


def test_a_submodules_filters_are_not_started(
    tmp_path: Path, git: Git, bait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hostile(tmp_path / "work", git, bait)
    outer = tmp_path / "outer"
    outer.mkdir()
    git("init", "-q", cwd=outer)
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "work"), "sub", cwd=outer)
    git("commit", "-q", "-m", "first", cwd=outer)
    for name in ("filter.evil.clean", "core.fsmonitor"):
        git("config", name, str(bait), cwd=outer / "sub")
    (outer / "sub/file").write_text("six\n")
    os.utime(outer / "sub/file", (1, 1))
    (tmp_path / "ran").unlink(missing_ok=True)
    monkeypatch.chdir(outer)
    git_annotations()
    assert not (tmp_path / "ran").exists()
    git("status", "--porcelain", cwd=outer)
    assert (tmp_path / "ran").exists()


def test_what_a_partial_clone_lacks_is_not_fetched(
    tmp_path: Path, git: Git, bait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    git("init", "-q")
    (work / "file").write_text("one\n")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    for name, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", f"ext::{bait} %S"),
        ("protocol.ext.allow", "always"),
    ):
        git("config", name, value)
    tree = subprocess.run(
        ["git", "rev-parse", "HEAD^{tree}"], cwd=work, check=True, capture_output=True, text=True
    ).stdout.strip()
    (work / ".git/objects" / tree[:2] / tree[2:]).unlink()
    monkeypatch.chdir(work)
    with pytest.raises(Exception, match="cannot fill the annotations from git"):
        git_annotations()
    assert not (tmp_path / "ran").exists()
    subprocess.run(["git", "status"], cwd=work, check=False, capture_output=True, timeout=30)
    assert (tmp_path / "ran").exists()


def test_under_strace_git_is_all_that_starts(
    tmp_path: Path, git: Git, bait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1, seen from the kernel: no program but git itself is executed."""
    strace = tools.need("strace", package="strace")
    _hostile(tmp_path / "work", git, bait)
    log = tmp_path / "log"
    import sys

    words = "from scratchpack.pipeline.git import git_annotations; git_annotations()"
    subprocess.run(
        [strace, "-f", "-qq", "-e", "trace=execve,execveat", "-o", log, sys.executable, "-c", words],
        cwd=tmp_path / "work", env={**os.environ, "PYTHONPATH": os.getcwd()}, check=True, capture_output=True,
    )  # fmt: skip
    started = {
        path.rpartition("/")[2] for path in re.findall(r'execve\("([^"]+)"[^\n]*= 0$', log.read_text(), re.MULTILINE)
    }
    assert started - {os.path.basename(sys.executable)} == {"git"}


def test_the_users_safe_directories_hold(tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout in CI often belongs to another user, and the user said that this is fine."""
    work = tmp_path / "work"
    work.mkdir()
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    monkeypatch.chdir(work)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(Exception, match=r"safe\.directory"):
        git_annotations()
    (tmp_path / "gitconfig").write_text("[safe]\n\tdirectory = *\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    assert len(git_annotations()["revision"]) == 40
