"""``inspect --why PATH`` follows links and draws the chain to the program for every path that a report shows (issue 12, Deliver 11)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import scratchpack
from scratchpack.report.json import plan_document
from scratchpack.report.why import near, why
from scratchpack.rootfs import Reason, Symlink
from tests.support import build
from tests.support.cli import scratchpack as command

if TYPE_CHECKING:
    from scratchpack.pipeline.model import Plan

OPENS = (
    '#include <dlfcn.h>\n#include <pwd.h>\nint main(void) { getpwuid(0); return !dlopen("libplug.so", RTLD_NOW); }\n'
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that moves, a library of a library behind a link, one that it opens, and files of needs."""
    home = tmp_path_factory.mktemp("why")
    deep = build.shared(home / "libdeep.so.1.2", "int deep(void) { return 0; }\n", "-Wl,-soname,libdeep.so.1")
    (home / "libdeep.so.1").symlink_to(deep.name)
    beside = ("-Wl,-rpath,$ORIGIN", "-Wl,--no-as-needed")
    near_it = build.shared(home / "libnear.so", "int near(void) { return 0; }\n", *beside, str(deep))
    build.shared(home / "libplug.so", "int plug(void) { return 0; }\n", *beside, str(deep))
    build.cc(home / "app", OPENS, *beside, str(near_it))
    return home


@pytest.fixture(scope="module")
def plan(home: Path) -> Plan:
    return scratchpack.inspect(str(home / "app"))


def _shown(plan: Plan) -> set[str]:
    """Every path of the JSON report that stands for something in the image."""
    document = plan_document(plan)
    paths = {row["path"] for row in document["files"]} | {document["binary"]["path"]}
    for need in document["needs"]:
        paths |= set(need["files"])
    for closure in (document["closure"], *(need["closure"] for need in document["needs"] if need["closure"])):
        for row in closure["resolved"]:
            paths |= {row["path"], row["real_path"], *row["links"]}
        for edge in closure["edges"]:
            paths |= {edge["requester"], edge["target"]}
    return paths - {None}


def test_every_path_of_a_report_has_a_chain_to_the_program(plan: Plan, home: Path) -> None:
    shown = _shown(plan)
    assert {f"{home}/libdeep.so.1", "/lib64/ld-linux-x86-64.so.2", "/etc/passwd", "/app/libplug.so"} <= shown
    for path in shown:
        told = why(plan, path)
        assert told is not None, path
        last = told.splitlines()[-1].strip()
        assert last == "the program" or last.endswith("/app is the program"), told


def test_a_chain_names_each_library_on_the_way_and_each_link(plan: Plan, home: Path) -> None:
    told = why(plan, "libdeep.so.1")
    assert told is not None
    lines = [line.strip() for line in told.splitlines()]
    assert lines[0] == "/app/libdeep.so.1.2"
    assert "through /app/libdeep.so.1 -> libdeep.so.1.2, link on the way to libdeep.so.1" in lines
    start = lines.index(f"libdeep.so.1, needed by {home}/libnear.so")
    assert lines[start + 1] == f"{home}/libnear.so is libnear.so, needed by {home}/app [runpath]"
    assert lines[start + 2] == f"{home}/app is the program"


def test_a_path_of_the_root_and_one_through_a_link_of_a_directory_lead_to_the_same_file(plan: Plan, home: Path) -> None:
    assert why(plan, f"{home}/libnear.so") == why(plan, "/app/libnear.so")
    real = why(plan, "/lib64/ld-linux-x86-64.so.2")
    assert real is not None
    assert "through /lib64 -> " in real or not Path("/lib64").is_symlink()


def test_what_a_need_brings_leads_over_its_evidence_to_the_program(plan: Plan, home: Path) -> None:
    told = why(plan, "/etc/passwd")
    assert told is not None
    assert [line.strip() for line in told.splitlines()[1:3]] == [
        f"users: {home}/app: imports getpwuid",
        f"{home}/app is the program",
    ]


def test_a_directory_that_nobody_asked_for_is_there_for_what_is_in_it(plan: Plan) -> None:
    told = why(plan, "/app")
    assert told is not None
    assert "a directory, for what is in it: /app/app" in told


def test_what_is_not_in_the_image_ends_with_6_and_what_is_near_it(plan: Plan, home: Path) -> None:
    assert why(plan, "/app/libdeep.so.2") is None
    assert near(plan, "/app/libdeep.so.2") == ("of that name is there: /app/libdeep.so.1, /app/libdeep.so.1.2",)
    assert near(plan, "/app/none/deeper") == (
        "in /app is there: app, libdeep.so.1, libdeep.so.1.2, libnear.so, libplug.so",
    )
    done = command("inspect", home / "app", "--why", "/app/no\x1b[2Jne")
    assert (done.status, done.out) == (6, "")
    assert "would not be in the image" in done.err
    assert "in /app is there: app, " in done.err
    assert "\x1b" not in done.err


@pytest.mark.parametrize("target", ["none", "link", "../app/app/deeper"])
def test_a_link_that_leads_nowhere_or_in_a_circle_is_told_as_one(plan: Plan, target: str) -> None:
    link = Symlink("/data/link", target, (Reason("option", "--include data"),))
    told = why(plan._replace(rootfs=plan.rootfs.merge([link])), "/data/link")
    assert told is not None
    assert "leads nowhere" in told
    assert told.endswith("  --include data\n")
