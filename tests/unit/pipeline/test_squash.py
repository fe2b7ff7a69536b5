"""`squash` as a person runs it: what was hidden is gone, what is shared stays, and the report says which is which (W15, W20, W22, W23)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.oci.source import read_images
from scratchpack.oci.store import open_store
from scratchpack.pipeline.analyze import analyze
from scratchpack.request.model import Request
from tests.support.cli import scratchpack
from tests.support.layered import archive, tar

if TYPE_CHECKING:
    from pathlib import Path

    from scratchpack.oci.source import StoredImage

CACHE, BIG = 3_145_728, 5_242_880
CONFIG: dict[str, Any] = {
    "Entrypoint": ["/app"], "Cmd": ["serve"], "Env": ["PATH=/usr/bin", "A=b=c"], "User": "7:8", "WorkingDir": "/srv", "Volumes": {"/data": {}},
    "ExposedPorts": {"80/tcp": {}}, "Labels": {"who": "me"}, "StopSignal": "SIGQUIT", "OnBuild": ["RUN it"], "Shell": ["/bin/sh", "-ec"],
    "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 5_000_000_000, "StartInterval": 1},
}  # fmt: skip


def stored(path: Path) -> StoredImage:
    with open_store(str(path)) as store:
        (image,) = read_images(store)
    return image


@pytest.fixture
def wasteful(tmp_path: Path) -> Path:
    return archive(
        tmp_path / "app.tar",
        [
            ("RUN dnf install", tar(("var/cache/dnf/", 0), ("var/cache/dnf/all", CACHE), ("app", b"app"))),
            ("RUN rm -rf /var/cache/dnf", tar(("var/cache/.wh.dnf", b""))),
            ("COPY big /", tar(("big", BIG))),
            ("RUN chmod", tar(("big", BIG), mode=0o755)),
        ],
        config=CONFIG,
    )


def test_everything_hidden_is_gone(wasteful: Path, tmp_path: Path) -> None:
    """W7: the payload of the squashed image is what was live. W23: its configuration is what it was."""
    done = scratchpack("squash", wasteful.name, cwd=tmp_path)
    assert (done.status, done.out) == (0, "app-squashed.tar\n"), done.err
    (one,) = analyze([str(tmp_path / "app-squashed.tar")], Request("analyze")).images
    assert (len(one.layers), one.waste.live, one.waste.hidden) == (1, BIG + len(b"app"), 0)
    assert stored(tmp_path / "app-squashed.tar").config["config"] == CONFIG
    assert "4 layers" in done.err.splitlines()[0]
    assert "8.39 MB that were hidden are gone" in done.err
    assert "sharing lost: 4 layers" in done.err
    assert scratchpack("verify", "app-squashed.tar", cwd=tmp_path).status in {
        0,
        6,
    }  # no ELF file in it: only digests are right


def test_on_its_base_the_base_stays(tmp_path: Path) -> None:
    """W15: with a whiteout for what is deleted; the base's layers byte for byte."""
    below = [("FROM", tar(("etc/", 0), ("etc/one", b"1"), ("etc/two", b"2"))), ("RUN", tar(("lib/x", b"x")))]
    above = [
        ("RUN make", tar(("tmp/junk", CACHE))),
        ("RUN rm", tar(("tmp/.wh.junk", b""), ("etc/.wh.one", b""), ("app", b"app"))),
    ]
    base, app = archive(tmp_path / "base.tar", below), archive(tmp_path / "app.tar", [*below, *above])
    done = scratchpack("squash", app, "--onto", base, "-o", "type=oci,dest=out.tar", cwd=tmp_path)
    assert done.status == 0, done.err
    made, was = stored(tmp_path / "out.tar"), stored(base)
    assert made.diff_ids[:2] == was.diff_ids
    assert len(made.diff_ids) == 3
    (one,) = analyze([str(tmp_path / "out.tar")], Request("analyze"), base=str(base)).images
    assert one.base_layers == 2
    assert one.waste.hidden == 1  # /etc/one, which is the base's
    assert one.judged.live == len(b"app")
    assert "sharing kept: 2 layers" in done.err
    assert "still hidden" in done.err
    assert [entry["created_by"] for entry in made.config["history"]] == ["FROM", "RUN", "scratchpack squash"]


def test_a_base_that_it_was_not_built_on_is_one_too(tmp_path: Path) -> None:
    """Equal files are known by their content, and the rest is deleted by name."""
    app = archive(tmp_path / "app.tar", [("x", tar(("etc/same", b"same"), ("app", b"app")))])
    base = archive(tmp_path / "base.tar", [("y", tar(("etc/same", b"same"), ("opt/", 0), ("opt/other", b"o")))])
    assert scratchpack("squash", app, "--onto", base, "-o", "type=oci,dest=out.tar", cwd=tmp_path).status == 0
    (one,) = analyze([str(tmp_path / "out.tar")], Request("analyze"), files=True).images
    assert {file.path for file in one.files} == {"/etc/same", "/app"}
    assert one.layers[1].waste.live == len(b"app")


def test_squashing_three_images_on_one_base(tmp_path: Path) -> None:
    """W8, the second gotcha: each alone takes its base with it; --onto keeps it shared. Every figure by arithmetic."""
    below = [("FROM", tar(("base", BIG)))]
    base = archive(tmp_path / "base.tar", below, name="base:1")
    names = "abc"
    for name in names:
        archive(
            tmp_path / f"{name}.tar",
            [*below, (f"COPY {name}", tar((name, CACHE // 3), (f"{name}-own", name.encode())))],
            name=f"{name}:1",
        )
        assert (
            scratchpack(
                "squash", f"{name}.tar", "-o", f"type=oci,dest={name}-alone.tar,compression=none", cwd=tmp_path
            ).status
            == 0
        )
        assert (
            scratchpack(
                "squash",
                f"{name}.tar",
                "--onto",
                base,
                "-o",
                f"type=oci,dest={name}-onto.tar,compression=none",
                cwd=tmp_path,
            ).status
            == 0
        )

    def live(kind: str) -> tuple[int, int]:
        found = analyze([str(tmp_path / f"{name}{kind}.tar") for name in names], Request("analyze"))
        layers = {layer.digest: layer.waste.live for one in found.images for layer in one.layers}
        chains = {layer.chain_id: layer.waste.live for one in found.images for layer in one.layers}
        return sum(layers.values()), sum(chains.values())

    own = CACHE // 3 + 1
    assert live("") == live("-onto") == (BIG + 3 * own, BIG + 3 * own)
    assert live("-alone") == (3 * BIG + 3 * own, 3 * BIG + 3 * own)


def test_a_dry_run_says_the_same_and_writes_nothing(wasteful: Path, tmp_path: Path) -> None:
    done = scratchpack("squash", wasteful, "--dry-run", cwd=tmp_path)
    assert done.status == 0
    assert "sharing lost: 4 layers" in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.tar"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["-o", "type=docker,dest=app.tar"], "it would replace the image"),
        (["-o", "type=local,dest=tree"], "cannot write -o type=local"),
        (["--onto", "nothing.tar"], "there is no such file"),
        (["--platform", "linux/arm64"], "cannot take --platform linux/arm64"),
    ],
)
def test_what_cannot_be_asked(words: list[str], why: str, wasteful: Path, tmp_path: Path) -> None:
    done = scratchpack("squash", wasteful.name, *words, cwd=tmp_path)
    assert done.status == 2
    assert why in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.tar"]


@pytest.mark.parametrize("command", ["squash", "slim"])
@pytest.mark.parametrize("name", ["cut short", "another digest", "a name that climbs", "a bomb", "a loop of links"])
def test_hostile_images_are_refused_and_nothing_is_written(command: str, name: str, tmp_path: Path) -> None:
    """S8, S22, S25."""
    import gzip

    good = tar(("app", b"app"), ("bin/", 0))
    layers = {
        "cut short": good[:700],
        "another digest": good,
        "a name that climbs": tar(("../../outside", b"out"), ("app", b"app")),
        "a bomb": gzip.compress(bytes(600 << 20)),
        "a loop of links": good,
    }
    path = archive(tmp_path / "bad.tar", [("x", layers[name])], entrypoint=["/../../../etc/passwd"])
    if name == "another digest":
        data = path.read_bytes()
        path.write_bytes(data.replace(b"app\0", b"ape\0", 1))
    if name == "a loop of links":
        archive(path, [("x", good), ("y", _links())], entrypoint=["/a/app"])
    done = scratchpack(command, path, cwd=tmp_path)
    if command == "squash" and name in {"a name that climbs", "a loop of links"}:
        assert done.status == 0, done.err  # the names stay below the root, and links are links
        (one,) = analyze([str(tmp_path / "bad-squashed.tar")], Request("analyze"), files=True).images
        assert {file.path for file in one.files} <= {"/outside", "/app"}
    else:
        assert done.status in {2, 3}, done.err
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.tar"]
    assert "Traceback" not in done.err
    assert not (tmp_path.parent / "outside").exists()


def _links() -> bytes:
    import io
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, target in (("a", "b"), ("b", "a")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            made.addfile(info)
    return out.getvalue()


def test_what_verify_says_of_its_bytes(wasteful: Path, tmp_path: Path) -> None:
    """I9: digests, diff_ids and sizes of the result are what they say."""
    assert (
        scratchpack("squash", wasteful.name, "-o", "type=oci,dest=out.tar,compression=zstd", cwd=tmp_path).status == 0
    )
    done = scratchpack("verify", "--json", "out.tar", cwd=tmp_path)
    first = json.loads(done.out)["verdicts"][0]
    assert first["right"], first["issues"]
