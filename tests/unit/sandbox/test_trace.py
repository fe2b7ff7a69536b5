"""Both tracers see the same, as root and as an ordinary user: strace and our own (W31, W32, W34)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.errors import InputError
from scratchpack.sandbox import strace
from scratchpack.sandbox.trace import Trace, TraceRecord, read_lines
from tests.support import build, tools
from tests.unit.sandbox import programs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.guests import Host, Told


pytestmark = pytest.mark.xdist_group("sandbox")  # the limit on processes is a user's, whoever started them


@pytest.fixture(scope="module")
def image(host: Host) -> Path:
    root = host.home / "traced"
    build.cc(root / "touch", programs.TOUCH, "-static", "-pthread")
    build.cc(root / "touch-dynamic", programs.TOUCH, "-pthread")
    listed = subprocess.run(["ldd", str(root / "touch-dynamic")], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"(/\S+) \(", listed):  # where the loader looks without a cache
        place = root / (library if "ld-" in library else f"lib/{os.path.basename(library)}").lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, place)
    build.cc(root / "ring", programs.RING, "-static")
    build.cc(root / "touch32", programs.TOUCH, "-static", "-pthread", compiler="i686-linux-gnu-gcc")
    for name in (
        "opened",
        "looked",
        "asked",
        "looked-at",
        "mapped",
        "in-thread",
        "in-child",
        "sub/relative",
        "sub/grandchild",
    ):
        (root / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "data" / name).write_text(name)
    (root / "data/through").symlink_to("../data")
    return host.own(root)


def both(host: Host, root: Path, *argv: str, **guest: Any) -> tuple[Told, Trace]:
    """What two tracers agree on."""
    tools.need("strace", package="strace")
    told, ours = host.trace("ptrace", root, *argv, **guest)
    again, theirs = host.trace("strace", root, *argv, **guest)
    assert told == again
    assert set(ours.records) ^ set(theirs.records) == set()
    assert ours.notes == theirs.notes
    return told, ours


@pytest.mark.parametrize("program", ["/touch", "/touch32", "/touch-dynamic"])
def test_children_threads_and_what_is_executed_again_are_seen(host: Host, image: Path, program: str) -> None:
    """The 32-bit program makes its calls by other numbers, in another order of arguments."""
    told, trace = both(host, image, program)
    assert (told.status, told.out) == (0, "done\n")
    seen = {(record.path, record.kind) for record in trace.records}
    assert seen >= {
        (program, "executed"),
        ("/data/opened", "opened"),
        ("/data/missing", "absent"),
        ("/data/opened/below", "absent"),
        ("/data/looked", "stat"),
        ("/data/asked", "stat"),
        ("/data/sub", "opened"),
        ("/data/sub", "listed"),
        ("/data/sub/relative", "opened"),
        ("/data/sub/../looked-at", "stat"),
        ("/data/mapped", "opened"),
        ("/data/mapped", "mapped"),
        ("/data/new", "unwritable"),
        ('/data/name with \udcff "quotes" <and> brackets,', "absent"),
        ("/data/through/looked", "stat"),
        ("/data/in-child", "opened"),
        ("/data/sub/grandchild", "opened"),
        ("/data/spawned", "absent"),
        ("/data/in-thread", "opened"),
        ("/data/after-exec", "absent"),
    }
    assert {record.by for record in trace.records} == {"", program}
    assert program != "/touch-dynamic" or ("/lib/libc.so.6", "mapped") in seen


def test_a_program_that_asks_for_io_uring_gets_none_and_the_trace_says_so(host: Host, image: Path) -> None:
    told, trace = both(host, image, "/ring")
    assert (told.status, told.out) == (0, "Function not implemented\n")
    [note] = trace.notes
    assert note.startswith("/ring asked for io_uring")


def test_a_script_of_this_machine_is_traced_in_the_machines_own_root(host: Host) -> None:
    """W30: read-only, with the directory of the program as the one that takes files."""
    python = "/usr/bin/python3"
    if shutil.which(python) is None:
        tools.missing("no Python in /usr/bin (Debian package: python3)")
    home = host.home / "script"
    home.mkdir(exist_ok=True)
    home.chmod(0o777)
    script = home / "run.py"
    script.write_text(
        f"#!{python} -I\nimport json, os\nopen('made', 'w').close()\nprint(os.listdir('/usr/share/zoneinfo') and 'listed')\n"
    )
    script.chmod(0o755)
    host.own(home)
    words = {"whole": True, "scratch": [str(home)], "cwd": str(home)}
    told, trace = both(host, "/", str(script), **words)  # type: ignore[arg-type]
    assert (told.status, told.out) == (0, "listed\n"), told.err
    assert TraceRecord("/usr/share/zoneinfo", "listed", str(script)) in trace.records
    assert TraceRecord(f"{home}/made", "written", str(script)) in trace.records
    assert any(path.endswith("/json/__init__.py") for path in trace.paths("stat", "opened"))
    assert not (home / "made").exists()


def test_names_of_all_calls_are_kept_where_asked(host: Host, image: Path) -> None:
    _, ours = host.trace("ptrace", image, "/touch", names=True)
    _, theirs = host.trace("strace", image, "/touch", names=True)
    assert set(ours.syscalls) ^ set(theirs.syscalls) <= {"futex"}  # only a thread that is waited for too late calls it
    assert {"openat", "write", "exit_group", "mmap"} <= set(ours.syscalls)
    assert ours.records == theirs.records


def test_a_trace_is_a_file_that_merges_and_comes_back() -> None:
    one = Trace((TraceRecord("/a", "opened", "/p"), TraceRecord("/b\udcff", "absent", "/p")), ("note",), ("read",))
    two = Trace((TraceRecord("/a", "opened", "/p"), TraceRecord("/c", "listed", "/q")))
    merged = one.merged(two)
    assert [record.path for record in merged.records] == ["/a", "/b\udcff", "/c"]
    assert read_lines(merged.lines(), origin="x") == merged


@pytest.mark.parametrize(
    "line",
    ['{"path": "a", "kind": "opened", "by": ""}', '{"path": "/a", "kind": "no", "by": ""}', "{", "[1]", "[" * 9999],
)
def test_a_line_that_is_none_of_ours_is_named(line: str) -> None:
    with pytest.raises(InputError, match="line 2"):
        read_lines(['{"schema": 1}', line], origin="x")


def test_plain_output_of_strace_is_read() -> None:
    """As a person makes it: no hexadecimal, calls of several processes interleaved."""
    trace = strace.read(
        [
            'execve("/bin/tool", ["tool", "a, b"], 0x7ffd /* 3 vars */) = 0\n',
            '[pid  12] openat(AT_FDCWD</work>, "x\\n\\"y\\"", O_RDONLY|O_CLOEXEC <unfinished ...>\n',
            '[pid  13] execve("/bin/other", ["other"], 0x0) = 0\n',
            "[pid  12] <... openat resumed>) = 3</work/x>\n",
            '12 execve("/bin/third", ["third"], 0x0) = 0\n',
            '12 openat(AT_FDCWD</work>, "x\\n\\"y\\"", O_RDONLY|O_CLOEXEC <unfinished ...>\n',
            '13 openat(AT_FDCWD</work>, "gone", O_RDONLY) = -1 ENOENT (No such file or directory)\n',
            "12 <... openat resumed>) = 3</work/x>\n",
            "12 +++ exited with 0 +++\n",
        ]
    )
    assert set(trace.records) == {
        TraceRecord("/bin/tool", "executed", ""),
        TraceRecord("/bin/other", "executed", ""),
        TraceRecord("/bin/third", "executed", ""),
        TraceRecord('/work/x\n"y"', "opened", "/bin/third"),
        TraceRecord("/work/gone", "absent", "/bin/other"),
    }


_EXEC_OF_A_THREAD = [
    '7 execve("/p", ["p"], 0x0 /* 0 vars */) = 0\n',
    "7 clone3({flags=CLONE_VM|CLONE_THREAD}, 88) = 8\n",
    '8 execve("/q", ["q"], 0x0 /* 0 vars */ <unfinished ...>\n',
    "7 +++ superseded by execve in pid 8 +++\n",
]


@pytest.mark.parametrize(
    ("result", "lost"),
    [
        ("0", False),
        ("-1 (errno 18446744073709551604)", False),
        ("12", False),
        ("-1 (errno 18446744073709551614)", True),
    ],
    ids=["seen", "brk, read as an error", "brk", "open"],
)
def test_an_exec_of_a_thread_is_one_whatever_strace_shows_as_its_result(result: str, lost: bool) -> None:
    """strace 6.1 may give the number of the new program's first call there; which one that may be is traced for it (W32)."""
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers are x86-64's")
    trace = strace.read([*_EXEC_OF_A_THREAD, f"7 <... execve resumed>) = {result}\n", '7 open("/d", O_RDONLY) = 3\n'])
    assert trace.paths("stat") == frozenset()
    assert TraceRecord("/q", "executed", "/p") in trace.records
    assert TraceRecord("/d", "opened", "/q") in trace.records
    assert bool(trace.notes) is lost
