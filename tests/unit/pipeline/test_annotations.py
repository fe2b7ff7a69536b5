"""The standard annotations: from the binary's own build information, from git when asked, under what the user says (N30, N31)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scratchpack.config import Options
from scratchpack.elf.gobuild import GoBuild, GoModule
from scratchpack.errors import UsageError
from scratchpack.pipeline.annotations import common, of_go
from scratchpack.pipeline.git import git_annotations, public_url
from scratchpack.pipeline.pack import pack
from tests.support import build, tools

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "org.opencontainers.image."
WHEN = "2024-05-06T07:08:09Z"


@pytest.fixture(autouse=True)
def quiet_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of this machine's user, and commits that need none."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "tester")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "tester@example.org")
        monkeypatch.setenv(f"GIT_{who}_DATE", WHEN)


def repository(home: Path, remote: str = "") -> None:
    """A repository with everything of ``home`` in one commit."""
    git = tools.need("git", package="git")
    home.mkdir(parents=True, exist_ok=True)
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "--allow-empty", "-m", "first"]):
        build.run([git, *words], cwd=home)
    if remote:
        build.run([git, "remote", "add", "origin", remote], cwd=home)


def said_by(
    binary: Path, options: Options | None = None, environ: dict[str, str] | None = None
) -> tuple[dict[str, str], bytes]:
    """The manifest's annotations without the common prefix, and the image's configuration."""
    out = binary.with_name("out.tar")
    packed = pack(
        [str(binary)], (options or Options())._replace(output=(f"type=oci,dest={out}",)), environ=environ or {}
    )
    assert packed.release is not None
    image = packed.release.images[0]
    with image.manifest_blob.open() as manifest, image.config_blob.open() as config:
        found = json.load(manifest).get("annotations", {})
        return {key.removeprefix(PREFIX): text for key, text in found.items()}, config.read()


def test_a_go_program_says_revision_and_time_of_its_source(tmp_path: Path) -> None:
    home = tmp_path / "hello.src"
    home.mkdir()
    (home / "main.go").write_text(build.HELLO_GO)
    (home / "go.mod").write_text("module example.com/hello\n\ngo 1.24\n")
    repository(home)
    found, config = said_by(build.go(tmp_path / "hello", build.HELLO_GO, "-buildvcs=true"))
    assert len(found["revision"]) == 40
    assert found["created"] == WHEN
    assert found["title"] == "hello"
    assert b'"created"' not in config  # I7: the configuration's time is for the user to say
    assert b"revision" not in config  # labels are not touched
    said = build.go(tmp_path / "hello", build.HELLO_GO.replace("hello", "hallo"), "-buildvcs=true")
    own, _ = said_by(said, Options(annotation=(f"{PREFIX}title=Mine",), created="2020-01-01T00:00:00Z"))
    assert own["revision"] == found["revision"] + "-dirty"
    assert own["title"] == "Mine"
    assert own["created"] == "2020-01-01T00:00:00Z"


def test_a_c_program_says_nothing_of_itself(tmp_path: Path) -> None:
    found, _ = said_by(build.cc(tmp_path / "hello", build.HELLO_C, "-static"))
    assert found == {}


def test_a_package_note_gives_title_and_version(tmp_path: Path) -> None:
    """N30"""
    text = json.dumps({"type": "deb", "name": "greeter", "version": "1.2-3", "os": "debian"})
    escaped = text.replace('"', r"\\\"")
    note = (
        f'__asm__(".pushsection .note.package, \\"a\\", %note\\n.balign 4\\n.long 4, {len(text) + 1}, 0xcafe1a7e\\n"\n'
        f'".asciz \\"FDO\\"\\n.asciz \\"{escaped}\\"\\n.balign 4\\n.popsection\\n");\n'
    )
    found, _ = said_by(build.cc(tmp_path / "hello", note + build.HELLO_C, "-static"))
    assert found == {"title": "greeter", "version": "1.2-3"}


@pytest.mark.parametrize(
    ("module", "main", "title", "source"),
    [
        (GoModule("github.com/team/tool/v2", "v2.1.0"), "github.com/team/tool/v2/cmd/run", "run", "https://github.com/team/tool"),
        (GoModule("github.com/team/tool/v2", "v2.1.0"), "github.com/team/tool/v2", "tool", "https://github.com/team/tool"),
        (GoModule("example.com/x", "(devel)"), "example.com/x", "x", ""),
        (None, "command-line-arguments", "", ""),
    ],
)  # fmt: skip
def test_module_and_package_give_title_version_and_source(
    module: GoModule | None, main: str, title: str, source: str
) -> None:
    found = of_go(GoBuild("go1.24", main, module, (), (("vcs.time", "yesterday"),)))
    assert (found["title"], found["source"]) == (title, source)
    assert found["version"] == ("v2.1.0" if module and module.version != "(devel)" else "")
    assert found["created"] == ""  # a binary may say anything


def test_an_index_says_what_all_its_images_say() -> None:
    assert common([{"a": "1", "b": "2"}, {"a": "1", "b": "3"}]) == {"a": "1"}


@pytest.mark.parametrize(
    ("remote", "shown"),
    [
        ("https://me:s3cret@github.com/team/app.git", "https://github.com/team/app"),
        ("https://token@git.example.org:8443/team/app.git?private=1", "https://git.example.org:8443/team/app.git"),
        ("git@github.com:team/app.git", "https://github.com/team/app"),
        ("ssh://me:pw@git.example.org/app", "ssh://git.example.org/app"),
        ("me@git.example.org:app", "ssh://git.example.org/app"),
        ("/home/me/app", ""),
        ("file:///home/me/app", ""),
        ("https://[broken", ""),
        ("", ""),
    ],
)
def test_a_remote_is_shown_without_its_secrets(remote: str, shown: str) -> None:
    assert public_url(remote) == shown


def test_git_is_asked_only_for_annotate_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = build.cc(tmp_path / "bin" / "hello", build.HELLO_C, "-static")
    repository(tmp_path / "work", "https://me:s3cret@github.com/team/app.git")
    monkeypatch.chdir(tmp_path / "work")
    assert said_by(program)[0] == {}
    found, _ = said_by(program, Options(annotate="git"))
    assert found["source"] == "https://github.com/team/app"
    assert len(found["revision"]) == 40


def test_git_says_when_tracked_files_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("one")
    repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert not git_annotations()["revision"].endswith("-dirty")
    (tmp_path / "file").write_text("two")
    assert git_annotations()["revision"].endswith("-dirty")


def test_no_repository_and_no_git_are_clear_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools.need("git", package="git")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match=r"cannot fill the annotations from git: fatal: not a git repository"):
        git_annotations()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="cannot fill the annotations from git: cannot run git"):
        git_annotations()
