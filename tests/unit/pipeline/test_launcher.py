"""A shell script that starts what it names only at run time: what its package installed for it is named (N43, N47)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from scratchpack.needs.base import NeedOptions
from scratchpack.pipeline.scripting.launcher import launched
from scratchpack.pipeline.scripting.model import Script
from scratchpack.scripts.shell.program import shell_program
from scratchpack.sysroot.dirroot import DirRoot

if TYPE_CHECKING:
    from pathlib import Path

    from scratchpack.scripts.model import Command


def installed(root: Path, package: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True, exist_ok=True)
    (info / f"{package}.list").write_text("/.\n" + "\n".join(files) + "\n")
    with (root / "var/lib/dpkg/status").open("a") as status:
        status.write(f"Package: {package}\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n")


def line(root: Path, path: str) -> str:
    seen = DirRoot(str(root))
    node = seen.lookup(path)
    assert node is not None
    program = cast("Any", type("Program", (), {"node": node, "given": path, "path": path}))
    script = Script(program, program, seen, cast("Any", None), NeedOptions())

    def where(command: Command) -> str | None:
        return command.name if command.name.startswith("/") else f"/usr/bin/{command.name}"

    return launched(script, shell_program(seen, node), where)


def test_the_directories_of_its_package_are_offered_for_what_runs_under_a_name_made_at_run_time(tmp_path: Path) -> None:
    installed(
        tmp_path,
        "server",
        {
            "/usr/bin/server": '#!/bin/sh\n. /usr/lib/server/words.sh\nexec "$HOME_OF_IT/start" "$@"\n',
            "/usr/lib/server/words.sh": "a=b\n",
            "/usr/lib/server/start": "",
            "/usr/share/server/page": "",
            "/usr/share/doc/server/copyright": "",
            "/usr/share/bash-completion/completions/server": "",
            "/lib/systemd/system/server.service": "",
        },
    )
    assert line(tmp_path, "/usr/bin/server").endswith("add with --include /usr/lib/server --include /usr/share/server")


def test_launchers_that_it_certainly_runs_count_and_a_script_that_says_all_does_not(tmp_path: Path) -> None:
    installed(tmp_path, "outer", {"/usr/bin/outer": "#!/bin/sh\nexec runtime -x\n", "/usr/lib/outer/data": ""})
    installed(
        tmp_path,
        "runtime",
        {"/usr/bin/runtime": '#!/bin/bash\n"$ROOT/bin/start" $@\n', "/usr/lib/x86_64-linux-gnu/runtime/bin/start": ""},
    )
    said = line(tmp_path, "/usr/bin/outer")
    assert said.startswith("/usr/bin/runtime: ")
    assert said.endswith("add with --include /usr/lib/x86_64-linux-gnu/runtime")
    assert "/usr/lib/outer" not in said


def test_a_launcher_of_a_package_without_directories_of_its_own_has_no_line(tmp_path: Path) -> None:
    installed(tmp_path, "small", {"/usr/bin/small": '#!/bin/sh\n"$@"\n$X\n', "/usr/share/man/man1/small.1": ""})
    assert line(tmp_path, "/usr/bin/small") == ""
