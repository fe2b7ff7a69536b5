"""S7, S23: caches and configurations from elsewhere are bounded and never trusted."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from scratchpack.loader.cache import CacheEntry, read_cache, write_cache
from scratchpack.loader.defaults import read_defaults
from scratchpack.loader.hwcaps import processors

GOOD = write_cache([CacheEntry(f"lib{n}.so.1", f"/x/lib{n}.so.1", 0x303) for n in range(9)], "little")
(BASE, *_) = processors("x86_64", (2, 36), frozenset(), "all")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=6), st.integers(0, len(GOOD)))
def test_no_damage_to_a_cache_raises(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(GOOD[: cut or None])
    for at, value in changes:
        if at < len(data):
            data[at] = value
    cache = read_cache(io.BytesIO(bytes(data)), "little")
    if cache is not None:
        hit = cache.lookup("lib3.so.1", frozenset({0x303}), BASE)
        assert hit.path is None or isinstance(hit.path, str)
        cache.entries()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=4096))
def test_any_bytes_may_stand_where_a_loader_should(data: bytes) -> None:
    assert read_defaults(io.BytesIO(data)).libc in (None, "glibc", "musl")


def test_digits_beyond_every_integer_are_only_compared() -> None:
    name = "lib" + "9" * 4000 + ".so"
    data = write_cache([CacheEntry(name, "/x", 0x303)], "little")
    cache = read_cache(io.BytesIO(data), "little")
    assert cache is not None
    assert cache.lookup(name, frozenset({0x303}), BASE).path == "/x"
