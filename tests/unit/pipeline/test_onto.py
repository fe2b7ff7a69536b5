"""`pack --onto BASE`: the base's layers stay, what it has is not added, and its loader is the one that is asked (I8, W15)."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack import Options, pack
from scratchpack.errors import ClosureError, UsageError
from scratchpack.oci.source import read_images
from scratchpack.oci.store import open_store
from scratchpack.sysroot.layerroot import LayerRoot
from tests.support.build import cc, shared
from tests.support.layered import archive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.oci.source import StoredImage

LOADER, LIBC = "/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"
CONFIG: dict[str, Any] = {
    "Env": ["PATH=/usr/bin", "A=base"], "User": "7:8", "Labels": {"of": "base"}, "Cmd": ["sh"], "OnBuild": ["RUN x"], "StopSignal": "SIGQUIT",
    "Volumes": {"/data": {}}, "WorkingDir": "/data",
}  # fmt: skip


def base(dest: Path, files: Mapping[str, bytes]) -> Path:
    layers = []
    for path, data in files.items():  # a layer each
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as made:
            info = tarfile.TarInfo(path.strip("/"))
            info.size, info.mode = len(data), 0o755
            if path.endswith("/"):
                info.type, info.mode, info.uid = tarfile.DIRTYPE, 0o1777, 5
            made.addfile(info, io.BytesIO(data))
        layers.append((f"COPY {path}", out.getvalue()))
    return archive(dest, layers, config=CONFIG)


def read(path: Path) -> tuple[StoredImage, set[str], dict[str, tuple[int, int]]]:
    """The image, what its top layer brings, and the mode and owner of each directory."""
    with open_store(str(path)) as store:
        (image,) = read_images(store)
        with LayerRoot([blob.open for blob in image.layers], name=str(path)) as root:
            live = list(root.history.live())
    top = len(image.layers) - 1
    brought = {v.path for v in live if v.layer == top and v.below is None}
    return image, brought, {v.path: (v.record.mode, v.record.uid) for v in live if v.below is not None}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cc(tmp_path_factory.mktemp("onto") / "app", '#include <stdio.h>\nint main(void) { puts("x"); return 0; }')


def test_only_what_the_base_lacks_is_added(app: Path, tmp_path: Path) -> None:
    """Layers below are byte for byte those of the base; its configuration is inherited as FROM does it."""
    below = base(tmp_path / "base.tar", {LOADER: Path(LOADER).read_bytes(), LIBC: Path(LIBC).read_bytes()})
    pack(app, Options(onto=below, output=f"type=oci,dest={tmp_path}/out.tar", env={"A": "ours"}, label={"b": "c"}))
    made, brought, _ = read(tmp_path / "out.tar")
    was, _, _ = read(below)
    assert made.diff_ids[:2] == was.diff_ids
    assert len(made.layers) == 3
    assert brought == {"/app"}
    config = made.config["config"]
    assert config["Entrypoint"] == ["/app"]
    assert config["Env"] == ["PATH=/usr/bin", "A=ours"]
    assert (config["User"], config["StopSignal"], config["WorkingDir"]) == ("7:8", "SIGQUIT", "/data")
    assert config["Labels"] == {"of": "base", "b": "c"}
    assert "Cmd" not in config
    assert "OnBuild" not in config  # those are for a builder
    assert [entry["created_by"] for entry in made.config["history"]] == [
        f"COPY {LOADER}",
        f"COPY {LIBC}",
        "scratchpack",
    ]


def test_what_the_base_lacks_comes_from_the_source(app: Path, tmp_path: Path) -> None:
    """Directories of the base keep their mode and owner, though something is put below them."""
    below = base(tmp_path / "base.tar", {LOADER: Path(LOADER).read_bytes(), "/lib/": b""})
    pack(app, Options(onto=below, output=f"type=oci,dest={tmp_path}/out.tar"))
    _, brought, directories = read(tmp_path / "out.tar")
    assert brought == {"/app", f"/usr{LIBC}"}  # /lib of the base is a directory, which hides the link of this machine
    assert directories["/lib"] == (0o1777, 5)


def test_a_version_that_the_base_does_not_define_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base's own library is seen first, and it is too old (R25)."""
    place = tmp_path / "lib"
    place.mkdir()
    for name, version in (("new", "V_2"), ("old", "V_1")):
        (tmp_path / f"{name}.map").write_text(f"{version} {{ global: f; }};\n")
        shared(
            tmp_path / f"{name}.so",
            "int f(void) { return 0; }",
            "-Wl,-soname,libf.so",
            f"-Wl,--version-script={tmp_path}/{name}.map",
        )
    (place / "libf.so").write_bytes((tmp_path / "new.so").read_bytes())
    monkeypatch.chdir(tmp_path)
    cc(tmp_path / "app", "int f(void); int main(void) { return f(); }", f"-L{place}", "-l:libf.so", "-Wl,-rpath,/opt/f")
    root = tmp_path / "root"
    for path, data in (
        ("/opt/f/libf.so", (tmp_path / "new.so").read_bytes()),
        (LOADER, Path(LOADER).read_bytes()),
        (LIBC, Path(LIBC).read_bytes()),
    ):
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / path[1:]).write_bytes(data)
    good = base(tmp_path / "good.tar", {LOADER: Path(LOADER).read_bytes()})
    bad = base(tmp_path / "bad.tar", {"/opt/f/libf.so": (tmp_path / "old.so").read_bytes()})
    pack("app", Options(root=root, onto=good, output=f"type=oci,dest={tmp_path}/out.tar"))
    with pytest.raises(ClosureError) as refused:
        pack("app", Options(root=root, onto=bad, output=f"type=oci,dest={tmp_path}/none.tar"))
    assert any("V_2" in line for line in refused.value.details)
    assert not (tmp_path / "none.tar").exists()


@pytest.mark.parametrize(
    ("files", "output", "why"),
    [
        ({"/app/": b""}, "type=docker,dest=out.tar", "it has a directory there"),
        ({"/x": b"x"}, "type=local,dest=tree", "a tree has no layers of a base"),
        ({"/x": b"x"}, "type=docker,dest=base.tar", "it would replace --onto"),
    ],
)
def test_what_cannot_be_put_on_a_base(
    files: dict[str, bytes], output: str, why: str, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    base(tmp_path / "base.tar", files)
    with pytest.raises(UsageError, match=why):
        pack(app, Options(onto="base.tar", output=output))
    assert [path.name for path in tmp_path.iterdir()] == ["base.tar"]


def test_a_program_of_the_same_name_takes_the_place_of_the_base_s(app: Path, tmp_path: Path) -> None:
    below = base(
        tmp_path / "base.tar", {"/app": b"another", LOADER: Path(LOADER).read_bytes(), LIBC: Path(LIBC).read_bytes()}
    )
    done = pack(app, Options(onto=below, output=f"type=oci,dest={tmp_path}/out.tar"))
    assert any("takes the place of another file" in line for line in done.plans[0].warnings)
    _, brought, _ = read(tmp_path / "out.tar")
    assert brought == {"/app"}
