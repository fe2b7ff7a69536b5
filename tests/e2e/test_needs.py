"""Each need for real: the app fails in an image without it, works in ours, and its twin is given nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support import archives, build, sandbox, tools
from tests.support.cli import scratchpack

APPS = Path(__file__).parent.parent.parent / "sample_apps"


class Case(NamedTuple):
    need: str
    prints: str
    flags: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    only_when_asked: bool = False


CASES = (
    Case("libgcc", "joined"),  # N1
    Case("hosts", "127.0.0.1"),  # N2
    Case("users", "nonroot nobody"),  # N2b
    Case("services", "443 1"),  # N2c
    Case("gconv", "č"),  # N3
    Case("locale", "UTF-8", env=("LC_ALL=C.UTF-8",)),  # N4
    Case("timezone", "09:00 JST", env=("TZ=Asia/Tokyo",)),  # N5
    Case("openssl", "MD4", ("-lcrypto",)),  # N7
    Case("mozilla-nss", "ready", ("-l:libnss3.so",)),  # N9
    Case("tmp", "written"),  # N27
    Case("shell", "from a shell", only_when_asked=True),  # N28
    Case("programs", "WORD=started", only_when_asked=True),  # N51
    Case("dlopen-notes", "opened"),  # N29
    Case("dlopen", "opened"),  # N40
)


def _pack(program: Path, tree: Path, case: Case, mode: str) -> list[str]:
    """Pack into a tree; the paths in it."""
    words = [word for item in case.env for word in ("-e", item)]
    run = scratchpack(program, "-q", "-o", f"type=local,dest={tree}", "--need", f"{case.need}={mode}", *words)
    assert run.status == 0, run.err
    return sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))


def _run(tree: Path, program: str, env: tuple[str, ...] = ()) -> str:
    """Run in the tree alone, as the engines do: with /proc and /dev, and nothing else of this machine."""
    bwrap = tools.need("bwrap", package="bubblewrap")
    words = [word for item in env for word in ("--setenv", *item.split("=", 1))]
    done = subprocess.run(
        [
            bwrap,
            "--unshare-all",
            "--clearenv",
            *words,
            "--bind",
            tree,
            "/",
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            program,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.need)
def test_a_need_is_met_where_there_is_evidence_and_nowhere_else(case: Case, tmp_path: Path) -> None:
    home = APPS / f"need_{case.need.replace('-', '_')}"
    app = build.cc(tmp_path / "app", (home / "main.c").read_text(), *case.flags)
    twin = build.cc(tmp_path / "twin", (home / "twin.c").read_text(), *case.flags)
    mode = "always" if case.only_when_asked else "auto"

    bare = _pack(app, tmp_path / "bare", case, "never")
    full = _pack(app, tmp_path / "full", case, mode)

    assert set(full) > set(bare)
    assert _run(tmp_path / "bare", "/app", case.env) != case.prints
    assert _run(tmp_path / "full", "/app", case.env) == case.prints
    assert _pack(twin, tmp_path / "twin.auto", case, "auto") == _pack(twin, tmp_path / "twin.never", case, "never")
    assert _run(tmp_path / "twin.auto", "/twin", case.env) == case.prints


def test_the_report_gives_each_need_with_its_evidence(tmp_path: Path) -> None:
    app = build.cc(tmp_path / "app", (APPS / "need_users" / "main.c").read_text())

    run = scratchpack("inspect", app, "--json")

    (need,) = [need for need in json.loads(run.out)["needs"] if need["name"] == "users"]
    assert need["tier"] == "a"
    assert need["decision"] == "added"
    assert any("imports getpwuid" in json.dumps(evidence) for evidence in need["evidence"])
    assert "/etc/passwd" in need["files"]


def test_a_shell_is_reported_and_not_added(tmp_path: Path) -> None:
    app = build.cc(tmp_path / "app", (APPS / "need_shell" / "main.c").read_text())
    case = Case("shell", "")

    assert _pack(app, tmp_path / "auto", case, "auto") == _pack(app, tmp_path / "never", case, "never")  # N28
    (need,) = [n for n in json.loads(scratchpack("inspect", app, "--json").out)["needs"] if n["name"] == "shell"]
    assert need["decision"] == "suggested"


def test_a_program_that_is_started_by_its_whole_path_is_offered_and_not_added(tmp_path: Path) -> None:  # N51
    app = build.cc(tmp_path / "app", (APPS / "need_programs" / "main.c").read_text())
    case = Case("programs", "")

    assert _pack(app, tmp_path / "auto", case, "auto") == _pack(app, tmp_path / "never", case, "never")
    assert "--include /usr/bin/env" in scratchpack("inspect", app).out
    assert scratchpack("inspect", app, "--include", "/usr/bin/env").status == 0


def test_what_the_root_does_not_have_is_said_with_a_way_out(tmp_path: Path) -> None:
    app = build.cc(tmp_path / "app", (APPS / "need_gconv" / "main.c").read_text())
    root = tmp_path / "root"
    packed = scratchpack(app, "-q", "-o", f"type=local,dest={root}", "--need", "gconv=never")
    assert packed.status == 0, packed.err

    run = scratchpack("/app", "--root", root, "-o", f"type=local,dest={tmp_path / 'out'}")

    assert run.status == 5
    assert "gconv" in run.err
    assert "--need gconv=never" in run.err
    assert not (tmp_path / "out").exists()


SERVICE = """
#include <netdb.h>
#include <stdio.h>
int main(void)
{
    struct addrinfo *found;
    int failed = getaddrinfo("127.0.0.1", NAME, 0, &found);
    puts(failed ? gai_strerror(failed) : "resolved");
    puts(URL);
}
"""


@pytest.mark.parametrize(
    ("name", "url", "tier"), [("https", "", "a"), ("443", "", None), ("https", "https://localhost", "b")]
)
def test_a_service_is_looked_up_by_getaddrinfo_too(name: str, url: str, tier: str | None, tmp_path: Path) -> None:
    """N2c: by its name; a port's number needs no table, and beside a URL the name may be a scheme's."""
    app = build.cc(tmp_path / "app", SERVICE, f'-DNAME="{name}"', f'-DURL="{url}"')
    case = Case("services", "resolved")

    needs = json.loads(scratchpack("inspect", app, "--json").out)["needs"]
    found = next((need for need in needs if need["name"] == "services"), None)
    assert (found and found["tier"]) == tier
    files = _pack(app, tmp_path / "auto", case, "auto")
    assert ("etc/services" in files) == (tier == "a")
    assert _run(tmp_path / "auto", "/app").startswith("resolved") == (tier != "b")
    _pack(app, tmp_path / "never", case, "never")
    assert _run(tmp_path / "never", "/app").startswith("resolved") == (tier is None)


def _told(program: Path, need: str, *words: str | Path) -> dict[str, Any]:
    """What inspect says of one need."""
    run = scratchpack("inspect", program, "--json", *words)
    assert run.status == 0, run.err
    found: list[dict[str, Any]] = [item for item in json.loads(run.out)["needs"] if item["name"] == need]
    return found[0] if found else {}


def test_a_driver_is_left_to_the_runtime_that_is_told_to_mount_it(tmp_path: Path) -> None:
    """N23: the library is there when the program is built, and matches this machine's kernel alone."""
    ptx = build.shared(tmp_path / "driver/libptx.so", "int ptx(void) { return 0; }\n")
    source = "int ptx(void);\nint cuInit(unsigned flags) { return ptx() + flags; }\n"
    rpath = f"-Wl,-rpath,{ptx.parent}"
    driver = build.shared(tmp_path / "driver/libcuda.so.1", source, str(ptx), rpath)
    source = "int cuInit(unsigned);\nint main(void) { return cuInit(0); }\n"
    app = build.cc(tmp_path / "app", source, str(driver), rpath)
    twin = build.cc(tmp_path / "twin", build.HELLO_C)

    run = scratchpack(app, "-o", f"type=local,dest={tmp_path / 'tree'}")
    assert run.status == 0, run.err
    assert "left out, the container runtime brings it: libcuda.so.1" in run.err
    assert not [path for path in (tmp_path / "tree").rglob("*.so*") if path.name.startswith(("libcuda", "libptx"))]
    archived = scratchpack(app, "-q", "-o", f"type=docker,dest={tmp_path / 'app.tar'}")
    assert archived.status == 0, archived.err
    variables = dict(item.split("=", 1) for item in archives.read(tmp_path / "app.tar").config["config"]["Env"])
    assert variables["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert variables["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
    assert _told(twin, "driver") == {}

    driver.unlink()  # a machine that builds and has no such card
    elsewhere = scratchpack(app, "-q", "-o", f"type=local,dest={tmp_path / 'elsewhere'}")
    assert elsewhere.status == 0, elsewhere.err
    assert sandbox.run(tmp_path / "elsewhere", "/app").status == 127  # nothing else was taken for it


def test_the_report_says_what_the_engine_gives_and_what_nothing_gives(tmp_path: Path) -> None:
    """N26, N42: notes, and never a file."""
    source = '#include <syslog.h>\n#include <unistd.h>\nint main(void) { syslog(1, "x"); return access("/proc/self/exe", 0); }\n'
    app = build.cc(tmp_path / "app", source)

    need = _told(app, "notes")

    said = json.dumps(need["evidence"])
    assert (need["decision"], need["files"]) == ("suggested", [])
    assert "string /proc/self/exe: the engine mounts /proc" in said
    assert "imports syslog: syslog writes to /dev/log" in said
    assert _told(build.cc(tmp_path / "twin", build.HELLO_C), "notes") == {}


def test_the_report_says_which_package_a_file_was_built_for(tmp_path: Path) -> None:
    """N30: the note that Debian's, Fedora's and Arch's builds leave, in the assembler's words."""
    note = tmp_path / "note.s"
    text = r"{\"type\":\"deb\",\"name\":\"own\",\"version\":\"1.2-3\"}"
    note.write_text(
        '.section .note.package,"a",@note\n.balign 4\n.long 4, 2f-1f, 0xcafe1a7e\n'
        f'.asciz "FDO"\n1: .asciz "{text}"\n2: .balign 4\n'
    )
    app = build.cc(tmp_path / "app", build.HELLO_C, str(note))

    assert "package note: deb own 1.2-3" in json.dumps(_told(app, "notes")["evidence"])


def test_the_report_names_the_glibc_whose_modules_a_static_program_would_open(tmp_path: Path) -> None:
    """N41."""
    app = build.cc(tmp_path / "app", (APPS / "need_users" / "main.c").read_text(), "-static")

    need = _told(app, "notes")
    assert "static glibc" in json.dumps(need["evidence"])
    assert need["suggestion"] is None  # nothing can be added
    [line] = [
        line for line in scratchpack("inspect", app).out.splitlines() if "static glibc" in line and line[0] != " "
    ]
    assert line.startswith(f"note: {app}: static glibc")
    assert "modules must be of the same version" in line
