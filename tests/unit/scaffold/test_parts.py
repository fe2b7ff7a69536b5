"""The Makefile part, the Bake file and the CI jobs: published schemas, and nothing of a user's outside its string."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import OutputError, UsageError
from scratchpack.scaffold import files
from scratchpack.scaffold.listing import listing
from scratchpack.scaffold.parts import PARTS, PartWishes, part
from tests.support import tools
from tests.support.hostile import HOSTILE_NAMES

if TYPE_CHECKING:
    from pathlib import Path

# a Bake file of ours is one in the Compose format, whose schema the Compose specification publishes
SCHEMAS = {"bake": "vendor.compose-spec", "github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}
WISHES = (
    PartWishes(),
    PartWishes(
        targets=("api", "worker=build/worker.Dockerfile"), platforms=("linux/amd64", "linux/arm/v7"),
        registry="registry.example:5000/team", binary="./out/a b: [x]", build="make -j2 'all' # \"x\"", image="golang:1.27",
    ),
)  # fmt: skip


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_file_passes_its_published_schema(name: str, tmp_path: Path) -> None:
    program = tools.need("check-jsonschema", package="check-jsonschema")
    made = [tmp_path / "plain.yaml", tmp_path / "full.yaml"]
    for path, wishes in zip(made, WISHES, strict=True):
        path.write_text(part(name, wishes))
    done = subprocess.run(
        [program, "--builtin-schema", SCHEMAS[name], *made],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_a_ci_job_builds_packs_verifies_and_pushes_in_this_order(name: str) -> None:
    text = part(name, PartWishes(build="cargo build"))
    steps = ["cargo build", "scratchpack pack", "scratchpack verify image.tar", "--push"]
    places = [text.index(step) for step in steps]
    assert places == sorted(places)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_path_stays_in_its_string_or_is_refused(name: str) -> None:
    """S12: the shape of the file is that of a harmless one."""
    for kind in ("github", "gitlab"):
        if not name.isprintable():
            with pytest.raises(UsageError, match="cannot use --binary"):
                part(kind, PartWishes(binary=name))
            continue
        assert len(part(kind, PartWishes(binary=name)).splitlines()) == len(part(kind, PartWishes()).splitlines())
    with pytest.raises(UsageError, match="cannot use --target"):
        part("bake", PartWishes(targets=(name,)))


def test_a_bake_file_names_every_target_and_platform() -> None:
    text = part("bake", WISHES[1])
    assert re.findall(r"^  (\w+):$", text, re.MULTILINE) == ["api", "worker"]
    assert text.count('"linux/arm/v7"') == 2
    assert '"build/worker.Dockerfile"' in text
    assert '"api.Dockerfile"' in text


@pytest.mark.parametrize(
    "wishes",
    [
        PartWishes(platforms=("x y",)),
        PartWishes(registry="a b"),
        PartWishes(targets=("a=$X",)),
        PartWishes(targets=("a", "b", "a=other")),
    ],
)
def test_what_a_bake_file_cannot_say_is_refused(wishes: PartWishes) -> None:
    with pytest.raises(UsageError, match="cannot use"):
        part("bake", wishes)


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_a_name_beyond_the_basic_plane_is_read_back_as_it_is(name: str) -> None:
    """JSON writes it as two escapes, which are two broken characters in YAML."""
    import ruamel.yaml

    binary = "./\N{GRINNING FACE} \N{LATIN SMALL LETTER E WITH ACUTE}"
    read = ruamel.yaml.YAML(typ="safe").load(part(name, PartWishes(binary=binary)))
    job = read["jobs"]["image"]["env"] if name == "github" else read["pack"]["variables"]
    assert job["BINARY"] == binary


def test_a_users_own_part_is_rendered_in_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "github.yaml.j2").write_text("build: {{ build }}\n")
    assert part("github", PartWishes(), own=tmp_path) == "build: make\n"


def test_the_list_has_every_template() -> None:
    text = listing()
    assert all(f"\n  {name} " in text for name in (*PARTS, "go", "go-cgo", "pyinstaller", "graalvm"))


def test_a_file_is_never_replaced_without_force(tmp_path: Path) -> None:
    """S17."""
    path = tmp_path / "Dockerfile"
    files.write(path, "one\n")
    with pytest.raises(OutputError, match="it is there already"):
        files.write(path, "two\n")
    assert path.read_text() == "one\n"
    files.write(path, "two\n", force=True)
    assert path.read_text() == "two\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["Dockerfile"]
    with pytest.raises(OutputError, match="cannot write"):
        files.write(tmp_path / "none" / "x", "x")
