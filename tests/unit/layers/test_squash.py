"""Squashed layers show what the image shows, over generated images: one layer, folded ones, and one on another image (W15, W22)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from scratchpack.layers.history import History
from scratchpack.layers.squash import Kept, fold, onto, whole
from scratchpack.layers.waste import waste
from scratchpack.layers.written import layer_stream
from tests.support import layered
from tests.support.layers import Generator, tar

if TYPE_CHECKING:
    from collections.abc import Sequence

Shown = dict[str, tuple[object, ...]]
SEEDS = range(25)


def opened(layers: Sequence[bytes]) -> History:
    return History([lambda blob=blob: io.BytesIO(blob) for blob in layers], name="generated")  # type: ignore[misc]


def shown(history: History) -> Shown:
    """Everything that an image shows, with contents, and which names are one file."""
    found: Shown = {}
    first: dict[int, str] = {}
    for version in history.live():
        record = version.inode.record
        told: tuple[object, ...] = (record.kind, record.uid, record.gid, record.target, record.xattrs, record.device)
        if record.kind != "symlink":
            told += (record.mode,)
        if record.kind == "file":
            with history.open(version.inode) as stream:
                told += (stream.read(), first.setdefault(version.inode.number, version.path))
        found[version.path] = told
    del found["/"]
    return found


def image(seed: int) -> list[bytes]:
    return [tar(*layer) for layer in Generator(seed).image()]


def test_one_layer_shows_what_all_of_them_show() -> None:
    """W7: and its payload is what was live."""
    for seed in SEEDS:
        with opened(image(seed)) as history:
            layer = b"".join(layer_stream(history, whole(history)))
            with opened([layer]) as squashed:
                assert shown(squashed) == shown(history), f"seed {seed}"
                assert waste(squashed).live == waste(history).live
                assert waste(squashed).hidden == 0


def test_a_layer_on_another_image_makes_it_show_the_same() -> None:
    """W15: with explicit whiteouts, and no opaque directory."""
    for seed in SEEDS:
        base, target = image(seed), image(seed + 5000)
        both = [base[0], *target]  # they have the lowest layer in common
        with opened(base) as below, opened(both) as history:
            entries = onto(history, below, same_layers=1)
            layer = b"".join(layer_stream(history, entries))
            assert b".wh..wh..opq" not in layer
            with opened([*base, layer]) as squashed:
                assert shown(squashed) == shown(history), f"seed {seed}"


def test_an_image_on_itself_needs_no_layer() -> None:
    for seed in SEEDS[:8]:
        layers = image(seed)
        with opened(layers) as history, opened(layers) as again:
            assert onto(history, again, same_layers=len(layers)) == ()
            assert onto(history, again, same_layers=0) == ()  # by content where no layer is known to be the same


def folded(*layers: bytes) -> tuple[list[bytes], list[int]]:
    """The layers that folding makes, and which of the old ones stay."""
    with opened(layers) as history:
        found = fold(history)
        assert found is not None
        made = [layers[one.number] if isinstance(one, Kept) else b"".join(layer_stream(history, one)) for one in found]
        with opened(made) as again:
            assert shown(again) == shown(history)
            assert waste(again).hidden == 0
        return made, [one.number for one in found if isinstance(one, Kept)]


def test_a_copy_with_another_mode_is_folded_and_no_layer_is_lost() -> None:
    """W22: the layers below, beside and above stay byte for byte."""
    made, kept = folded(
        layered.tar(("base", b"base")),
        layered.tar(("app/", 0), ("app/big", 5000), ("app/other", b"other")),
        layered.tar(("app/big", 5000), ("more", b"more"), mode=0o755),
        layered.tar(("last", b"last")),
    )
    assert len(made) == 4
    assert kept == [0, 3]


def test_a_layer_of_nothing_but_copies_goes() -> None:
    """W22: what chmod, chmod again and touch made is no layer any more."""
    big = ("big", 5000)
    made, kept = folded(
        layered.tar(("base", b"base")), layered.tar(big), layered.tar(big, mode=0o600), layered.tar(big, mode=0o755),
        layered.tar(big, mode=0o755, mtime=1_000_000_000),
    )  # fmt: skip
    assert len(made) == 2
    assert kept == [0]


def test_folding_is_for_copies_alone() -> None:
    for above in (layered.tar((".wh.big", b"")), layered.tar(("big", b"other"))):
        with opened([layered.tar(("big", 5000)), above]) as history:
            assert fold(history) is None


def test_an_image_that_hides_nothing_is_not_folded() -> None:
    with opened([layered.tar(("one", b"1")), layered.tar(("two", b"2"))]) as history:
        assert fold(history) is None


def test_folding_shows_the_same_whatever_else_the_layers_did() -> None:
    """Whiteouts, links and empty files beside the copies."""
    tried = 0
    for seed in range(3090, 3110):  # 3099 hides nothing but copies
        layers = image(seed)
        with opened(layers) as history:
            found = fold(history)
            if found is None:
                continue
            tried += 1
            made = [
                layers[one.number] if isinstance(one, Kept) else b"".join(layer_stream(history, one)) for one in found
            ]
            with opened(made) as again:
                assert shown(again) == shown(history), f"seed {seed}"
    assert tried
