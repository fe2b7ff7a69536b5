"""N43: the commands of a shell script, found by a parser; N47: the files beside it that it names."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from scratchpack.scripts.model import Mention, SourceText
from scratchpack.scripts.shell.program import ShellProgram, shell_program
from scratchpack.scripts.shell.reader import read_shell
from scratchpack.scripts.text import ScriptError
from scratchpack.sysroot.dirroot import DirRoot

if TYPE_CHECKING:
    from pathlib import Path


def program(tmp_path: Path, text: str, shell: str = "bash", **beside: str) -> ShellProgram:
    """Read /app/script of a root; ``beside`` are files of that directory, by their names with ``_`` for ``.``."""
    (tmp_path / "app").mkdir(exist_ok=True)
    (tmp_path / "app/script").write_text(f"#!/bin/{shell}\n{text}")
    for name, content in beside.items():
        (tmp_path / "app" / name.replace("_", ".")).write_text(content)
    with DirRoot(str(tmp_path)) as root:
        node = root.lookup("/app/script")
        assert node is not None
        return shell_program(root, node, shell)


def certain(found: ShellProgram) -> set[str]:
    return {command.name for command in found.commands if command.certain}


def doubted(found: ShellProgram) -> dict[str, str]:
    return {command.name: command.why for command in found.commands if not command.certain}


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("curl -s x | jq .a", {"curl", "jq"}),
        ("x=$(date +%s); y=`hostname`", {"date", "hostname"}),
        ("cat <<EOF\n$(uname) plain words\nEOF\n", {"cat", "uname"}),
        ("cat <<'EOF'\n$(uname)\nEOF\n", {"cat"}),
        ("diff <(sort a) <(sort b)", {"diff", "sort"}),
        ("for f in *; do gzip $f; done", {"gzip"}),
        ("while read l; do grep a; done < <(find .)", {"grep", "find"}),
        ("case $1 in a) tar x;; *) unzip x;; esac", {"tar", "unzip"}),
        ("[ -n x ] && [[ -n y ]] && awk 1", {"awk"}),
        ("A=1 B=2 env -i -u X C=3 make all", {"env", "make"}),
        ("exec -a name nice -n 5 nohup java -jar x", {"nice", "nohup", "java"}),
        ("sudo -u bob -E tee x", {"sudo", "tee"}),
        ("timeout -s KILL 5 rsync a b", {"timeout", "rsync"}),
        ("ls | xargs -n 1 -P4 rm -f", {"ls", "xargs", "rm"}),
        (r"find . -exec grep x {} + -o -execdir wc {} \;", {"find", "grep", "wc"}),
        ("trap 'rm -rf \"$T\"; umount /x' EXIT", {"rm", "umount"}),
        ("trap - EXIT", set()),
        ("sh -ec 'head x | tail y'", {"sh", "head", "tail"}),
        ("bash -c \"trap 'kill1 $x' EXIT\"", {"bash", "kill1"}),
        ("command sed x", {"sed"}),
        ("eval 'cut -f1'", {"cut"}),
        (r"\rm x; 'l's; \printf x", {"rm", "ls"}),
        ("/opt/tool/bin/run x", {"/opt/tool/bin/run"}),
        ("time sleep 1; ! cmp a b", {"sleep", "cmp"}),
        ("start-stop-daemon --start --exec /usr/sbin/nginx", {"start-stop-daemon", "/usr/sbin/nginx"}),
        ("f() { sort; }; f", {"sort"}),
        ("f() { g; }; g() { uniq; }; trap f EXIT", {"uniq"}),
        ("echo curl; printf '%s' jq; cd x; test -f y; export Z; # wget", set()),
    ],
)
def test_constant_words_at_the_place_of_a_command_are_certain(tmp_path: Path, text: str, commands: set[str]) -> None:
    found = program(tmp_path, text)
    assert certain(found) == commands
    assert not found.warnings


@pytest.mark.parametrize(
    ("text", "name", "why"),
    [
        ("f() { convert x; }", "convert", "in the function f, which nothing calls"),
        ("command -v pigz >/dev/null && pigz x", "pigz", "line 2 tests whether it is there"),
        ("if which pigz; then pigz x; else :; fi", "pigz", "line 2 tests whether it is there"),
        ("if [ -x /bin/foo ]; then /bin/foo; fi", "/bin/foo", "line 2 tests whether it is there"),
        ('P=less; "$P" x', "less", "named by the variable P"),
        ("${PAGER:-less} x", "less", "named by the variable PAGER"),
    ],
)
def test_what_may_not_be_run_is_listed_with_the_reason(tmp_path: Path, text: str, name: str, why: str) -> None:
    found = program(tmp_path, text)
    assert doubted(found)[name] == why
    assert name not in certain(found)


@pytest.mark.parametrize(
    "text",
    [
        "command -v jq >/dev/null || { echo need jq; exit 1; }\njq .",
        "if ! command -v jq >/dev/null; then echo no >&2; exit 3; fi; jq .",
        "command -v jq || die 'jq is needed'",
        "if command -v jq; then :; else exit 1; fi",
    ],
)
def test_a_test_without_which_the_script_gives_up_makes_its_command_certain(tmp_path: Path, text: str) -> None:
    assert "jq" in certain(program(tmp_path, text))


def test_what_the_script_decides_while_it_runs_is_listed_with_its_line(tmp_path: Path) -> None:
    found = program(tmp_path, '"$CMD" x\neval "$y"\ncurl x | sh\nchroot /mnt ls\nxargs $TOOL\n. "$UNKNOWN/x"\n')
    assert [(unknown.line, unknown.what) for unknown in found.unknown] == [
        (2, '"$CMD" x'),
        (3, 'eval of "$y"'),
        (4, "sh reads its commands from standard input"),
        (5, "in another root: chroot /mnt ls"),
        (6, "xargs $TOOL"),
        (7, '. "$UNKNOWN/x"'),
    ]
    assert found.open_ended
    assert "ls" not in certain(found)


@pytest.mark.parametrize(
    "directory",
    [
        '"$(dirname "$0")"',
        "`dirname $0`",
        '"${0%/*}"',
        '"${BASH_SOURCE[0]%/*}"',
        '"$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"',
        '"$(cd -- "$(dirname -- "$0")" >/dev/null 2>&1 && pwd)"',
        '"$(dirname "$(readlink -f "$0")")"',
        '"$(dirname "$(realpath -- "${BASH_SOURCE}")")"',
    ],
)
def test_a_script_s_own_directory_is_known_however_it_is_written(tmp_path: Path, directory: str) -> None:
    found = program(
        tmp_path, f'here={directory}\n. "$here/lib.sh"\n"$here"/bin/tool\ncat "$here/../data/x"\n', lib_sh="wc x\n"
    )
    assert [(m.path, m.base, m.how) for m in found.mentions] == [
        ("lib.sh", "script", "sourced"),
        ("bin/tool", "script", "run"),
        ("../data/x", "script", "named"),
    ]
    assert "wc" in certain(found), "what it sources is read too"
    assert not found.missing


def test_after_cd_to_its_own_directory_relative_names_are_beside_the_script(tmp_path: Path) -> None:
    found = program(tmp_path, 'cd "$(dirname "$0")" || exit\n. ./lib.sh\n./tool\n', lib_sh="sort\n")
    assert {(m.path, m.how) for m in found.mentions} == {("lib.sh", "sourced"), ("tool", "run")}
    assert "sort" in certain(found)


def test_functions_and_calls_are_one_over_all_sourced_files_and_cycles_end(tmp_path: Path) -> None:
    found = program(
        tmp_path, '. "$(dirname "$0")/lib.sh"\nlog x\nhook() { date; }\n',
        lib_sh='. "$(dirname "$0")/script"\nlog() { logger "$1"; hook; }\nunused() { curl; }\n',
    )  # fmt: skip
    assert certain(found) == {"dirname", "logger", "date"}
    assert doubted(found) == {"curl": "in the function unused, which nothing calls"}


def test_a_sourced_file_that_is_nowhere_is_named_with_its_line(tmp_path: Path) -> None:
    found = program(tmp_path, '\n. "${0%/*}/gone.sh"\n. /etc/gone.conf\n')
    assert found.missing == (
        Mention("gone.sh", "script", "sourced", "/app/script", 3),
        Mention("/etc/gone.conf", "root", "sourced", "/app/script", 4),
    )


def test_directories_that_it_adds_to_path_are_noticed(tmp_path: Path) -> None:
    assert program(tmp_path, "export PATH=/opt/x/bin:$PATH:/sbin\nls").search == ("/opt/x/bin", "/sbin")


def test_the_builtins_are_those_of_its_own_shell(tmp_path: Path) -> None:
    assert certain(program(tmp_path, "print x; local y", "zsh")) == set()
    assert certain(program(tmp_path, "print x; local y", "sh")) == {"print"}


def test_commands_in_text_that_does_not_parse_are_listed_and_not_certain(tmp_path: Path) -> None:
    found = program(tmp_path, "curl x\nif ((((; then ) jq\n")
    assert doubted(found)["curl"] == "in text that does not parse"
    assert "line 2 does not parse as shell" in found.warnings[0]


@pytest.mark.parametrize(
    "piece",
    [
        *("<<E ", "if a; then ", "`", "a;"),
        *(
            pytest.param(p, marks=pytest.mark.campaign)
            for p in ('a<<E $( "`\n', "(a=", "f() { ", "$(", "[[ ( ", '"$(', "a ")
        ),
    ],
)
def test_a_grammar_bomb_is_refused_in_bounded_time(piece: str) -> None:
    """S4: what would take minutes ends at the deadline with a typed error, or is small enough to be read."""
    data = (piece * ((1 << 20) // len(piece))).encode()
    with contextlib.suppress(ScriptError):
        read_shell(SourceText("bomb", data))
    with pytest.raises(ScriptError, match="over the limit"):
        read_shell(SourceText("bomb", data * 10))


def test_every_command_that_a_real_shell_starts_was_found(tmp_path: Path) -> None:
    """bash is the referee: it runs the script with nothing but recorders in PATH, and none of what it started may be unknown to us."""
    tools = tmp_path / "tools"
    tools.mkdir()
    log = tmp_path / "log"
    names = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "env",
        "xargs",
        "nice",
        "nohup",
        "timeout",
    ]
    for name in names:
        wrapper = {
            "env": 'shift; exec "$@"',
            "xargs": 'exec "$@"',
            "nice": 'shift 2; exec "$@"',
            "nohup": 'exec "$@"',
            "timeout": 'shift; exec "$@"',
        }
        (tools / name).write_text(f"#!/bin/bash\necho {name} >>{log}\n{wrapper.get(name, ':')}\n")
        os.chmod(tools / name, 0o755)
    script = (
        "f() { one | two; }\nf\nx=$(three; nice -n 5 four)\ncat() { :; }\ncat <<EOF\n`five`\nEOF\n"
        "env A=1 nohup six\necho | xargs seven\ntrap eight EXIT\nif nine; then timeout 3 ten; fi\n"
    )
    found = program(tmp_path, script)
    subprocess.run(
        ["/bin/bash", str(tmp_path / "app/script")], env={"PATH": str(tools)}, check=True, capture_output=True
    )
    assert set(log.read_text().split()) == certain(found) == set(names)
