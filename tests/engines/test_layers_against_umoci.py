"""What a History calls live is what umoci unpacks: modes, owners, contents, links, over generated images (W1)."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from scratchpack.layers.history import History
from scratchpack.oci.model import MEDIA_LAYER, Layer
from scratchpack.sinks.layout import OciLayout
from tests.support import releases
from tests.support.layers import Generator, tar

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Engine

Shown = dict[str, tuple[object, ...]]


@pytest.mark.parametrize(
    "seeds",
    [range(30), pytest.param(range(1000, 1500), marks=pytest.mark.campaign)],
    ids=["30 images", "500 images"],
)
def test_what_is_live_is_what_umoci_unpacks(seeds: range, umoci: Engine, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files to others")
    for seed in seeds:
        layers = [tar(*layer) for layer in Generator(seed).image()]
        with History([lambda blob=blob: io.BytesIO(blob) for blob in layers], name="generated") as history:  # type: ignore[misc]
            assert not history.disputed
            assert ours(history) == theirs(umoci, layers, tmp_path / str(seed)), f"seed {seed}"
        shutil.rmtree(tmp_path / str(seed))


def ours(history: History) -> Shown:
    """Path to kind, mode, owner, and content or target and number of links."""
    found: Shown = {}
    for version in history.live():
        record = version.inode.record
        if record.kind == "symlink":
            found[version.path] = (record.kind, record.uid, record.target)
        elif record.kind == "directory":
            found[version.path] = (record.kind, record.uid, record.mode)
        else:
            with history.open(version.inode) as stream:
                found[version.path] = (record.kind, record.uid, record.mode, stream.read(), version.inode.links)
    del found["/"]
    return found


def theirs(umoci: Engine, layers: list[bytes], home: Path) -> Shown:
    """The same of the tree that umoci makes."""
    home.mkdir()
    made = [
        Layer(releases.blob(MEDIA_LAYER, raw), "sha256:" + hashlib.sha256(raw).hexdigest(), len(raw)) for raw in layers
    ]
    with OciLayout(str(home / "layout")) as layout:
        layout.write(releases.release(releases.image(made), names=["image:1"]))
    umoci("unpack", "--image", f"{home}/layout:1", home / "bundle")
    found: Shown = {}
    for directory, directories, files in os.walk(home / "bundle/rootfs"):
        for name in (*directories, *files):
            path = os.path.join(directory, name)
            status = os.lstat(path)
            shown = "/" + os.path.relpath(path, home / "bundle/rootfs")
            mode = stat.S_IMODE(status.st_mode)
            if stat.S_ISLNK(status.st_mode):
                found[shown] = ("symlink", status.st_uid, os.readlink(path))
            elif stat.S_ISDIR(status.st_mode):
                found[shown] = ("directory", status.st_uid, mode)
            else:
                with open(path, "rb") as stream:
                    found[shown] = ("file", status.st_uid, mode, stream.read(), status.st_nlink)
    return found
