"""Tier and option give a decision, and what the pieces of single needs compute."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from scratchpack.elf.evidence import Elf
from scratchpack.elf.reader import read_elf
from scratchpack.errors import NeedError, UsageError
from scratchpack.loader.model import Closure, FoundBy, Resolution
from scratchpack.needs.base import NeedOptions
from scratchpack.needs.decide import decision, examine
from scratchpack.needs.index import ROWS
from scratchpack.needs.load import need_of
from scratchpack.needs.system.driver import is_driver
from scratchpack.needs.system.gconv import USUAL, wanted_modules
from scratchpack.needs.system.locale import spellings
from scratchpack.needs.system.users import accounts
from scratchpack.sysroot.dirroot import DirRoot
from tests.support import build

if TYPE_CHECKING:
    from pathlib import Path

    from scratchpack.needs.base import NeedResult, Row


def examined(program: Path, root: Path, **options: object) -> dict[str, NeedResult]:
    """The needs of a static program, by name."""
    seen = DirRoot(str(root))
    path = "/" + program.relative_to(root).as_posix()
    node = seen.lookup(path)
    assert node is not None
    with seen.open(node) as stream:
        facts = read_elf(stream, origin=path)
    own = Resolution(path, path, node, seen, FoundBy.ROOT, "", facts)
    found = examine(
        own,
        Closure((own,), (), (), ()),
        seen,
        lambda item: Elf(lambda: item.root.open(item.node), item.facts),
        NeedOptions(**options),  # type: ignore[arg-type]
    )
    return {need.name: need for need in found}


@pytest.mark.parametrize(
    ("tier", "adds", "mode", "expected"),
    [
        ("a", "a", "auto", "added"),
        ("b", "a", "auto", "suggested"),
        ("c", "a", "auto", "suggested"),
        ("c", "abc", "auto", "added"),  # N1: a miss aborts
        ("a", "", "auto", "suggested"),  # N28: report only
        ("", "a", "always", "added"),
        ("c", "a", "always", "added"),
        ("a", "a", "never", "off"),
    ],
)
def test_tier_and_option_give_the_decision(tier: str, adds: str, mode: str, expected: str) -> None:
    assert decision(tier, adds, mode) == expected


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_of_the_index_leads_to_a_need_of_that_name(row: Row) -> None:
    need = need_of(row)

    assert need.name == row.name
    assert need.summary
    assert set(need.adds) <= {"a", "b", "c"}


def test_a_mode_or_a_need_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    program = build.cc(tmp_path / "hello", build.HELLO_C, "-static")

    with pytest.raises(UsageError, match="auto, always or never"):
        examined(program, tmp_path, modes={"tmp": "sometimes"})
    with pytest.raises(UsageError, match="there is no such need"):
        examined(program, tmp_path, modes={"tmpp": "never"})


@pytest.mark.parametrize("compiler", ["gcc", "musl-gcc"])
def test_a_static_hello_is_given_nothing(compiler: str, tmp_path: Path) -> None:
    program = build.cc(tmp_path / "hello", build.HELLO_C, "-static", compiler=compiler)

    found = examined(program, tmp_path, env={"TZ": "Europe/Berlin", "LC_ALL": "C.UTF-8"})

    assert [need.name for need in found.values() if need.decision == "added"] == []


def test_a_static_program_that_looks_users_up_is_given_them(tmp_path: Path) -> None:
    source = "#include <pwd.h>\nint main(void) { return getpwuid(0) == 0; }\n"
    program = build.cc(tmp_path / "users", source, "-static", compiler="musl-gcc")

    assert examined(program, tmp_path)["users"].decision == "added"  # N2b


def test_a_go_server_is_given_no_certificate_no_zone_and_no_user(tmp_path: Path) -> None:
    source = 'package main\nimport "net/http"\nfunc main() { http.ListenAndServe(":8080", http.NotFoundHandler()) }\n'
    program = build.go(tmp_path / "server", source)

    found = examined(program, tmp_path)

    assert {"ca-certificates", "timezone", "users"} & {n.name for n in found.values() if n.decision == "added"} == set()


def test_all_that_cannot_be_provided_is_said_together(tmp_path: Path) -> None:
    program = build.cc(tmp_path / "hello", build.HELLO_C, "-static")

    with pytest.raises(NeedError) as caught:
        examined(program, tmp_path, modes={"services": "always", "ca-certificates": "always"})

    assert len(caught.value.details) == 2
    assert "--ca-bundle" in caught.value.details[0]
    assert "--need services=never" in caught.value.details[1]
    assert caught.value.exit_code == 5


def test_somebody_elses_need_joins_through_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = tmp_path / "site"
    (plugin / "theirs-1.dist-info").mkdir(parents=True)
    (plugin / "theirs-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (plugin / "theirs-1.dist-info" / "entry_points.txt").write_text("[scratchpack.needs]\nmotd = theirs_motd:NEED\n")
    (plugin / "theirs_motd.py").write_text(
        "from scratchpack.needs.base import Contribution, Wants\n"
        "from scratchpack.needs.gather import reasons, written\n"
        "class Motd:\n"
        "    protocol, name, summary, adds, wants = 1, 'motd', 'no message of the day', 'a', Wants()\n"
        "    def detect(self, subject): return ()\n"
        "    def provide(self, root, evidence, options, subject):\n"
        "        return Contribution((written('/etc/motd', 'hi', reasons(self.name, evidence)),))\n"
        "NEED = Motd()\n"
    )
    monkeypatch.setattr(sys, "path", [str(plugin), *sys.path])
    program = build.cc(tmp_path / "hello", build.HELLO_C, "-static")

    found = examined(program, tmp_path, modes={"motd": "always"})

    assert [entry.path for entry in found["motd"].files] == ["/etc/motd"]


def test_charsets_lead_to_modules_through_their_aliases() -> None:
    table = ["alias LATIN2// ISO-8859-2//", "module ISO-8859-2// INTERNAL ISO8859-2 1", "# module X// INTERNAL X 1"]

    assert list(wanted_modules(table, ["latin2", "hello", *USUAL])) == ["ISO8859-2.so"]  # N3


def test_a_locale_is_tried_under_the_names_that_glibc_tries() -> None:
    assert spellings("C.UTF-8") == ("C.UTF-8", "C.utf8")  # N4
    assert spellings("de_DE.ISO-8859-15@euro") == ("de_DE.ISO-8859-15@euro", "de_DE.iso885915@euro")


def test_the_images_user_has_a_line_of_its_own(tmp_path: Path) -> None:
    root = DirRoot(str(tmp_path))

    passwd, group = accounts(root, "1000:1001")

    assert [line.split(":")[0] for line in passwd.splitlines()] == ["root", "nobody", "nonroot", "user1000"]  # N2b
    assert "x:1001:" in group.splitlines()[-1]
    assert accounts(root, "65532:65532") == accounts(root, "nonroot")


def test_drivers_are_left_to_the_runtime_and_the_toolkit_is_not() -> None:
    assert is_driver("libcuda.so.1")  # N23
    assert is_driver("/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1")
    assert not is_driver("libcudart.so.12")
    assert not is_driver("libcublas.so.12")
