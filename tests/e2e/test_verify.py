"""``verify`` finds what is wrong with an image without running anything of it, and says all of it (I9, exit 6)."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("verify")
    lib = build.shared(home / "libone.so", "int one;")
    build.cc(home / "app", build.HELLO_C, "-Wl,--no-as-needed", str(lib), "-Wl,-rpath,$ORIGIN")
    done = scratchpack("-q", "./app", "-o", "type=docker,compression=none", "-o", "type=oci,tar=false", cwd=home)
    assert done.status == 0, done.err
    return home


@pytest.mark.parametrize("name", ["app.tar", "app.oci"])
def test_what_was_packed_is_right(packed: Path, name: str) -> None:
    done = scratchpack("verify", name, cwd=packed)
    assert (done.status, done.err) == (0, "")
    assert "libraries" in done.out
    assert "FAILED" not in done.out


def test_one_flipped_bit_is_found(packed: Path, tmp_path: Path) -> None:
    data = bytearray((packed / "app.tar").read_bytes())
    data[5000] ^= 1
    (tmp_path / "bad.tar").write_bytes(data)
    done = scratchpack("verify", "--json", "bad.tar", cwd=tmp_path)
    assert done.status == 6
    whole, image = json.loads(done.out)["verdicts"]
    assert any("I9" in issue for issue in whole["issues"])
    assert any("finds all of its" in line for line in image["checked"]), (
        image
    )  # a finding keeps nothing from being resolved


def _tar(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _image(path: Path, layer: bytes, command: list[str], architecture: str = "amd64", **run: str) -> None:
    """A well-made `docker save` archive of one layer, by hand: only what is in it can be wrong."""
    config = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Entrypoint": command, **run},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
        }
    ).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": ["bad:1"], "Layers": ["layer.tar"]}]).encode()
    path.write_bytes(_tar({name: config, "layer.tar": layer, "manifest.json": manifest}))


def test_a_setuid_program_that_needs_origin_is_wrong(packed: Path, tmp_path: Path) -> None:
    """R6: a program that keeps privileges does not follow $ORIGIN outside the system's directories."""
    assert scratchpack("-q", "./app", "-o", f"type=tar,dest={tmp_path}/rootfs.tar", cwd=packed).status == 0
    out = io.BytesIO()
    with tarfile.open(tmp_path / "rootfs.tar") as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old:
            if member.name == "app/app":
                member.mode = 0o4755
            new.addfile(member, old.extractfile(member) if member.isreg() else None)
    _image(tmp_path / "bad.tar", out.getvalue(), ["/app/app"])
    done = scratchpack("verify", "bad.tar", cwd=tmp_path)
    assert done.status == 6
    assert "libone.so: not found" in done.out


def test_an_image_without_its_library_is_wrong(packed: Path, tmp_path: Path) -> None:
    _image(tmp_path / "bad.tar", _tar({"app": (packed / "app").read_bytes()}), ["/app"])
    done = scratchpack("verify", "bad.tar", cwd=tmp_path)
    assert done.status == 6
    assert "/lib64/ld-linux-x86-64.so.2: interp" in done.out


def test_a_library_missing_at_start_is_not_forgiven_because_the_program_opens_others_later(tmp_path: Path) -> None:
    """The name could also be one that the program only tries to open; it is in DT_NEEDED, and the program does not start."""
    library = build.shared(tmp_path / "libgone.so", "int gone(void) { return 0; }")
    source = '#include <dlfcn.h>\nint gone(void);\nint main(void) { return gone() + (dlopen("libgone.so", 1) == 0); }'
    build.cc(tmp_path / "app", source, str(library), "-Wl,-rpath,$ORIGIN")
    assert scratchpack("-q", "./app", "-o", "type=tar", cwd=tmp_path).status == 0
    out = io.BytesIO()
    with tarfile.open(tmp_path / "app.tar") as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old:
            if not member.name.endswith("libgone.so"):
                new.addfile(member, old.extractfile(member) if member.isreg() else None)
    _image(tmp_path / "bad.tar", out.getvalue(), ["/app/app"])
    done = scratchpack("verify", "bad.tar", cwd=tmp_path)
    assert done.status == 6
    assert "libgone.so: not found, asked for by /app/app" in done.out


def test_an_image_of_another_architecture_than_it_says_is_wrong(tmp_path: Path) -> None:
    program = build.cc(tmp_path / "hello", build.HELLO_C, "-static")
    _image(tmp_path / "bad.tar", _tar({"hello": program.read_bytes()}), ["/hello"], architecture="arm64")
    done = scratchpack("verify", "bad.tar", cwd=tmp_path)
    assert done.status == 6
    assert "(I6)" in done.out


def test_an_image_that_starts_nothing_is_wrong(tmp_path: Path) -> None:
    _image(tmp_path / "bad.tar", _tar({"readme": b"text"}), ["/gone"])
    done = scratchpack("verify", "bad.tar", cwd=tmp_path)
    assert done.status == 6
    assert "/gone: what the image starts is not in it" in done.out


def test_a_user_that_the_image_does_not_know_is_wrong(tmp_path: Path) -> None:
    """I15: no engine starts it."""
    program = build.cc(tmp_path / "hello", build.HELLO_C, "-static").read_bytes()
    _image(tmp_path / "bad.tar", _tar({"hello": program}), ["/hello"], User="gopher")
    done = scratchpack("verify", "bad.tar", cwd=tmp_path)
    assert done.status == 6
    assert "does not name 'gopher' (I15)" in done.out
    passwd = b"gopher:x:7:7::/:\n"
    _image(tmp_path / "good.tar", _tar({"hello": program, "etc/passwd": passwd}), ["/hello"], User="gopher")
    assert scratchpack("verify", "good.tar", cwd=tmp_path).status == 0


def test_what_a_program_opens_later_is_looked_for_and_a_miss_is_no_fault(tmp_path: Path) -> None:
    source = (
        "#include <time.h>\n#include <stdio.h>\n#include <pwd.h>\n"
        'int main(void) { struct passwd *who = getpwuid(0); return puts(who ? who->pw_name : "nobody") < 0; }\n'
    )
    build.cc(tmp_path / "who", source)
    assert scratchpack("-q", "./who", "--need", "users=never", cwd=tmp_path).status == 0
    done = scratchpack("verify", "who.tar", cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    assert "may miss /etc/passwd, for users" in done.out
    assert scratchpack("-q", "./who", "-o", "type=docker,dest=whole.tar", cwd=tmp_path).status == 0
    assert "may miss" not in scratchpack("verify", "whole.tar", cwd=tmp_path).out


def test_a_program_is_read_by_two_readers(packed: Path) -> None:
    done = scratchpack("verify", "./app", cwd=packed)
    assert done.status == 0, done.out + done.err
    assert "two independent readers agree" in done.out


def test_a_file_that_is_no_image_and_one_that_is_not_there_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    assert scratchpack("verify", "text", cwd=tmp_path).status == 3
    done = scratchpack("verify", "nothing.tar", cwd=tmp_path)
    assert done.status == 2
    assert "no such file" in done.err
