"""A settings file that was only found may be a stranger's: it describes the image, and nothing else (docs/trust.md)."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.config import SETTINGS, Options, variable
from scratchpack.errors import UsageError
from scratchpack.needs.index import LANGUAGES, ROWS
from scratchpack.settings_file import PATHS
from scratchpack.sources import Merged, merge
from tests.support.cli import HOME, scratchpack

if TYPE_CHECKING:
    from pathlib import Path

GUARDED = [setting for setting in SETTINGS if setting.guard]
# what each is set to in a file; the others are texts of the same kind
_VALUES = {"flag": "true", "optional": "true"}


def found(directory: Path, text: str, given: dict[str, Any] | None = None, **more: Any) -> Merged:
    (directory / "scratchpack.toml").write_text(text)
    return merge(given or {}, environ=more.pop("environ", {}), directory=str(directory), **more)


def _line(name: str) -> tuple[str, str]:
    setting = next(setting for setting in SETTINGS if setting.name == name)
    value = _VALUES.get(setting.kind) or f'"{setting.choices[0] if setting.choices else "x"}"'
    return f"{name} = {value}\n", value


@pytest.mark.parametrize("name", [setting.name for setting in GUARDED])
def test_what_is_guarded_wants_a_source_that_was_named(tmp_path: Path, name: str) -> None:
    setting = next(setting for setting in SETTINGS if setting.name == name)
    line, _ = _line(name)
    with pytest.raises(UsageError) as caught:
        found(tmp_path, line)
    assert setting.guard in caught.value.details[0]
    assert f"--{name} or {variable(setting)}" in caught.value.details[0]
    assert f"--config {tmp_path}/scratchpack.toml" in (caught.value.hint or "")
    named = merge({}, environ={}, config=str(tmp_path / "scratchpack.toml")).options
    assert getattr(named, name.replace("-", "_"))


def test_a_better_source_for_a_guarded_setting_is_enough(tmp_path: Path) -> None:
    assert found(tmp_path, "quiet = true", {"quiet": False}).options == Options()
    assert found(tmp_path, "root = '/x'", environ={"SCRATCHPACK_ROOT": "/usr"}).options == Options(root="/usr")
    assert found(tmp_path, "push = false\nforce = false").options == Options()


def test_the_guarded_settings_are_those_of_the_page() -> None:
    page = (HOME / "docs/trust.md").read_text()
    assert [setting.name for setting in SETTINGS if (f"| `{setting.name}` |" in page) != bool(setting.guard)] == []


def test_everything_that_is_refused_is_listed_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        found(tmp_path, "push = true\nquiet = true\ninclude = ['/etc/shadow']\nuser = '0'\n")
    assert [detail.partition(":")[0] for detail in caught.value.details] == ["push", "quiet", "include"]


@pytest.mark.parametrize(
    "line",
    [
        "include = ['/etc/passwd']",
        "include = ['../secret']",
        "include = ['a/../../secret:/x']",
        "include = ['link']",
        "include = ['link:/x']",
        "include = ['directory-link/secret']",
        "include = ['li*']",
        "include = ['*']",
        "ca-bundle = '/root/ca.pem'",
        "ca-bundle = 'link'",
        "locked = '/root/.docker/config.json'",
        "locked = '../lock.json'",
        "locked = 'link'",
        "env = ['AWS_SECRET_ACCESS_KEY']",
        "env = ['TZ=/root/.ssh/id_rsa']",
        "env = ['TZ=:/root/.ssh/id_rsa']",
        "env = ['TZDIR=/home/me']",
        "env = ['LANG=../../../../root']",
        "env = ['LD_LIBRARY_PATH=/usr/lib:/home/me/lib']",
        "env = ['LD_PRELOAD=/home/me/a.so']",
        "env = ['PATH=/usr/bin:/home/me/bin']",
        "env = ['ICU_DATA=/usr/../home/me']",
    ],
)
def test_nothing_outside_of_its_directory_is_read(tmp_path: Path, line: str) -> None:
    inside = tmp_path / "repository"
    inside.mkdir()
    (tmp_path / "secret").write_text("secret")
    (inside / "link").symlink_to("../secret")
    (inside / "directory-link").symlink_to("..")
    with pytest.raises(UsageError) as caught:
        found(inside, line)
    assert "secret\n" not in str(caught.value.details)


def test_what_describes_the_image_is_taken(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/app.toml").write_text("x")
    text = (
        "tag = 'app:1'\nuser = '0'\nentrypoint = ['/app']\nworkdir = '/srv'\nneed = {tmp = 'always'}\nexclude = ['*.a']\n"
        "include = ['conf/app.toml:/etc/app.toml', 'conf', 'conf/*']\ntimezone = ['UTC']\npackage-db = true\n"
        "env = ['TZ=Europe/Berlin', 'LANG=de_DE.UTF-8', 'PATH=/usr/bin:/bin', 'TERM=xterm-256color', 'HOME=/root']\n"
    )
    options = found(tmp_path, text).options
    assert (options.tag, options.user, options.package_db, len(options.env)) == (("app:1",), "0", True, 5)


@pytest.mark.parametrize(
    "given", [{"push": True}, {"load": "auto"}, {"output": ("type=registry",)}, {"output": ("registry",)}]
)
def test_the_name_that_it_gives_is_not_where_an_image_goes(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="which nobody named"):
        found(tmp_path, "tag = 'evil.example.org/x'", given)
    assert found(tmp_path, "tag = 'evil.example.org/x'", {**given, "tag": ("mine",)}).options.tag == ("mine",)


def test_every_variable_that_a_need_reads_is_known_here() -> None:
    """A variable of a need's table may name a file, so a new one must be thought of."""
    read = {name for row in (*ROWS, *LANGUAGES) for name in row.wants.env}
    assert read - PATHS == set()


def test_a_settings_file_is_a_small_regular_file_of_its_directory(tmp_path: Path) -> None:
    """S6: nothing is waited for."""
    plain = tmp_path / "scratchpack.toml"
    os.mkfifo(plain)
    with pytest.raises(UsageError, match="not a regular file"):
        merge({}, environ={}, directory=str(tmp_path))
    plain.unlink()
    plain.symlink_to("/dev/zero")
    with pytest.raises(UsageError, match="leads out of its directory"):
        merge({}, environ={}, directory=str(tmp_path))
    with pytest.raises(UsageError, match="not a regular file"):
        merge({}, environ={}, config=str(plain))
    plain.unlink()
    plain.write_text("#" * (1 << 20) + "\n")
    with pytest.raises(UsageError, match="longer than 1048576 bytes"):
        merge({}, environ={}, directory=str(tmp_path))
    plain.unlink()
    plain.symlink_to("real.toml")
    (tmp_path / "real.toml").write_text("user = '7'")
    assert merge({}, environ={}, directory=str(tmp_path)).options.user == "7"
    plain.unlink()
    os.mkfifo(tmp_path / "pyproject.toml")
    with pytest.raises(UsageError, match="not a regular file"):
        merge({}, environ={}, directory=str(tmp_path))


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support import build

    return build.cc(tmp_path_factory.mktemp("trust") / "hello", build.HELLO_C, "-static", "-s")


def test_a_cloned_repository_cannot_pack_push_replace_or_silence(hello: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("kept")
    (tmp_path / "scratchpack.toml").write_text(
        'include = ["/etc/passwd"]\npush = true\ntag = ["localhost:1/evil"]\nforce = true\nquiet = true\n'
        'output = ["type=local,dest=victim"]\n'
    )
    done = scratchpack(hello, cwd=tmp_path)
    assert done.status == 2
    assert done.err.startswith("scratchpack: cannot use ./scratchpack.toml, which nobody named")
    for name in ("include", "push", "force", "quiet", "output"):
        assert re.search(rf"^  {name}: ", done.err, re.MULTILINE), done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scratchpack.toml", "victim"]
    assert (victim / "file").read_text() == "kept"


def test_stderr_names_the_file_that_was_found_in_a_quiet_run_too(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.scratchpack]\nuser = 1000\n")
    assert scratchpack(hello, "-q", cwd=tmp_path).err == "settings: ./pyproject.toml\n"
    (tmp_path / "mine.toml").write_text("quiet = true\n")
    assert scratchpack(hello, "--config", "mine.toml", cwd=tmp_path).err == ""
    assert "settings: mine.toml" in scratchpack(hello, "--config", "mine.toml", "--no-quiet", cwd=tmp_path).err


def test_a_setting_for_another_command_is_passed_over_with_a_word(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "scratchpack.toml").write_text('push = true\nplatform = "linux/amd64"\n')
    for words in (("dockerfile", hello), ("inspect", hello), ("verify", hello)):
        done = scratchpack(*words, cwd=tmp_path)
        assert done.status == 0, done.err
        assert f"settings: ./scratchpack.toml ({words[0]} does not take platform, push)" in done.err
    refused = scratchpack("inspect", hello, cwd=tmp_path, env={"SCRATCHPACK_PUSH": "true"})
    assert (refused.status, refused.out) == (2, "")


def test_a_fifo_as_settings_file_does_not_hang_the_run(hello: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "scratchpack.toml")
    with pytest.raises(subprocess.TimeoutExpired):  # the check can fail: who opens it waits
        subprocess.run(["cat", "scratchpack.toml"], cwd=tmp_path, timeout=0.2, check=False)
    assert scratchpack(hello, cwd=tmp_path, timeout=20).status == 2
