"""What a worker answered, read and held against itself: text goes in; an image whose parts fit together comes out, or why there is none."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.elf.machines import Platform
from scratchpack.errors import RemoteError
from scratchpack.oci.digest import blob_path, memory_blob
from scratchpack.oci.index import make_release
from scratchpack.oci.layer import MAX_LAYERS
from scratchpack.oci.model import MEDIA_CONFIG, MEDIA_MANIFEST, Blob, Image, ImageConfig
from scratchpack.pipeline.fleet.model import Failure, Made
from scratchpack.pipeline.fleet.shelf import layer_of
from scratchpack.sinks.model import Receipt

if TYPE_CHECKING:
    from scratchpack.foreign import Value
    from scratchpack.oci.model import Layer, Release
    from scratchpack.pipeline.fleet.model import FleetMember
    from scratchpack.pipeline.fleet.shelf import Shelf

_MAX_ANSWER = 64 << 20  # bytes
_LAYER_FIELDS = ("mediaType", "digest", "size")


def read(text: str, member: FleetMember, shelf: Shelf | None) -> Made | Failure:
    """What became of one member; the bytes of its layers stand on the ``shelf``, or are nobody's business but a registry's.

    Raises:
        RemoteError: the answer contradicts itself.
    """

    def fault(why: str) -> RemoteError:
        return RemoteError(f"cannot use what a worker answered of {member.name}: {why}")

    value = foreign.json_document(text, fault, limit=_MAX_ANSWER)
    failed = value.get("failed")
    if not failed.absent:
        return Failure(
            member,
            failed["message"].text(),
            failed.get("hint").text(),
            failed.get("details").texts(),
            failed["exit_code"].number(1, 255),
        )
    return Made(
        member,
        tuple(_release(one, member, shelf) for one in value["releases"].items()),
        value["files"].number(),
        value["size"].number(),
        value["warnings"].texts(),
        tuple(_receipt(one) for one in value["receipts"].items()),
    )


def _receipt(value: Value) -> Receipt:
    return Receipt(value["type"].text(), value["dest"].text(), value.get("digest").text() or None)


def _release(value: Value, member: FleetMember, shelf: Shelf | None) -> Release:
    images = [_image(one, shelf) for one in value["images"].items()]
    index = value.get("index")
    annotations: dict[str, str] = {}
    if not index.absent:
        annotations = foreign.json_document(index.text()).get("annotations").table()
    release = make_release(images, member.references, index_annotations=annotations)
    made = release.index_blob
    if (made is None) != index.absent or (made is not None and made.open().read() != index.text().encode()):
        raise value.wrong("its index does not name these images")
    return release


def _image(value: Value, shelf: Shelf | None) -> Image:
    """One platform's image: the layers that were listed are those of its manifest and of its config."""
    config_text, manifest_text = value["config"].text(), value["manifest"].text()
    config, manifest = foreign.json_document(config_text), foreign.json_document(manifest_text)
    config_blob = memory_blob(MEDIA_CONFIG, config_text.encode())
    if manifest["config"]["digest"].text() != config_blob.digest:
        raise value.wrong("its manifest names another config")
    layers = tuple(_layer(one, shelf) for one in value["layers"].items())
    stated = [tuple(layer[name].raw for name in _LAYER_FIELDS) for layer in manifest["layers"].items()]
    if not 0 < len(layers) <= MAX_LAYERS or stated != [
        (one.blob.media_type, one.blob.digest, one.blob.size) for one in layers
    ]:
        raise value.wrong("its manifest names other layers")
    if list(config["rootfs"]["diff_ids"].texts()) != [layer.diff_id for layer in layers]:
        raise value.wrong("its config names other layers")
    platform = Platform(config["os"].text(), config["architecture"].text(), config.get("variant").text())
    run = config["config"]
    known = ImageConfig(platform, run.get("Entrypoint").texts(), run.get("Cmd").texts())
    return Image(known, layers, config_blob, memory_blob(MEDIA_MANIFEST, manifest_text.encode()))


def _layer(value: Value, shelf: Shelf | None) -> Layer:
    kind, digest, size = value["mediaType"].text(), value["digest"].text(), value["size"].number()
    blob_path(digest)  # refuses what is no digest
    blob = Blob(kind, digest, size, io.BytesIO) if shelf is None else shelf.blob(kind, digest, size)
    return layer_of(value, blob)
