"""Docker archives of whole layers, with the history that a builder would write: what ``analyze`` is asked about."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from scratchpack.elf.machines import oci_platform

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HERE = oci_platform("x86_64")


def archive(
    dest: Path,
    layers: Sequence[tuple[str, bytes]],
    *,
    name: str = "app:1",
    entrypoint: Sequence[str] = (),
    **config: Any,
) -> Path:
    """Write (instruction, tar) pairs as one image; an instruction that starts with ``EMPTY`` makes no layer."""
    full = [(text, data) for text, data in layers if not text.startswith("EMPTY ")]
    document = {
        "architecture": HERE.architecture,
        "os": HERE.os,
        "config": {"Entrypoint": list(entrypoint), "Env": ["PATH=/usr/bin"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(data).hexdigest() for _, data in full]},
        "history": [
            {"created_by": text.removeprefix("EMPTY "), **({"empty_layer": True} if text.startswith("EMPTY ") else {})}
            for text, _ in layers
        ],
        **config,
    }
    raw = json.dumps(document).encode()
    names = [f"{number}/layer.tar" for number in range(len(full))]
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": names}]
    with tarfile.open(dest, "w") as out:
        for path, data in (
            ("manifest.json", json.dumps(manifest).encode()),
            ("config.json", raw),
            *zip(names, (data for _, data in full), strict=True),
        ):
            info = tarfile.TarInfo(path)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return dest


def tar(*files: tuple[str, int | bytes], mode: int = 0o644, mtime: int = 0) -> bytes:
    """A layer of files by path: so many zero bytes, or these. A path that ends in ``/`` is a directory."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for path, content in files:
            info = tarfile.TarInfo(path.strip("/"))
            info.mode, info.mtime = mode, mtime
            if path.endswith("/"):
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                made.addfile(info)
                continue
            info.size = content if isinstance(content, int) else len(content)
            made.addfile(info, _Zeroes() if isinstance(content, int) else io.BytesIO(content))
    return out.getvalue()


class _Zeroes(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        return bytes(size)
