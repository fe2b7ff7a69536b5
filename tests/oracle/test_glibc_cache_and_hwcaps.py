"""R8, R9, R18, R23, R25: the loader's cache, ours beside ldconfig's, and the subdirectories of better processors."""

from __future__ import annotations

import io
import subprocess
from typing import TYPE_CHECKING

import pytest

from scratchpack.loader.cache import FLAGS, CacheEntry, accepted_flags, read_cache, write_cache
from scratchpack.loader.model import LoaderEnv
from tests.oracle.test_host_corpus import cpu_level
from tests.oracle.world import RPATH, RUNPATH
from tests.support import tools

if TYPE_CHECKING:
    from pathlib import Path

    from tests.oracle.world import World

X86 = FLAGS["x86_64"]


def ldconfig(world: World, *words: str) -> None:
    subprocess.run(
        [tools.need("ldconfig", package="libc-bin"), "-r", str(world.root), *words], check=True, capture_output=True
    )


def printed(cache: Path) -> list[str]:
    out = subprocess.run(
        [tools.need("ldconfig", package="libc-bin"), "-p", "-C", str(cache)], check=True, capture_output=True, text=True
    ).stdout
    return [line.strip() for line in out.splitlines()[1:] if "=>" in line]


@pytest.mark.parametrize("style", ["new", "old", "compat"])
def test_every_format_of_ldconfig_is_read(glibc: World, style: str) -> None:  # R8
    glibc.lib("/opt/libx.so.1")
    glibc.write("/etc/ld.so.conf", "/opt\n")
    ldconfig(glibc, "-c", style)
    glibc.program("/p", ["libx.so.1"])
    assert glibc.agree("/p").paths == ("/opt/libx.so.1",)


def test_the_cache_beats_the_default_directories(glibc: World) -> None:  # R8
    glibc.lib("/opt/libx.so.1")
    glibc.lib("/lib/libx.so.1")
    glibc.write("/etc/ld.so.cache", write_cache([CacheEntry("libx.so.1", "/opt/libx.so.1", X86)], "little"))
    glibc.program("/p", ["libx.so.1"])
    assert glibc.agree("/p").paths == ("/opt/libx.so.1",)


def test_runs_of_digits_are_compared_as_numbers(glibc: World) -> None:  # R8
    glibc.lib("/opt/libleaf.so.1")
    glibc.write("/etc/ld.so.cache", write_cache([CacheEntry("libleaf.so.1", "/opt/libleaf.so.1", X86)], "little"))
    glibc.program("/p", ["libleaf.so.01"])
    assert glibc.agree("/p").paths == ("/opt/libleaf.so.1",)


def test_a_missing_cached_file_falls_back_to_the_default_directories(glibc: World) -> None:  # R8
    glibc.lib("/lib/libx.so.1")
    entries = [CacheEntry("libx.so.1", path, X86) for path in ("/gone/libx.so.1", "/opt/libx.so.1")]
    glibc.lib("/opt/libx.so.1")
    glibc.write("/etc/ld.so.cache", write_cache(entries, "little"))
    glibc.program("/p", ["libx.so.1"])
    assert len(glibc.agree("/p").paths) == 1


def test_a_cached_file_of_another_machine_falls_back_and_a_broken_one_is_fatal(glibc: World) -> None:  # R8, R11
    good = bytearray(glibc.lib("/lib/libx.so.1").read_bytes())
    glibc.write("/etc/ld.so.cache", write_cache([CacheEntry("libx.so.1", "/opt/libx.so.1", X86)], "little"))
    good[18] = 0xB7
    glibc.write("/opt/libx.so.1", bytes(good))
    glibc.program("/p", ["libx.so.1"])
    assert glibc.agree("/p").paths == ("/lib/libx.so.1",)
    glibc.write("/opt/libx.so.1", b"text")
    assert glibc.agree("/p").fatal


@pytest.mark.parametrize("flags", [*sorted(set(FLAGS.values()) | {1, 2, 0x301})])
def test_entries_of_other_machines_are_invisible(glibc: World, flags: int) -> None:  # R8
    glibc.lib("/opt/libx.so.1")
    glibc.write("/etc/ld.so.cache", write_cache([CacheEntry("libx.so.1", "/opt/libx.so.1", flags)], "little"))
    glibc.program("/p", ["libx.so.1"])
    assert bool(glibc.agree("/p").paths) == (flags in accepted_flags("x86_64", 0))


@pytest.mark.parametrize("damage", ["garbage", "empty", "cut", "count", "endian", "magic"])
def test_a_damaged_cache_is_silently_ignored(glibc: World, damage: str) -> None:  # R8, S23
    glibc.lib("/lib/libx.so.1")
    glibc.lib("/opt/libx.so.1")
    good = write_cache([CacheEntry("libx.so.1", "/opt/libx.so.1", X86)], "little")
    data = {
        "garbage": b"\xff" * 4096, "empty": b"", "cut": good[:60], "count": good[:20] + b"\xff\xff\xff\x7f" + good[24:],
        "endian": good[:28] + b"\3" + good[29:], "magic": b"X" + good[1:],
    }[damage]  # fmt: skip
    glibc.write("/etc/ld.so.cache", data)
    glibc.program("/p", ["libx.so.1"])
    assert glibc.agree("/p").paths == ("/lib/libx.so.1",)


def test_an_entry_with_a_wild_offset_is_not_followed(glibc: World) -> None:  # R8, S23
    glibc.lib("/lib/libx.so.1")
    good = bytearray(write_cache([CacheEntry("libx.so.1", "/opt/libx.so.1", X86)], "little"))
    good[52:56] = b"\xff\xff\xff\x7f"
    glibc.write("/etc/ld.so.cache", bytes(good))
    glibc.program("/p", ["libx.so.1"])
    assert glibc.agree("/p").paths == ("/lib/libx.so.1",)


def test_an_unsorted_cache_is_searched_by_halves_all_the_same(glibc: World) -> None:  # R8
    names = [f"lib{c}.so.1" for c in "abcdefg"]
    for name in names:
        glibc.lib(f"/opt/{name}")
    good = write_cache([CacheEntry(name, f"/opt/{name}", X86) for name in names], "little")
    rows = [good[48 + 24 * n : 72 + 24 * n] for n in range(len(names))]
    glibc.write("/etc/ld.so.cache", good[:48] + b"".join(reversed(rows)) + good[48 + 24 * len(names) :])
    glibc.program("/p", names)
    assert glibc.agree("/p").missing


def test_nodeflib_ignores_cached_files_of_default_directories_only(glibc: World) -> None:  # R18
    for path in ("/lib/liba.so.1", "/opt/libb.so.1"):
        glibc.lib(path)
    entries = [CacheEntry(path.rpartition("/")[2], path, X86) for path in ("/lib/liba.so.1", "/opt/libb.so.1")]
    glibc.write("/etc/ld.so.cache", write_cache(entries, "little"))
    glibc.program("/p", ["liba.so.1", "libb.so.1"], "-z", "nodefaultlib")
    agreed = glibc.agree("/p")
    assert (agreed.paths, agreed.missing) == (("/opt/libb.so.1",), ("liba.so.1",))


def test_our_cache_with_hwcaps_is_printed_by_ldconfig_as_written(glibc: World, tmp_path: Path) -> None:  # R23
    entries = [CacheEntry(f"lib{n}.so.{n % 12}", f"/opt/lib{n}.so.{n % 12}", X86) for n in range(300)]
    entries.append(CacheEntry("lib7.so.7", "/opt/glibc-hwcaps/x86-64-v3/lib7.so.7", X86, "x86-64-v3"))
    cache = tmp_path / "cache"
    cache.write_bytes(write_cache(entries, "little"))
    lines = printed(cache)
    assert len(lines) == 301
    assert any('hwcap: "x86-64-v3"' in line and "/opt/glibc-hwcaps/x86-64-v3/lib7.so.7" in line for line in lines)
    assert all(f"{e.soname} (libc6,x86-64" in "\n".join(lines) and f"=> {e.path}" in "\n".join(lines) for e in entries)
    glibc.write("/etc/ld.so.cache", cache.read_bytes())
    for n in (0, 7, 150, 299):
        glibc.lib(f"/opt/lib{n}.so.{n % 12}")
    glibc.lib("/opt/glibc-hwcaps/x86-64-v3/lib7.so.7")
    glibc.program("/p", [f"lib{n}.so.{n % 12}" for n in (0, 7, 150, 299)])
    assert len(glibc.agree("/p", cpu=cpu_level()).paths) == 4


@pytest.mark.parametrize("order", ["little", "big"])
def test_what_is_written_is_read_back(order: str) -> None:  # R23
    entries = {CacheEntry(f"lib{n}.so", f"/x/lib{n}.so", 0x403) for n in range(40)}
    entries.add(CacheEntry("lib3.so", "/x/glibc-hwcaps/z14/lib3.so", 0x403, "z14"))
    data = write_cache(entries, order)
    cache = read_cache(io.BytesIO(data), order)
    assert cache is not None
    assert set(cache.entries()) == entries
    assert write_cache(reversed(list(entries)), order) == data


def test_the_configuration_is_ldconfigs_and_neither_the_loader_nor_we_read_it(glibc: World) -> None:  # R25
    glibc.write("/etc/ld.so.conf", "include ld.so.conf.d/*.conf\n/a # a comment\ninclude ld.so.conf\n")
    glibc.write("/etc/ld.so.conf.d/b.conf", "/b\n")
    glibc.lib("/a/liba.so.1")
    glibc.lib("/b/libb.so.1")
    glibc.program("/p", ["liba.so.1", "libb.so.1"])
    assert glibc.agree("/p").missing == ("liba.so.1", "libb.so.1")
    ldconfig(glibc)
    assert glibc.agree("/p").missing == ()


@pytest.fixture(scope="module")
def level() -> str:
    """The best level of this machine, which its loader takes before any other."""
    found = cpu_level()
    if found == "baseline":
        tools.missing("this processor has no level above the baseline, whose variants its loader would take")
    return found


@pytest.mark.parametrize("where", ["rpath", "runpath", "variable", "default"])
def test_hwcaps_are_looked_into_in_every_kind_of_directory(glibc: World, level: str, where: str) -> None:  # R9
    directory = "/lib" if where == "default" else "/d"
    glibc.lib(f"{directory}/libx.so")
    glibc.lib(f"{directory}/glibc-hwcaps/{level}/libx.so", ["libonly.so"])
    glibc.lib("/lib/libonly.so")
    tag = {"rpath": [*RPATH, "/d"], "runpath": [*RUNPATH, "/d"]}.get(where, [])
    glibc.program("/p", ["libx.so"], *tag)
    env = {"LD_LIBRARY_PATH": "/d"} if where == "variable" else {}
    agreed = glibc.agree("/p", cpu=level, **env)
    assert agreed.paths[0] == f"{directory}/glibc-hwcaps/{level}/libx.so"


def test_an_earlier_plain_file_beats_a_later_directorys_variant(glibc: World, level: str) -> None:  # R9
    glibc.lib("/d1/libx.so")
    glibc.lib(f"/d2/glibc-hwcaps/{level}/libx.so")
    glibc.program("/p", ["libx.so"], *RUNPATH, "/d1:/d2")
    assert glibc.agree("/p", cpu=level).paths == ("/d1/libx.so",)


def test_a_cached_variant_beats_every_plain_entry(glibc: World, level: str) -> None:  # R8, R9
    glibc.lib("/d1/libx.so.1")
    glibc.lib(f"/d2/glibc-hwcaps/{level}/libx.so.1")
    glibc.write("/etc/ld.so.conf", "/d1\n/d2\n")
    ldconfig(glibc)
    glibc.program("/p", ["libx.so.1"])
    agreed = glibc.agree("/p", cpu=level)
    assert agreed.paths == (f"/d2/glibc-hwcaps/{level}/libx.so.1",)
    everything = glibc.session("/p", None).closure
    assert next(r.path for r in everything.resolved) == "/d1/libx.so.1", "the baseline always travels"


def test_all_variants_travel_with_what_they_need(glibc: World) -> None:  # R9
    glibc.lib("/lib/libx.so")
    for level in (2, 3, 4):
        glibc.lib(f"/lib/glibc-hwcaps/x86-64-v{level}/libx.so", [f"libfor{level}.so"])
        glibc.lib(f"/lib/libfor{level}.so")
    glibc.program("/p", ["libx.so"])
    for cpu, want in (("all", {"2", "3", "4"}), ("baseline", set()), ("x86-64-v3", {"3"})):
        closure = glibc.session("/p", LoaderEnv(cpu=cpu)).closure
        first = next(r for r in closure.resolved if r.soname == "libx.so")
        assert first.path == "/lib/libx.so"
        assert {v.level[-1] for v in first.variants} == want
        assert {r.soname[6] for r in closure.resolved if r.soname.startswith("libfor")} == want


@pytest.mark.parametrize(
    "sub", ["tls/x86_64/x86_64", "tls/x86_64", "tls", "x86_64/x86_64", "x86_64", "haswell", "tls/haswell", "avx512_1"]
)
def test_legacy_subdirectories_of_old_releases(glibc: World, sub: str) -> None:  # R9, up to 2.36
    glibc.lib("/d/libx.so")
    glibc.lib(f"/d/{sub}/libx.so")
    glibc.lib("/d/x86_64/liby.so")
    glibc.lib("/d/tls/liby.so")
    glibc.program("/p", ["libx.so", "liby.so"], *RUNPATH, "/d")
    agreed = glibc.agree("/p") if sub not in ("haswell", "tls/haswell", "avx512_1") else None
    if agreed is None:
        first = glibc.session("/p", LoaderEnv()).closure.resolved[0]
        assert any(v.path == f"/d/{sub}/libx.so" for v in first.variants), "it travels for the processors that have it"
    else:
        assert agreed.paths[0].startswith(("/d/tls/", "/d/x86_64/", "/d/libx"))


def test_a_name_with_a_slash_has_no_variants(glibc: World, level: str) -> None:  # R9
    glibc.lib("/d/libx.so")
    glibc.lib(f"/d/glibc-hwcaps/{level}/libx.so")
    glibc.program("/p", ["/d/libx.so"])
    assert glibc.agree("/p", cpu=level).paths == ("/d/libx.so",)
