"""`slim`: what an image starts is found in its own layers, and its configuration stays (W20, W21, W23)."""

from __future__ import annotations

import io
import shutil
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.oci.source import read_images
from scratchpack.oci.store import open_store
from scratchpack.sysroot.layerroot import LayerRoot
from tests.support.build import cc
from tests.support.cli import scratchpack
from tests.support.layered import archive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.cli import Run

CONFIG: dict[str, Any] = {
    "Env": ["PATH=/usr/bin:/bin", "A=b=c"], "User": "7:8", "WorkingDir": "/srv/app", "Volumes": {"/data": {}}, "ExposedPorts": {"80/tcp": {}},
    "Labels": {"who": "me"}, "StopSignal": "SIGQUIT", "OnBuild": ["RUN it"], "Shell": ["/bin/sh", "-ec"],
}  # fmt: skip
SHELL = "#!/bin/sh\n"


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static program; under other names it is the shell, the init and the tools of these images."""
    home = tmp_path_factory.mktemp("static")
    return cc(home / "app", "int main(void) { return 0; }", "-static", "-Os")


def image(dest: Path, static: Path, files: Mapping[str, str | None], **config: Any) -> Path:
    """An image of programs (``None``), scripts (which start with ``#!``) and texts, in two layers."""
    layers = []
    for part in (sorted(files)[::2], sorted(files)[1::2]):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as made:
            for path in part:
                text = files[path]
                data = static.read_bytes() if text is None else text.encode()
                info = tarfile.TarInfo(path.lstrip("/"))
                info.size, info.mode = len(data), 0o755 if text is None or text.startswith("#!") else 0o644
                if path.endswith("/"):
                    info.type, info.mode, info.uid, info.gid, info.size = tarfile.DIRTYPE, 0o750, 7, 8, 0
                made.addfile(info, io.BytesIO(data))
        layers.append(("COPY", out.getvalue()))
    return archive(dest, layers, config={**CONFIG, **config})


def slimmed(path: Path, *words: str) -> tuple[Run, set[str], dict[str, Any]]:
    """The run, the paths of files in the result, and its config."""
    done = scratchpack("slim", path.name, "-o", "type=oci,dest=out.tar", *words, cwd=path.parent)
    assert done.status == 0, done.err
    with open_store(str(path.parent / "out.tar")) as store:
        (made,) = read_images(store)
        with LayerRoot([blob.open for blob in made.layers], name="out.tar") as root:
            live = {v.path: v for v in root.history.live()}
    files = {path for path, version in live.items() if version.record.kind == "file"}
    made.config["directories"] = {
        p: (v.record.mode, v.record.uid, v.record.gid) for p, v in live.items() if v.below is not None
    }
    return done, files, made.config


def test_the_static_result_of_a_builder_image_is_the_binary(tmp_path: Path, static: Path) -> None:
    """Everything else of the configuration stays, what no setting is for with it; directories keep owner and mode."""
    files = {"/out/app": None, "/usr/bin/cc": None, "/usr/include/stdio.h": "int x;", "/srv/app/": "", "/data/": ""}
    done, found, config = slimmed(
        image(tmp_path / "builder.tar", static, files, Entrypoint=["/out/app"], Cmd=["serve"])
    )
    assert found == {"/out/app"}
    assert config["config"] == {**CONFIG, "Entrypoint": ["/out/app"], "Cmd": ["serve"]}
    assert config["directories"]["/data"] == config["directories"]["/srv/app"] == (0o750, 7, 8)
    assert "in 2 layers became" in done.err
    assert "warning" not in done.err


@pytest.mark.parametrize(
    ("start", "files", "left"),
    [
        (["/entry.sh", "server", "--port=1"], {"/entry.sh": SHELL + 'set -e\nexec "$@"\n', "/usr/bin/server": None}, {"/entry.sh", "/usr/bin/server", "/bin/sh"}),
        (["entry.sh"], {"/usr/bin/entry.sh": SHELL + "chown 7 /data\nexec server\n", "/usr/bin/server": None, "/bin/chown": None}, {"/usr/bin/entry.sh", "/usr/bin/server", "/bin/chown", "/bin/sh"}),
        (["/bin/sh", "-c", "exec server -x"], {"/usr/bin/server": None}, {"/bin/sh", "/usr/bin/server"}),
        (["/bin/sh", "-ec", "mkdir -p /x && server"], {"/usr/bin/server": None, "/bin/mkdir": None}, {"/bin/sh", "/usr/bin/server", "/bin/mkdir"}),
        (["/sbin/tini", "-g", "--", "server"], {"/sbin/tini": None, "/usr/bin/server": None}, {"/sbin/tini", "/usr/bin/server"}),
        (["/init-of-mine", "--", "server"], {"/init-of-mine": None, "/usr/bin/server": None}, {"/init-of-mine", "/usr/bin/server"}),
        (["/init-of-mine", "/usr/bin/server"], {"/init-of-mine": None, "/usr/bin/server": None}, {"/init-of-mine", "/usr/bin/server"}),
        (["/usr/bin/env", "A=1", "server"], {"/usr/bin/env": None, "/usr/bin/server": None}, {"/usr/bin/env", "/usr/bin/server"}),
        (["sh", "run.sh", "server"], {"/srv/app/run.sh": 'exec "$@"\n', "/usr/bin/server": None}, {"/bin/sh", "/srv/app/run.sh", "/usr/bin/server"}),
        (["server", "other"], {"/usr/bin/server": None}, {"/usr/bin/server"}),  # a word is no program, also where one has its name
    ],
)  # fmt: skip
def test_the_command_is_followed_to_what_runs(
    start: list[str], files: dict[str, str | None], left: set[str], tmp_path: Path, static: Path
) -> None:
    there = {"/bin/sh": None, "/usr/bin/other": None, "/bin/unused": None, **files}
    _, found, config = slimmed(image(tmp_path / "app.tar", static, there, Entrypoint=start))
    assert found == left
    assert config["config"]["Entrypoint"] == start


def test_the_words_of_cmd_belong_to_the_entrypoint(tmp_path: Path, static: Path) -> None:
    files = {"/entry.sh": SHELL + 'exec "$@"\n', "/usr/bin/server": None, "/bin/sh": None}
    _, found, config = slimmed(
        image(tmp_path / "app.tar", static, files, Entrypoint=["/entry.sh"], Cmd=["server", "-v"])
    )
    assert found == set(files)
    assert config["config"]["Cmd"] == ["server", "-v"]


def test_another_entrypoint_drops_the_arguments_as_engines_do(tmp_path: Path, static: Path) -> None:
    files = {"/one": None, "/two": None}
    path = image(tmp_path / "app.tar", static, files, Entrypoint=["/one"], Cmd=["x"])
    _, found, config = slimmed(path, "--entrypoint", "/two", "-e", "A=other", "--user", "0", "--label", "b=c")
    assert found == {"/two"}
    assert "Cmd" not in config["config"]
    assert config["config"]["Env"] == ["PATH=/usr/bin:/bin", "A=other"]
    assert config["config"]["Labels"] == {"who": "me", "b": "c"}
    assert config["config"]["User"] == "0"


def test_what_a_health_check_runs_stays(tmp_path: Path, static: Path) -> None:
    """W23: in the shell's form and in the other; with options that no setting is for."""
    files = {"/app": None, "/bin/sh": None, "/usr/bin/curl": None, "/bin/unused": None}
    check = {"Test": ["CMD-SHELL", "curl -f http://localhost/ || exit 1"], "StartInterval": 5}
    _, found, config = slimmed(
        image(tmp_path / "app.tar", static, files, Entrypoint=["/app"], Healthcheck=check, Shell=None)
    )
    assert found == {"/app", "/bin/sh", "/usr/bin/curl"}
    assert config["config"]["Healthcheck"] == check
    _, found, config = slimmed(tmp_path / "app.tar", "--healthcheck", "NONE")
    assert found == {"/app"}
    assert config["config"]["Healthcheck"] == {"Test": ["NONE"]}


@pytest.mark.parametrize(
    ("config", "why", "status"),
    [
        ({}, "it starts nothing by itself", 3),
        ({"Entrypoint": ["/gone"]}, "/gone, which it starts, is not in it", 3),
        ({"Entrypoint": ["/text"]}, "", 3),
        ({"Entrypoint": "/app"}, "config.Entrypoint", 3),
        ({"Entrypoint": ["/app"], "User": "nobody-here"}, "nobody-here", 2),
        ({"Entrypoint": ["/app"], "Env": [1]}, "config.Env", 3),
    ],
)
def test_what_cannot_be_slimmed(config: dict[str, Any], why: str, status: int, tmp_path: Path, static: Path) -> None:
    path = image(tmp_path / "app.tar", static, {"/app": None, "/text": "hello"}, **config)
    done = scratchpack("slim", path, cwd=tmp_path)
    assert done.status == status, done.err
    assert why in done.err
    assert [entry.name for entry in tmp_path.iterdir()] == ["app.tar"]


def test_the_image_itself_is_not_replaced(tmp_path: Path, static: Path) -> None:
    path = image(tmp_path / "app.tar", static, {"/app": None}, Entrypoint=["/app"])
    assert scratchpack("slim", path, "-o", f"type=docker,dest={path}", cwd=tmp_path).status == 2


def test_a_package_database_is_cut_down_to_what_remains(tmp_path: Path) -> None:
    """W21: a scanner finds the package of the library, and not that of what is gone."""
    app = cc(tmp_path / "app", "int main(void) { return 0; }")
    status = "".join(
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
        for name in ("libc6", "gone")
    )
    root = tmp_path / "root"
    for source in ("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"):
        (root / source[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, root / source[1:])
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text(status)
    (info / "libc6:amd64.list").write_text("/lib/x86_64-linux-gnu/libc.so.6\n/lib64/ld-linux-x86-64.so.2\n")
    (info / "gone.list").write_text("/usr/bin/gone\n")
    shutil.copy(app, root / "app")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        made.add(root, ".")
    path = archive(tmp_path / "image.tar", [("x", out.getvalue())], entrypoint=["/app"])
    _, found, _ = slimmed(path)
    database = {name for name in found if "/dpkg/" in name}
    assert any("libc6" in name for name in database)
    assert not any("gone" in name for name in found)
    assert "/var/lib/dpkg/status" not in found
    _, found, _ = slimmed(path, "--no-package-db")
    assert not {name for name in found if "/dpkg/" in name}
