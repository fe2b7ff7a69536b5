"""`verify` of images that docker, BuildKit, buildah, umoci, skopeo and podman made: nothing is said that is not true, and each is resolved (I23)."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from scratchpack.pipeline.verify import verify
from tests.support import build
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path

    from scratchpack.verification.image import Verdict
    from tests.support.engines import Containerd, Docker, Engine, Podman, Registry

# Takes a directory away and puts a link in its place, in a layer of its own; buildah and the classic builder run it.
SWAP_C = """\
#include <unistd.h>
int main(void) { return unlink("/data/old") || rmdir("/data") || symlink("srv", "/data"); }
"""
DOCKERFILE = """\
FROM scratch
COPY tree/ /
{swap}COPY note /srv/note
ENV A=b
USER gopher
WORKDIR /srv
CMD ["app", "--serve"]
"""


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build context: a dynamic program with its libraries, a user, and a directory that becomes a link."""
    home = tmp_path_factory.mktemp("others")
    program = build.cc(home / "app", build.HELLO_C)
    assert scratchpack("-q", program, "-o", f"type=local,dest={home}/tree").status == 0
    tree = home / "tree"
    (tree / "usr/bin").mkdir(parents=True, exist_ok=True)
    (tree / "app").rename(tree / "usr/bin/app")
    build.cc(tree / "swap", SWAP_C, "-static")
    for name in ("data", "srv", "etc"):
        (tree / name).mkdir(exist_ok=True)
    (tree / "data/old").write_text("old")
    (tree / "etc/passwd").write_text("root:x:0:0::/:\ngopher:x:7:7::/srv:\n")
    (tree / "etc/group").write_text("root:x:0:\ngopher:x:7:\n")
    (home / "note").write_text("note")
    for kind, swap in (("plain", ""), ("swap", 'RUN ["/swap"]\n')):
        (home / f"{kind}.Dockerfile").write_text(DOCKERFILE.format(swap=swap))
    (home / "base.Dockerfile").write_text("FROM scratch\nCOPY tree/ /\n")
    return home


def right(verdicts: tuple[Verdict, ...], *, starts: str = "/usr/bin/app finds all of its") -> None:
    """No issue at all, and the closure of each image resolved."""
    assert [issue for verdict in verdicts for issue in verdict.issues] == []
    assert len(verdicts) > 1
    for verdict in verdicts[1:]:
        assert any(line.startswith(starts) for line in (*verdict.checked, *verdict.unchecked)), verdict
    assert any("another tool's image" in line for line in verdicts[0].checked)


def copies(skopeo: Engine, source: str, place: Path) -> None:
    """What skopeo makes of an image: an OCI layout, an OCI archive with zstd, and Docker's archive."""
    place.mkdir(exist_ok=True)
    for target, options in (
        (f"oci:{place}/oci:it", ()),
        (f"oci-archive:{place}/oci.tar:it", ("--dest-compress-format", "zstd")),
        (f"docker-archive:{place}/docker.tar:it:1", ()),
    ):
        skopeo("copy", "-q", *options, source, target)
        right(verify(target.split(":")[1]))


def test_the_classic_builders_image(docker: Docker, skopeo: Engine, context: Path, tmp_path: Path) -> None:
    words = ("build", "--network=none", "-f", context / "swap.Dockerfile", "-t", "others:classic", context)
    docker(*words, env={"DOCKER_BUILDKIT": "0"})
    docker("save", "-o", tmp_path / "saved.tar", "others:classic")
    right(verify(str(tmp_path / "saved.tar")))
    copies(skopeo, f"docker-archive:{tmp_path}/saved.tar", tmp_path)


def test_buildkits_image_in_the_engine_itself(
    docker: Docker, skopeo: Engine, context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("build", "--network=none", "-f", context / "plain.Dockerfile", "-t", "others:buildkit", context)
    docker(*words, env={"DOCKER_BUILDKIT": "1"})
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    right(verify("docker:others:buildkit"))
    docker(
        "save", "-o", tmp_path / "by-id.tar", docker("image", "inspect", "-f", "{{.Id}}", "others:buildkit").out.strip()
    )
    right(verify(str(tmp_path / "by-id.tar")))  # no name at all: RepoTags is null
    copies(skopeo, f"docker-archive:{tmp_path}/by-id.tar", tmp_path / "copies")


def test_a_base_image_without_a_command(docker: Docker, context: Path, tmp_path: Path) -> None:
    docker(
        "build",
        "--network=none",
        "-f",
        context / "base.Dockerfile",
        "-t",
        "others:base",
        context,
        env={"DOCKER_BUILDKIT": "0"},
    )
    docker("save", "-o", tmp_path / "base.tar", "others:base")
    right(verify(str(tmp_path / "base.tar")), starts="it starts nothing by itself")


def test_an_image_that_docker_pushed(
    docker: Docker, registry: Registry, context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker's schema 2 manifest, out of a registry."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    name = f"{registry.host}/others/app:v1"
    docker(
        "build", "--network=none", "-f", context / "swap.Dockerfile", "-t", name, context, env={"DOCKER_BUILDKIT": "0"}
    )
    docker("push", name)
    right(verify(name))


def test_buildahs_images(buildah: Engine, skopeo: Engine, context: Path, tmp_path: Path) -> None:
    for kind in ("oci", "docker"):
        buildah(
            "bud",
            "--isolation",
            "chroot",
            "--format",
            kind,
            "--layers",
            "-f",
            context / "swap.Dockerfile",
            "-t",
            f"others:{kind}",
            context,
        )
        buildah("push", "--quiet", f"localhost/others:{kind}", f"oci:{tmp_path}/{kind}:it")
        right(verify(str(tmp_path / kind)))
        buildah("push", "--quiet", f"localhost/others:{kind}", f"docker-archive:{tmp_path}/{kind}.tar:others:{kind}")
        right(verify(str(tmp_path / f"{kind}.tar")))
        copies(skopeo, f"oci:{tmp_path}/{kind}:it", tmp_path / f"copies-{kind}")


def test_umocis_layout(umoci: Engine, skopeo: Engine, context: Path, tmp_path: Path) -> None:
    """Fresh from `umoci new`, and repacked with a layer in which a link takes a directory's place."""
    layout, bundle = tmp_path / "layout", tmp_path / "bundle"
    umoci("init", "--layout", layout)
    umoci("new", "--image", f"{layout}:it")
    right(verify(str(layout)), starts="it starts nothing by itself")
    umoci("unpack", "--image", f"{layout}:it", bundle)
    shutil.copytree(context / "tree", bundle / "rootfs", symlinks=True, dirs_exist_ok=True)
    umoci("repack", "--refresh-bundle", "--image", f"{layout}:it", bundle)
    shutil.rmtree(bundle / "rootfs/data")
    (bundle / "rootfs/data").symlink_to("srv")
    umoci("repack", "--image", f"{layout}:it", bundle)
    umoci("config", "--image", f"{layout}:it", "--config.cmd", "app", "--config.user", "gopher")
    right(verify(str(layout)))
    copies(skopeo, f"oci:{layout}:it", tmp_path / "copies")


def test_what_podman_saves(podman: Podman, buildah: Engine, skopeo: Engine, context: Path, tmp_path: Path) -> None:
    buildah("bud", "--isolation", "chroot", "-f", context / "swap.Dockerfile", "-t", "others:podman", context)
    buildah("push", "--quiet", "localhost/others:podman", f"docker-archive:{tmp_path}/in.tar:others:podman")
    podman("load", "-i", tmp_path / "in.tar")
    for kind in ("docker-archive", "oci-archive", "docker-dir", "oci-dir"):
        podman("save", "-q", "--format", kind, "-o", tmp_path / kind, "localhost/others:podman")
        if kind != "docker-dir":  # skopeo's own format: neither index.json nor docker's list in manifest.json
            right(verify(str(tmp_path / kind)))
        source = {"oci-dir": "oci", "docker-dir": "dir"}.get(kind, kind)
        copies(skopeo, f"{source}:{tmp_path}/{kind}", tmp_path / f"copies-{kind}")


def test_what_containerd_exports(containerd: Containerd, buildah: Engine, context: Path, tmp_path: Path) -> None:
    name = "example.org/others:ctr"
    buildah("bud", "--isolation", "chroot", "-f", context / "swap.Dockerfile", "-t", name, context)
    buildah("push", "--quiet", name, f"docker-archive:{tmp_path}/in.tar:{name}")
    containerd("images", "import", "--snapshotter", "native", tmp_path / "in.tar")
    containerd("images", "export", tmp_path / "out.tar", name)
    right(verify(str(tmp_path / "out.tar")))


def test_our_own_image_after_others_had_it(docker: Docker, skopeo: Engine, context: Path, tmp_path: Path) -> None:
    """It stays ours by its history; the archive is another tool's, and our rules for archives are not held against that."""
    assert (
        scratchpack(
            "-q", "./app", "-t", "others:ours", "-o", f"type=docker,dest={tmp_path}/ours.tar", cwd=context
        ).status
        == 0
    )
    docker("load", "-i", tmp_path / "ours.tar")
    docker("save", "-o", tmp_path / "saved.tar", "others:ours")
    skopeo("copy", "-q", f"docker-archive:{tmp_path}/saved.tar", f"oci:{tmp_path}/copied:it")
    for name in ("ours.tar", "saved.tar", "copied"):
        verdicts = verify(str(tmp_path / name))
        assert [issue for verdict in verdicts for issue in verdict.issues] == [], name
        assert any("scratchpack made it" in line for line in verdicts[0].checked)
        assert (name == "ours.tar") != any("something else wrote this one" in line for line in verdicts[0].checked)


def test_our_rules_are_held_against_others_where_they_are_asked_for(
    skopeo: Engine, context: Path, tmp_path: Path
) -> None:
    assert (
        scratchpack(
            "-q", "./app", "-t", "others:rules", "-o", f"type=docker,dest={tmp_path}/ours.tar", cwd=context
        ).status
        == 0
    )
    skopeo("copy", "-q", f"docker-archive:{tmp_path}/ours.tar", f"oci:{tmp_path}/copied:it")
    done = scratchpack("verify", "--house-rules", tmp_path / "copied")
    assert done.status == 6
    assert "(I3)" in done.out
    assert scratchpack("verify", tmp_path / "copied").status == 0
